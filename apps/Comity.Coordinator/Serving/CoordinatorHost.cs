using System.Globalization;
using Comity.Declarations;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;

namespace Comity.Coordinator.Serving;

/// <summary>How <c>serve</c> ended.</summary>
internal enum ServeExit
{
    Done = 0,

    /// <summary>The address or the folder can't be had.</summary>
    Unavailable = 4,
}

/// <summary>Serves the coordinator's address until it is asked to stop.</summary>
/// <remarks>This version answers health checks only. It says so at the start, in its help and to whoever calls anything else.</remarks>
internal static class CoordinatorHost
{
    private const int LargestRequestBytes = 16 * 1024;

    public static async Task<ServeExit> ServeAsync(ServeOptions options, CultureInfo language, TextWriter output, TextWriter error, CancellationToken cancellationToken)
    {
        DataFolder folder;
        try
        {
            folder = DataFolder.Take(options.DataFolder);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Print([Texts.Problem("data-unavailable", "--data", options.DataFolder, e.Message)], language, error);
            return ServeExit.Unavailable;
        }

        using (folder)
        {
            await using var application = Build(options, folder);
            try
            {
                await application.StartAsync(cancellationToken);
            }
            catch (IOException e)
            {
                Print([Texts.Problem("listen-unavailable", "--listen", options.Listen, e.Message)], language, error);
                return ServeExit.Unavailable;
            }
            var address = application.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();
            await output.WriteLineAsync(Texts.Catalog.Text("serve.listening", language, address));
            await output.WriteLineAsync(Texts.Catalog.Text("serve.honest", language));
            await output.FlushAsync(cancellationToken);
            await application.WaitForShutdownAsync(cancellationToken);
            await output.WriteLineAsync(Texts.Catalog.Text("serve.stopped", language));
            return ServeExit.Done;
        }
    }

    public static void Print(IEnumerable<Problem> problems, CultureInfo language, TextWriter error)
    {
        foreach (var problem in problems)
            error.WriteLine($"{problem.Place}: {problem.Found(language)} {problem.Expected(language)} {problem.Remedy(language)} [{problem.Code}]");
    }

    private static WebApplication Build(ServeOptions options, DataFolder folder)
    {
        // Nothing is read from the environment or from files: what the process does stands in its command line.
        var builder = WebApplication.CreateEmptyBuilder(new());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = LargestRequestBytes;
            kestrel.Limits.MaxRequestHeadersTotalSize = LargestRequestBytes;
            kestrel.Listen(options.Address, options.Listen.Port);
        });
        builder.Services.AddRoutingCore();
        var application = builder.Build();
        application.UseRouting();
        application.MapGet("/healthz", () => Results.Json(new { status = "ok" }));
        application.MapGet("/readyz", () => folder.IsWritable()
            ? Results.Json(new { status = "ready" })
            : Results.Json(new { status = "not-ready", code = "data-unavailable" }, statusCode: StatusCodes.Status503ServiceUnavailable));
        application.MapFallback("{*path}", () => Results.Json(new { status = "not-found", code = "no-network-rounds-in-this-version" }, statusCode: StatusCodes.Status404NotFound));
        return application;
    }
}
