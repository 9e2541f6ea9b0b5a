using System.Buffers;
using System.Collections.Concurrent;
using System.Globalization;
using Comity.Serving.Feedback;
using Comity.Serving.Inference;
using Comity.Serving.Protocol;
using Microsoft.AspNetCore.Http;

namespace Comity.Serving.Hosting;

/// <summary>Answers each request: finds out what is asked, by whom, and whether there is room for it.</summary>
internal sealed class RequestHandler(
    ServerOptions options, ModelRegistry registry, MarketStore store, ServerMetrics metrics, byte[] sealKey, Action<string, string, double> load, TimeProvider time) : IDisposable
{
    private static readonly CultureInfo English = CultureInfo.GetCultureInfo("en"), Chinese = CultureInfo.GetCultureInfo("zh-Hans");
    private readonly ConcurrentBag<Exchange> _exchanges = [];
    private readonly FeedbackEndpoint _feedback = new(options, store, metrics, registry, sealKey);
    private int _inFlight;

    /// <summary>Whether the server is about to stop: it answers, and asks every client to come back elsewhere.</summary>
    public volatile bool Draining;

    public async Task HandleAsync(HttpContext context)
    {
        var path = context.Request.Path.Value ?? "/";
        if (Draining) context.Response.Headers.Connection = "close";
        try
        {
            if (path == "/predict" && HttpMethods.IsPost(context.Request.Method)) await PredictAsync(context, context.Request.QueryString.HasValue ? context.Request.Query["model"] : default(string), null);
            else await RouteAsync(context, path.Trim('/').Split('/'));
        }
        catch (RequestRefusedException e)
        {
            await ErrorAnswer.WriteAsync(context, e, LanguageOf(context));
        }
        catch (BadHttpRequestException e)
        {
            await ErrorAnswer.WriteAsync(context, RequestRefusedException.Of(e.StatusCode, e.StatusCode == 413 ? "body-too-large" : "request-bad", "", options.Limits.BodyBytes), LanguageOf(context));
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
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
        foreach (var exchange in _exchanges) exchange.Dispose();
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
            case ["v2", "models", var name, "infer"] when post: return InferAsync(context, name, null);
            case ["v2", "models", var name, "versions", var version, "infer"] when post: return InferAsync(context, name, version);
            case ["predict", var name] when post: return PredictAsync(context, name, null);
            case ["predict", var name, var version] when post: return PredictAsync(context, name, version);
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
            case ["v2", "models", var name] when get: return Metadata.WriteAsync(context, Metadata.Model(Found(name, null), registry.Routes[name]));
            case ["v2", "models", var name, "versions", var version] when get: return Metadata.WriteAsync(context, Metadata.Model(Found(name, version), registry.Routes[name]));
            case ["v2", "models", var name, "ready"] when get: return Metadata.WriteAsync(context, Metadata.ModelReady(Found(name, null)));
            case ["v2", "models", var name, "versions", var version, "ready"] when get: return Metadata.WriteAsync(context, Metadata.ModelReady(Found(name, version)));
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
        if (action == "load") load(name, version, share);
        else if (!registry.Remove(name, version)) throw RequestRefusedException.Of(409, "version-in-use", "version", name);
        context.Response.StatusCode = 200;
    }

    private Task PredictAsync(HttpContext context, string? name, string? version)
    {
        Admit(context, AccessRole.Predict);
        var type = context.Request.ContentType;
        var csv = type is not null && type.StartsWith("text/csv", StringComparison.OrdinalIgnoreCase);
        if (!csv && type is not null && !type.StartsWith("application/json", StringComparison.OrdinalIgnoreCase)) throw RequestRefusedException.Of(415, "content-type", "Content-Type", "application/json, text/csv");
        var unseen = context.Request.QueryString.HasValue && context.Request.Query["unseen"] == "missing";
        return AnswerAsync(context, string.IsNullOrEmpty(name) ? null : name, version, options.Limits.TextBytes, (exchange, body) =>
        {
            var reader = RecordReader.For(exchange, options.Limits.Rows, unseen);
            if (csv) reader.Csv(body);
            else reader.Json(body.Span);
            var single = reader.IsSingle;
            return (e, now) =>
            {
                AnswerWriter.Predictions(e, e.Version.Texts, now, single);
                return 0;
            };
        });
    }

    private Task InferAsync(HttpContext context, string name, string? version)
    {
        Admit(context, AccessRole.Predict);
        var header = context.Request.Headers.TryGetValue("Inference-Header-Content-Length", out var text)
            ? int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var length) ? length : throw RequestRefusedException.Of(400, "tensor-binary", "Inference-Header-Content-Length", "")
            : -1;
        return AnswerAsync(context, name, version, header >= 0 ? options.Limits.BodyBytes : options.Limits.TextBytes, (exchange, body) =>
        {
            if (header > body.Length) throw RequestRefusedException.Of(400, "tensor-binary", "Inference-Header-Content-Length", "");
            var reader = new TensorReader(exchange, options.Limits.Rows);
            reader.Read(body.Span, header < 0 ? body.Length : header);
            var texts = exchange.Version.Texts;
            foreach (var output in reader.Outputs ?? [])
                if (output.Name != texts.OutputName && (output.Name != AnswerWriter.LabelOutput || texts.Labels.Length == 0) && output.Name != AnswerWriter.IdOutput)
                    throw RequestRefusedException.Of(400, "output-unknown", "outputs", output.Name.Length <= 60 ? output.Name : "", string.Join(", ", [texts.OutputName, .. texts.Labels.Length > 0 ? [AnswerWriter.LabelOutput] : Array.Empty<string>(), AnswerWriter.IdOutput]));
            return (e, now) => AnswerWriter.Tensors(e, e.Version.Texts, reader, now);
        });
    }

    private async Task AnswerAsync(
        HttpContext context, string? name, string? version, int largest, Func<Exchange, ReadOnlyMemory<byte>, Func<Exchange, DateTimeOffset, int>> read)
    {
        if (Interlocked.Increment(ref _inFlight) > options.Limits.InFlight)
        {
            Interlocked.Decrement(ref _inFlight);
            throw Busy();
        }
        var started = time.GetTimestamp();
        ModelVersion? chosen = null;
        if (!_exchanges.TryTake(out var exchange)) exchange = new Exchange(sealKey);
        try
        {
            var body = await RequestBody.ReadAsync(context, largest);
            Func<Exchange, DateTimeOffset, int> write;
            try
            {
                // From here on the request has one version, whatever is put in service meanwhile.
                chosen = Found(name, version);
                exchange.Begin(chosen);
                write = read(exchange, body.Memory);
            }
            finally
            {
                body.Done();
            }
            var cached = await ComputeAsync(exchange);
            exchange.Body.ResetWrittenCount();
            var json = write(exchange, time.GetUtcNow());
            chosen.Drift?.Observe(exchange.HasCells ? exchange.Cells.AsSpan(0, exchange.Rows * exchange.Fields) : [], exchange.Outputs, exchange.Rows);
            var response = context.Response;
            response.ContentLength = exchange.Body.WrittenCount;
            response.ContentType = json > 0 ? "application/octet-stream" : "application/json";
            if (json > 0) response.Headers["Inference-Header-Content-Length"] = json.ToString(CultureInfo.InvariantCulture);
            response.BodyWriter.Write(exchange.Body.WrittenSpan);
            chosen.Health.Answered(started);
            metrics.Answered(chosen.Name, chosen.Version, 200, exchange.Rows, cached, time.GetElapsedTime(started).TotalSeconds);
        }
        catch (Exception e)
        {
            var status = e is RequestRefusedException refused ? refused.Status : 500;
            if (status >= 500 && e is not OperationCanceledException) chosen?.Health.Failed();
            metrics.Answered(chosen?.Name ?? "", chosen?.Version ?? "", status, 0, 0, time.GetElapsedTime(started).TotalSeconds);
            throw;
        }
        finally
        {
            Interlocked.Decrement(ref _inFlight);
            _exchanges.Add(exchange);
        }
    }

    private async ValueTask<int> ComputeAsync(Exchange exchange)
    {
        var (version, rows) = (exchange.Version, exchange.Rows);
        var (inputs, outputs) = (version.Model.Inputs, version.Model.Outputs);
        var hash = 0;
        // Single records repeat (a page is reloaded, a call is tried again); batches hardly ever do as a whole.
        if (rows == 1 && version.Cache is { } cache && cache.TryFind(exchange.Features.AsSpan(0, inputs), exchange.Outputs.AsSpan(0, outputs), out hash)) return 1;
        if (!version.Batcher.TryPredict(exchange.Features.AsMemory(0, rows * inputs), rows, exchange.Outputs.AsMemory(0, rows * outputs), Volatile.Read(ref _inFlight) > Environment.ProcessorCount, out var done)) throw Busy();
        await done;
        if (rows == 1 && version.Cache is { } keep) keep.Keep(exchange.Features.AsSpan(0, inputs), exchange.Outputs.AsSpan(0, outputs), hash);
        return 0;
    }

    private ModelVersion Found(string? name, string? version)
    {
        if (registry.Find(name, version) is { } found) return found;
        var routes = registry.Routes;
        if (routes.Count == 0) throw new RequestRefusedException(503, RequestRefusedException.Problem("not-ready", "")) { RetryAfterSeconds = 1 };
        if (name is null) throw RequestRefusedException.Of(400, "model-needed", "model", string.Join(", ", routes.Keys));
        var shown = name.Length <= 63 ? name : "";
        if (!routes.TryGetValue(name, out var route)) throw RequestRefusedException.Of(404, "model-unknown", "model", shown, string.Join(", ", routes.Keys));
        throw RequestRefusedException.Of(404, "version-unknown-of", "version", shown, string.Join(", ", route.All.Keys));
    }

    private void Admit(HttpContext context, AccessRole wanted)
    {
        if (options.Tokens is not { } tokens) return;
        var role = tokens.RoleOf(context.Request.Headers.Authorization) ?? throw RequestRefusedException.Of(401, "token-missing", "Authorization");
        if (!AccessTokens.Includes(role, wanted)) throw RequestRefusedException.Of(403, "token-role", "Authorization", wanted.ToString().ToLowerInvariant());
    }

    private static RequestRefusedException Busy() => new(429, RequestRefusedException.Problem("busy", "")) { RetryAfterSeconds = 1 };
}
