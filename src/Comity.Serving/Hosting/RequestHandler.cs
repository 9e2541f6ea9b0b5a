using System.Globalization;
using Comity.Serving.Feedback;
using Comity.Serving.Inference;
using Comity.Serving.Protocol;
using Microsoft.AspNetCore.Http;

namespace Comity.Serving.Hosting;

/// <summary>Answers each request: finds out what is asked, by whom, and in which language errors are told.</summary>
internal sealed class RequestHandler(
    ServerOptions options, ModelRegistry registry, MarketStore store, ServerMetrics metrics, byte[] sealKey, Action<string, string, double> load, TimeProvider time) : IDisposable
{
    private static readonly CultureInfo English = CultureInfo.GetCultureInfo("en"), Chinese = CultureInfo.GetCultureInfo("zh-Hans");
    private readonly FeedbackEndpoint _feedback = new(options, store, metrics, registry, sealKey);
    private readonly InferenceEndpoint _inference = new(options, registry, metrics, sealKey, time);

    /// <summary>Whether the server is about to stop: it answers, and asks every client to come back elsewhere.</summary>
    public volatile bool Draining;

    public async Task HandleAsync(HttpContext context)
    {
        if (Draining) context.Response.Headers.Connection = "close";
        try
        {
            if (InferenceCall.TryRead(context.Request, out var call))
            {
                Admit(context, AccessRole.Predict);
                await _inference.AnswerAsync(context, call);
            }
            else
            {
                await SocketThread.Leave();
                await RouteAsync(context, (context.Request.Path.Value ?? "/").Trim('/').Split('/'));
            }
        }
        catch (RequestRefusedException e)
        {
            await ErrorAnswer.WriteAsync(context, e, LanguageOf(context));
        }
        catch (BadHttpRequestException e)
        {
            await ErrorAnswer.WriteAsync(context, RequestRefusedException.Of(e.StatusCode, e.StatusCode == 413 ? "body-too-large" : "request-bad", "", options.Limits.BodyBytes), LanguageOf(context));
        }
        catch (Exception) when (context.RequestAborted.IsCancellationRequested)
        {
            // The client has gone; there is nobody to answer.
        }
        catch (Exception) when (!context.Response.HasStarted)
        {
            // What went wrong may quote what stood in the record, so neither the client nor a log is told more than that it did.
            await ErrorAnswer.WriteAsync(context, RequestRefusedException.Of(500, "internal", ""), LanguageOf(context));
        }
    }

    public void Dispose()
    {
        _inference.Dispose();
        _feedback.Dispose();
    }

    /// <summary>The language that a request asks for, otherwise the market's.</summary>
    private CultureInfo LanguageOf(HttpContext context)
    {
        var wanted = context.Request.Query.TryGetValue("lang", out var chosen) ? chosen.ToString() : context.Request.Headers.AcceptLanguage.ToString();
        return wanted.StartsWith("zh", StringComparison.OrdinalIgnoreCase) ? Chinese : wanted.StartsWith("en", StringComparison.OrdinalIgnoreCase) ? English : options.Language;
    }

    private Task RouteAsync(HttpContext context, string[] at)
    {
        var (get, post) = (HttpMethods.IsGet(context.Request.Method) || HttpMethods.IsHead(context.Request.Method), HttpMethods.IsPost(context.Request.Method));
        switch (at)
        {
            case ["feedback"] when post:
                Admit(context, AccessRole.Predict);
                return _feedback.AddAsync(context);
            case ["feedback", var id] when HttpMethods.IsDelete(context.Request.Method):
                Admit(context, AccessRole.Predict);
                return _feedback.EraseAsync(context, id);
            case ["feedback", "summary"] when get:
                Admit(context, AccessRole.Read);
                return _feedback.SummaryAsync(context);
            case [""] or ["page.css"] or ["page.js"] when get: return PeoplePage.WriteAsync(context, at[0], options, registry, LanguageOf(context));
            case ["openapi.json"] when get: return Metadata.WriteAsync(context, OpenApiDocument.Of(registry, options));
            case ["v2"] or ["v2", ..] when get || post: return ProtocolAsync(context, at, get);
            default: throw RequestRefusedException.Of(StatusCodes.Status404NotFound, "path-unknown", "");
        }
    }

    private Task ProtocolAsync(HttpContext context, string[] at, bool get)
    {
        switch (at)
        {
            case ["v2", "health", "live"] when get: return Metadata.WriteAsync(context, Metadata.Live());
            case ["v2", "health", "ready"] when get: return Metadata.WriteAsync(context, Metadata.Ready(Ready), Ready ? 200 : 503);
            case ["v2"] when get: return Metadata.WriteAsync(context, Metadata.Server(options));
            case ["v2", "models", var name] when get: return Metadata.WriteAsync(context, Metadata.Model(_inference.Found(name, default), registry.Routes[name]));
            case ["v2", "models", var name, "versions", var version] when get: return Metadata.WriteAsync(context, Metadata.Model(_inference.Found(name, version), registry.Routes[name]));
            case ["v2", "models", var name, "ready"] when get: return Metadata.WriteAsync(context, Metadata.ModelReady(_inference.Found(name, default)));
            case ["v2", "models", var name, "versions", var version, "ready"] when get: return Metadata.WriteAsync(context, Metadata.ModelReady(_inference.Found(name, version)));
            case ["v2", "repository", "index"]: return Metadata.WriteAsync(context, Metadata.Index(registry));
            case ["v2", "repository", "models", var name, var action] when !get && action is "load" or "unload":
                Admit(context, AccessRole.Operate);
                return RepositoryAsync(context, name, action);
            default: throw RequestRefusedException.Of(StatusCodes.Status404NotFound, "path-unknown", "");
        }
    }

    private bool Ready => !Draining && registry.Routes.Count > 0;

    private async Task RepositoryAsync(HttpContext context, string name, string action)
    {
        var (version, share) = await RepositoryRequest.ReadAsync(context);
        await SocketThread.Leave(); // the body may have come later than its head, and a release takes a while to load
        if (action == "load") load(name, version, share);
        else if (!registry.Remove(name, version)) throw RequestRefusedException.Of(409, "version-in-use", "version", name);
        context.Response.StatusCode = 200;
    }

    private void Admit(HttpContext context, AccessRole wanted)
    {
        if (options.Tokens is not { } tokens) return;
        var role = tokens.RoleOf(context.Request.Headers.Authorization) ?? throw RequestRefusedException.Of(401, "token-missing", "Authorization");
        if (!AccessTokens.Includes(role, wanted)) throw RequestRefusedException.Of(403, "token-role", "Authorization", wanted.ToString().ToLowerInvariant());
    }
}
