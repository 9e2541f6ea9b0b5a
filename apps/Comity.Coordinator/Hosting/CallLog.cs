using Comity.Coordinator.Identity;
using Comity.Coordinator.Storage;
using Comity.Coordinator.Telemetry;
using Comity.Transport.Identity;
using Comity.Transport.Stores;

namespace Comity.Coordinator.Hosting;

/// <summary>Turns what goes wrong into a refusal by name, and writes down who was refused what.</summary>
internal sealed class CallLog(RequestDelegate next, CoordinatorTelemetry telemetry, FullDisk disk, TimeProvider time, ILogger<CallLog> log)
{
    private static readonly TimeSpan Linger = TimeSpan.FromSeconds(2);

    public async Task InvokeAsync(HttpContext context)
    {
        try
        {
            await next(context);
        }
        catch (ChangedBodyException)
        {
            await Refusal.WriteAsync(context, StatusCodes.Status400BadRequest, "body-changed");
        }
        catch (BadHttpRequestException e)
        {
            if (e.StatusCode == StatusCodes.Status413PayloadTooLarge) await RefuseUnreadAsync(context);
            else await Refusal.WriteAsync(context, e.StatusCode, "call-unreadable");
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            return; // the caller has gone: nobody is there to be answered
        }
        catch (Exception e) when (e is StoreUnavailableException or StaleEpochException)
        {
            // Nothing was changed; whoever asks again after a while is answered.
            if (!context.Response.HasStarted) context.Response.Headers.RetryAfter = "1";
            await Refusal.WriteAsync(context, StatusCodes.Status503ServiceUnavailable, "store-unavailable");
        }
        catch (Exception e) when (DiskFull.Is(e))
        {
            await Refusal.WriteAsync(context, StatusCodes.Status507InsufficientStorage, FullDisk.Code);
        }
        catch (Exception e) when (e is not (OutOfMemoryException or StackOverflowException))
        {
            LogLines.Failed(log, e, context.Request.Method, RouteOf(context));
            await Refusal.WriteAsync(context, StatusCodes.Status500InternalServerError, "defect");
        }
        Write(context);
    }

    // Closing a socket with unread bytes resets it, and the reset overtakes the answer: the caller would see a broken line instead of
    // the reason. So the connection lingers until the caller, who has the whole answer, lets go of it.
    private async Task RefuseUnreadAsync(HttpContext context)
    {
        if (!context.Response.HasStarted && HttpProtocol.IsHttp11(context.Request.Protocol)) context.Response.Headers.Connection = "close";
        await Refusal.WriteAsync(context, StatusCodes.Status413PayloadTooLarge, "call-too-large");
        await context.Response.CompleteAsync();
        var gone = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var registration = context.RequestAborted.Register(gone.SetResult);
        await Task.WhenAny(gone.Task, Task.Delay(Linger, time));
    }

    private void Write(HttpContext context)
    {
        var (method, status) = (context.Request.Method, context.Response.StatusCode);
        if (context.Features.Get<RefusedFeature>() is { } refused)
        {
            telemetry.Refused(refused);
            if (refused.Code == FullDisk.Code) disk.Tell(log);
            LogLines.Refused(log, method, RouteOf(context), status, refused.Code, CallerOf(context));
        }
        else LogLines.Answered(log, method, RouteOf(context), status, CallerOf(context));
    }

    // The pattern, not the path: a path may hold what a stranger put there.
    private static string RouteOf(HttpContext context) => (context.GetEndpoint() as RouteEndpoint)?.RoutePattern.RawText ?? "?";

    private static string CallerOf(HttpContext context) => context.Features.Get<CallerIdentity>()?.Name ?? context.Connection.RemoteIpAddress?.ToString() ?? "?";
}
