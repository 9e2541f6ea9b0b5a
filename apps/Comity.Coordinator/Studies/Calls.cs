using System.Text.Json;
using Comity.Coordinator.Hosting;
using Comity.Declarations;
using Comity.Transport.Identity;
using Comity.Transport.Protocol;
using Comity.Transport.Stores;
using Microsoft.AspNetCore.Http.Features;

namespace Comity.Coordinator.Studies;

/// <summary>What all endpoints of studies share: who may call, bounded bodies, answers that are problems.</summary>
internal static class Calls
{
    /// <summary>Runs an endpoint for callers of the given roles; everybody else hears why not.</summary>
    public static Delegate For(IReadOnlyList<CallerRole> roles, Func<HttpContext, CallerIdentity, Task<IResult>> endpoint) => async (HttpContext context) =>
    {
        var caller = context.Features.Get<CallerIdentity>();
        if (caller is null) return Refuse(StatusCodes.Status401Unauthorized, Texts.Problem("caller-unknown", context.Request.Path));
        if (!roles.Contains(caller.Role)) return Refuse(StatusCodes.Status403Forbidden, Texts.Problem("caller-not-allowed", context.Request.Path, caller.Name, caller.Role, string.Join(", ", roles)));
        try
        {
            return await endpoint(context, caller);
        }
        catch (InvalidDeclarationException e)
        {
            return Refuse(StatusCodes.Status422UnprocessableEntity, e.Problems[0]);
        }
        catch (Exception e) when (e is JsonException or FormatException or InvalidDataException or BadHttpRequestException)
        {
            return Refuse(StatusCodes.Status400BadRequest, Texts.Problem("message-malformed", context.Request.Path, e.Message));
        }
        catch (Exception e) when (DiskFull.Is(e))
        {
            return Refuse(StatusCodes.Status507InsufficientStorage, Texts.Problem(FullDisk.Code, context.Request.Path));
        }
    };

    public static IResult Refuse(int status, Problem problem) => Refusal.Of(status, problem);

    public static IResult Reply<T>(T content) => Results.Json(content, WireJson.Options);

    /// <summary>Reads a control message to its end.</summary>
    public static async Task<T> ReadAsync<T>(HttpContext context, int limit)
    {
        Allow(context, limit);
        using var buffer = new MemoryStream((int)Math.Min(context.Request.ContentLength ?? 4096, 1 << 20));
        var part = new byte[16 << 10];
        int read;
        while ((read = await context.Request.Body.ReadAsync(part, context.RequestAborted)) > 0)
        {
            if (buffer.Length + read > limit) throw new InvalidDataException($"The message is larger than {limit} bytes.");
            buffer.Write(part, 0, read);
        }
        return JsonSerializer.Deserialize<T>(buffer.GetBuffer().AsSpan(0, (int)buffer.Length), WireJson.Options) ?? throw new JsonException("The message is null.");
    }

    /// <summary>Lets this call have a body of so many bytes; the host's own limit is for calls that need none.</summary>
    public static void Allow(HttpContext context, long bytes)
    {
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } feature) feature.MaxRequestBodySize = bytes;
    }

    public static string Route(HttpContext context, string name) => context.GetRouteValue(name) as string ?? "";
}
