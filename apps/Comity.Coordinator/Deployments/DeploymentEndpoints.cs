using System.Globalization;
using System.Text.Json;
using Comity.Coordinator.Identity;
using Comity.Coordinator.Studies;
using Comity.Transport.Deployments;
using Comity.Transport.Identity;

namespace Comity.Coordinator.Deployments;

/// <summary>The part of <c>/v1</c> that is about serving: people hand orders and releases in, serving nodes come for them and tell what they do.</summary>
internal static class DeploymentEndpoints
{
    private const int LargestOrderBytes = 1 << 20;
    private const int LargestReportBytes = 256 << 10;
    private const long LargestReleaseBytes = 4L << 30;
    private const int LongestWaitSeconds = 30;
    private static readonly CallerRole[] Deciders = [CallerRole.Author, CallerRole.Operator];
    private static readonly CallerRole[] Nodes = [CallerRole.Server];
    private static readonly CallerRole[] Readers = [CallerRole.Server, CallerRole.Viewer, CallerRole.Steward, CallerRole.Author, CallerRole.Operator];

    public static void MapDeployments(this IEndpointRouteBuilder routes, DeploymentShelf shelf)
    {
        routes.MapGet("/v1/deployments/orders", Calls.For(Readers, async (context, caller) =>
        {
            _ = long.TryParse(context.Request.Query["after"], NumberStyles.None, CultureInfo.InvariantCulture, out var after);
            _ = int.TryParse(context.Request.Query["wait"], NumberStyles.None, CultureInfo.InvariantCulture, out var wait);
            return Calls.Reply(await shelf.OrdersAsync(after, TimeSpan.FromSeconds(Math.Clamp(wait, 0, LongestWaitSeconds)), context.RequestAborted));
        }));
        routes.MapGet("/v1/deployments/orders/{name}", Calls.For(Readers, (context, _) => Task.FromResult(
            shelf.OrderFile(Calls.Route(context, "name")) is { } file ? Results.File(file, "application/json") : NotFound(context))));
        routes.MapPut("/v1/deployments/orders/{name}", Calls.For(Deciders, (context, caller) => ReplaceAsync(shelf, context, caller)));
        routes.MapGet("/v1/deployments/releases", Calls.For(Readers, (_, _) => Task.FromResult(Calls.Reply(shelf.Releases()))));
        routes.MapGet("/v1/deployments/releases/{sha256}", Calls.For(Readers, async (context, _) =>
            await shelf.ReleaseFileAsync(Calls.Route(context, "sha256"), context.RequestAborted) is { } file ? Results.File(file, "application/octet-stream", enableRangeProcessing: true) : NotFound(context)));
        routes.MapPut("/v1/deployments/releases/{sha256}", Calls.For(Deciders, (context, caller) => TakeAsync(shelf, context, caller)));
        routes.MapPut("/v1/deployments/nodes/me", Calls.For(Nodes, async (context, caller) =>
        {
            // Under the name that was proved: a node can't speak for another.
            shelf.Report(caller.Name, await Calls.ReadAsync<JsonElement>(context, LargestReportBytes));
            return Results.NoContent();
        }));
        routes.MapGet("/v1/deployments/nodes", Calls.For(Readers, (_, _) => Task.FromResult(Calls.Reply(shelf.Nodes()))));
    }

    private static async Task<IResult> ReplaceAsync(DeploymentShelf shelf, HttpContext context, CallerIdentity caller)
    {
        var name = Calls.Route(context, "name");
        if (!Member.IsName(name)) return Calls.Refuse(StatusCodes.Status400BadRequest, Texts.Problem("deployment-name", context.Request.Path, name));
        if (caller.Studies is not null) return Narrow(context, caller);
        // Read as JSON so that what is no order at all is refused here already; kept as the bytes that were signed.
        var order = await Calls.ReadAsync<JsonElement>(context, LargestOrderBytes);
        var replaces = context.Request.Headers[DeploymentClient.ReplacesHeader].ToString();
        var bytes = System.Text.Encoding.UTF8.GetBytes(order.GetRawText());
        return shelf.Replace(name, bytes, DeploymentShelf.IsDigest(replaces) ? replaces : null)
            ? Results.NoContent()
            : Calls.Refuse(StatusCodes.Status409Conflict, Texts.Problem("deployment-overtaken", context.Request.Path, name));
    }

    private static async Task<IResult> TakeAsync(DeploymentShelf shelf, HttpContext context, CallerIdentity caller)
    {
        var sha256 = Calls.Route(context, "sha256");
        if (caller.Studies is not null) return Narrow(context, caller);
        if (!DeploymentShelf.IsDigest(sha256)) return NotFound(context);
        Calls.Allow(context, LargestReleaseBytes);
        return await shelf.TakeReleaseAsync(sha256, context.Request.Body, context.RequestAborted)
            ? Results.NoContent()
            : Calls.Refuse(StatusCodes.Status400BadRequest, Texts.Problem("deployment-digest", context.Request.Path, sha256));
    }

    private static IResult Narrow(HttpContext context, CallerIdentity caller) => Calls.Refuse(StatusCodes.Status403Forbidden, Texts.Problem("study-barred", context.Request.Path, caller.Name));

    private static IResult NotFound(HttpContext context) => Calls.Refuse(StatusCodes.Status404NotFound, Texts.Problem("deployment-unknown", context.Request.Path));
}
