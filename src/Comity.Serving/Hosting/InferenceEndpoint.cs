using System.Buffers;
using System.Globalization;
using System.Numerics.Tensors;
using Comity.Serving.Inference;
using Comity.Serving.Protocol;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http;

namespace Comity.Serving.Hosting;

/// <summary><c>/predict</c> and the protocol's <c>infer</c>: takes a body in, has the model compute, writes the answer.</summary>
internal sealed class InferenceEndpoint(ServerOptions options, ModelRegistry registry, ServerMetrics metrics, byte[] sealKey, TimeProvider time) : IDisposable
{
    private const string JsonLengthHeader = "Inference-Header-Content-Length", Json = "application/json", Csv = "text/csv", Binary = "application/octet-stream";

    /// <summary>Multiplications from which on computing is left to the pool: about 0.2 ms.</summary>
    private const long LongComputing = 8 << 20;

    /// <summary>Bytes of JSON or CSV from which on reading them is left to the pool: about 0.2 ms.</summary>
    private const int LongText = 32 * 1024;

    private readonly ExchangePool _exchanges = new(sealKey);
    private readonly ServingLimits _limits = options.Limits;
    private int _inFlight;

    public async Task AnswerAsync(HttpContext context, InferenceCall call)
    {
        var started = time.GetTimestamp();
        ModelVersion? chosen = null;
        if (Interlocked.Increment(ref _inFlight) > _limits.InFlight)
        {
            Interlocked.Decrement(ref _inFlight);
            throw Busy();
        }
        var exchange = _exchanges.Take();
        RequestBody held = default;
        try
        {
            call = call.Form == RequestForm.Tensors ? OfTensors(context.Request, call) : OfRecords(context.Request, call);
            if (call.JsonLength < 0)
            {
                var body = await RequestBody.ReadAsync(context, _limits.TextBytes);
                try
                {
                    if (body.Memory.Length > LongText) await SocketThread.Leave();
                    chosen = Begun(exchange, call);
                    Read(exchange, call, body.Memory);
                }
                finally
                {
                    body.Done();
                }
            }
            else
            {
                (held, var length) = await RequestBody.ReceiveAsync(context, _limits.BodyBytes, exchange, call.JsonLength);
                if (call.JsonLength > length) throw BadLength();
                chosen = Begun(exchange, call);
                ReadTensors(exchange, exchange.InPlace.IsEmpty ? exchange.ReceivedBytes(call.JsonLength, length) : exchange.InPlace.Span, call.JsonLength, received: true);
            }
            var cached = await ComputeAsync(exchange);
            Write(context.Response, exchange, call.Form);
            chosen.Drift?.Observe(exchange.HasCells ? exchange.Cells.AsSpan(0, exchange.Rows * exchange.Fields) : [], exchange.Outputs, exchange.Rows);
            chosen.Health.Answered(started);
            metrics.Answered(chosen.Name, chosen.Version, StatusCodes.Status200OK, exchange.Rows, cached, started);
        }
        catch (Exception e)
        {
            var status = e switch { RequestRefusedException refused => refused.Status, BadHttpRequestException bad => bad.StatusCode, ConnectionResetException => StatusCodes.Status499ClientClosedRequest, _ => StatusCodes.Status500InternalServerError };
            if (status >= StatusCodes.Status500InternalServerError) chosen?.Health.Failed();
            metrics.Answered(chosen?.Name ?? "", chosen?.Version ?? "", status, 0, 0, started);
            throw;
        }
        finally
        {
            Interlocked.Decrement(ref _inFlight);
            exchange.LetGo();
            _exchanges.Return(exchange);
            held.Done();
        }
    }

    /// <summary>The version that is asked for.</summary>
    /// <exception cref="RequestRefusedException">There is none.</exception>
    public ModelVersion Found(ReadOnlySpan<char> name, ReadOnlySpan<char> version)
    {
        if (registry.Find(name, version) is { } found) return found;
        var routes = registry.Routes;
        if (routes.Count == 0) throw new RequestRefusedException(503, RequestRefusedException.Problem("not-ready", "")) { RetryAfterSeconds = 1 };
        if (name.IsEmpty) throw RequestRefusedException.Of(400, "model-needed", "model", string.Join(", ", routes.Keys));
        var shown = name.Length <= 63 ? name.ToString() : "";
        if (!routes.TryGetValue(name.ToString(), out var route)) throw RequestRefusedException.Of(404, "model-unknown", "model", shown, string.Join(", ", routes.Keys));
        throw RequestRefusedException.Of(404, "version-unknown-of", "version", shown, string.Join(", ", route.All.Keys));
    }

    public void Dispose() => _exchanges.Dispose();

    private static InferenceCall OfRecords(HttpRequest request, InferenceCall call)
    {
        var type = request.ContentType;
        var csv = type is not null && type.StartsWith(Csv, StringComparison.OrdinalIgnoreCase);
        if (!csv && type is not null && !type.StartsWith(Json, StringComparison.OrdinalIgnoreCase)) throw RequestRefusedException.Of(415, "content-type", "Content-Type", "application/json, text/csv");
        if (csv) call = call with { Form = RequestForm.Csv };
        if (!request.QueryString.HasValue) return call;
        if (call.Name.IsEmpty) call = call.For(request.Query["model"]);
        return call with { UnseenIsMissing = request.Query["unseen"] == "missing" };
    }

    private static InferenceCall OfTensors(HttpRequest request, InferenceCall call)
    {
        if (!request.Headers.TryGetValue(JsonLengthHeader, out var text)) return call;
        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var length) ? call with { JsonLength = length } : throw BadLength();
    }

    // From here on the request has one version, whatever is put in service meanwhile.
    private ModelVersion Begun(Exchange exchange, in InferenceCall call)
    {
        var version = Found(call.Name, call.Version);
        exchange.Begin(version);
        return version;
    }

    private void Read(Exchange exchange, in InferenceCall call, ReadOnlyMemory<byte> body)
    {
        if (call.Form == RequestForm.Tensors) ReadTensors(exchange, body.Span, body.Length, received: false);
        else exchange.Records.Read(body, call.Form == RequestForm.Csv, _limits.Rows, call.UnseenIsMissing);
    }

    private void ReadTensors(Exchange exchange, ReadOnlySpan<byte> body, int jsonLength, bool received)
    {
        var (reader, texts) = (exchange.Tensors, exchange.Version.Texts);
        reader.Read(body, jsonLength, received, _limits.Rows);
        foreach (var output in reader.Request.Outputs)
            if (output.Name != texts.OutputName && (output.Name != AnswerWriter.LabelOutput || texts.Labels.Length == 0) && output.Name != AnswerWriter.IdOutput)
                throw RequestRefusedException.Of(400, "output-unknown", "outputs", output.Name.Length <= 60 ? output.Name : "", string.Join(", ", [texts.OutputName, .. texts.Labels.Length > 0 ? [AnswerWriter.LabelOutput] : Array.Empty<string>(), AnswerWriter.IdOutput]));
    }

    private async ValueTask<int> ComputeAsync(Exchange exchange)
    {
        var (version, rows) = (exchange.Version, exchange.Rows);
        var (input, output) = (exchange.Input, exchange.Outputs.AsMemory(0, rows * version.Model.Outputs));
        var hash = 0;
        // Single records repeat (a page is reloaded, a call is tried again); batches hardly ever do as a whole.
        if (rows == 1 && version.Cache is { } cache && cache.TryFind(input.Span, output.Span, out hash)) return 1;
        if ((long)rows * version.Model.Manifest.Origin.Parameters > LongComputing) await SocketThread.Leave();
        if (!version.Batcher.TryPredict(input, rows, output, Volatile.Read(ref _inFlight) > Environment.ProcessorCount, out var done)) throw Busy();
        await done;
        // In whatever form it is asked for: what is no number is no answer, and counts as the version's failure.
        if (!TensorPrimitives.IsFiniteAll<float>(output.Span)) throw new ArithmeticException("The model's answer is not finite.");
        if (rows == 1 && version.Cache is { } keep) keep.Keep(input.Span, output.Span, hash);
        return 0;
    }

    private void Write(HttpResponse response, Exchange exchange, RequestForm form)
    {
        var (texts, now) = (exchange.Version.Texts, time.GetUtcNow());
        if (form == RequestForm.Tensors) AnswerWriter.Tensors(exchange, texts, exchange.Tensors, now);
        else AnswerWriter.Predictions(exchange, texts, now, exchange.Records.IsSingle);
        var (body, tail) = (exchange.Body, exchange.Tail);
        response.ContentLength = body.Length + tail.Length;
        response.ContentType = tail.Length > 0 ? Binary : Json;
        if (tail.Length > 0) response.Headers[JsonLengthHeader] = body.Length.ToString(CultureInfo.InvariantCulture);
        var writer = response.BodyWriter;
        writer.Write(body.Written);
        if (tail.Length > 0) writer.Write(tail.Written);
    }

    private static RequestRefusedException BadLength() => RequestRefusedException.Of(400, "tensor-binary", JsonLengthHeader, "");

    private static RequestRefusedException Busy() => new(429, RequestRefusedException.Problem("busy", "")) { RetryAfterSeconds = 1 };
}
