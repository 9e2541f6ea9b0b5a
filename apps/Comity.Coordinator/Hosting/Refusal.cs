using Comity.Declarations;
using Comity.Transport.Protocol;

namespace Comity.Coordinator.Hosting;

/// <summary>Says no to a call, in both languages: what was found, what was expected, what to do.</summary>
internal static class Refusal
{
    /// <summary>Answers with a problem of the catalogue.</summary>
    public static Task WriteAsync(HttpContext context, int status, string code, params object?[] arguments)
    {
        context.Features.Set(new RefusedFeature(code));
        if (context.Response.HasStarted)
        {
            context.Abort();
            return Task.CompletedTask;
        }
        context.Response.StatusCode = status;
        return context.Response.WriteAsJsonAsync(ToldProblem.Of(Texts.Problem(code, context.Request.Path, arguments)), WireJson.Options, "application/json", context.RequestAborted);
    }

    /// <summary>The same as an endpoint's result.</summary>
    public static IResult Of(int status, string code, params object?[] arguments) => new RefusalResult(status, code, arguments);

    /// <summary>The same for a problem that was found on the way.</summary>
    public static IResult Of(int status, Problem problem) => new ToldResult(status, problem);

    // Named for logs and counters like every other refusal.
    private sealed class ToldResult(int status, Problem problem) : IResult
    {
        public Task ExecuteAsync(HttpContext httpContext)
        {
            httpContext.Features.Set(new RefusedFeature(problem.Code));
            return Results.Json(ToldProblem.Of(problem), WireJson.Options, statusCode: status).ExecuteAsync(httpContext);
        }
    }

    private sealed class RefusalResult(int status, string code, object?[] arguments) : IResult
    {
        public Task ExecuteAsync(HttpContext httpContext) => WriteAsync(httpContext, status, code, arguments);
    }
}

/// <summary>That a call was refused, for logs and counters.</summary>
internal sealed record RefusedFeature(string Code);
