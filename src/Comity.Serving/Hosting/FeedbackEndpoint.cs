using System.Data.Common;
using System.Text.Json;
using System.Text.Json.Nodes;
using Comity.Serving.Feedback;
using Comity.Serving.Inference;
using Comity.Serving.Protocol;
using Microsoft.AspNetCore.Http;

namespace Comity.Serving.Hosting;

/// <summary><c>POST /feedback</c>, <c>DELETE /feedback/{id}</c>, <c>GET /feedback/summary</c>.</summary>
internal sealed class FeedbackEndpoint(ServerOptions options, MarketStore store, ServerMetrics metrics, ModelRegistry registry, byte[] sealKey) : IDisposable
{
    private const int MostEntries = 1000;
    private const int LongestComment = 4000;
    private const int LongestLabel = 200;

    private readonly Lock _sealing = new();
    private readonly AnswerSeal _seal = new(sealKey);

    public async Task AddAsync(HttpContext context)
    {
        var entries = new List<FeedbackEntry>();
        var body = await RequestBody.ReadAsync(context, options.Limits.TextBytes);
        try
        {
            await SocketThread.Leave(); // the body may have come later than its head
            Read(body.Memory, entries);
        }
        finally
        {
            body.Done();
        }
        int stored;
        try
        {
            stored = await store.AddAsync(entries, context.RequestAborted);
        }
        catch (DbException)
        {
            throw new RequestRefusedException(503, RequestRefusedException.Problem("store-unavailable", "")) { RetryAfterSeconds = 2 };
        }
        metrics.Stored(stored);
        await Metadata.WriteAsync(context, new JsonObject { ["stored"] = stored, ["known"] = entries.Count - stored });
    }

    public async Task EraseAsync(HttpContext context, string id)
    {
        var answer = Open(id) ?? throw RequestRefusedException.Of(404, "answer-unknown", "id");
        await Metadata.WriteAsync(context, new JsonObject { ["erased"] = await store.EraseAsync(answer.Key, context.RequestAborted) });
    }

    public async Task SummaryAsync(HttpContext context)
    {
        await store.FlushAsync(context.RequestAborted);
        string? wanted = context.Request.Query["model"];
        var route = wanted is null ? registry.Routes.Values.FirstOrDefault() : registry.Routes.GetValueOrDefault(wanted);
        if (route is null) throw RequestRefusedException.Of(404, "model-unknown", "model", "", string.Join(", ", registry.Routes.Keys));
        var summary = FeedbackSummary.Of(
            MarketStore.ReadFeedback(options.StoreAddress, route.Stable.Name), options.Market, route.All.Values.ToDictionary(v => v.Version, v => v.Model.Manifest, StringComparer.Ordinal),
            [.. route.Stable.Model.Preprocessing.Contract.Sensitive.Select(s => s.Column)]);
        await Metadata.WriteAsync(context, JsonSerializer.SerializeToNode(summary, Options)!);
    }

    public void Dispose() => _seal.Dispose();

    private static JsonSerializerOptions Options { get; } = new() { PropertyNamingPolicy = JsonNamingPolicy.CamelCase };

    private SealedAnswer? Open(string id)
    {
        lock (_sealing) return _seal.Open(id);
    }

    // All entries are judged before one is stored: a list is taken whole or not at all.
    private void Read(ReadOnlyMemory<byte> body, List<FeedbackEntry> entries)
    {
        try
        {
            using var document = JsonDocument.Parse(body, new JsonDocumentOptions { MaxDepth = 8 });
            var root = document.RootElement;
            var list = root.ValueKind == JsonValueKind.Array ? root : root.ValueKind == JsonValueKind.Object && root.TryGetProperty("feedback", out var several) ? several : default;
            var problems = new List<Declarations.Problem>();
            if (list.ValueKind == JsonValueKind.Array)
            {
                if (list.GetArrayLength() is 0 or > MostEntries) throw RequestRefusedException.Of(413, "feedback-many", "feedback", list.GetArrayLength(), MostEntries);
                var i = 0;
                foreach (var item in list.EnumerateArray()) Entry(item, $"feedback[{i++}].", entries, problems);
            }
            else
            {
                Entry(root, "", entries, problems);
            }
            if (problems.Count > 0) throw new RequestRefusedException(problems.All(p => p.Code == "answer-unknown") ? 404 : 400, problems);
        }
        catch (JsonException e)
        {
            throw RequestRefusedException.Of(400, "body-not-json", "", e.LineNumber + 1, e.BytePositionInLine + 1);
        }
    }

    private void Entry(JsonElement item, string at, List<FeedbackEntry> entries, List<Declarations.Problem> problems)
    {
        void Add(string code, string field, params object?[] arguments) => problems.Add(RequestRefusedException.Problem(code, at + field, arguments));
        if (item.ValueKind != JsonValueKind.Object)
        {
            Add("feedback-form", "");
            return;
        }
        var (before, seen) = (problems.Count, new HashSet<string>(StringComparer.Ordinal));
        foreach (var property in item.EnumerateObject())
            if (property.Name is not ("id" or "label" or "rating" or "comment") || !seen.Add(property.Name)) Add("feedback-key", property.Name.Length <= 60 ? property.Name : "");
        JsonElement? Get(string name) => item.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;

        var answer = Get("id") is { ValueKind: JsonValueKind.String } id ? Open(id.GetString()!) : null;
        if (answer is null) Add("answer-unknown", "id");
        string? label = null;
        if (Get("label") is { } given)
        {
            var text = given.ValueKind switch { JsonValueKind.String => given.GetString()!, JsonValueKind.Number => given.GetRawText(), JsonValueKind.True => "true", JsonValueKind.False => "false", _ => "" };
            // The version may have gone out of service: then its model's other versions know the labels, which are the contract's.
            if (answer is not null && text.Length <= LongestLabel && (registry.Find(answer.Model, answer.Version) ?? registry.Find(answer.Model, null)) is { } version)
            {
                label = LabelWords.Read(version.Model.Preprocessing.Contract, version.Model.Classes, text);
                if (label is null) Add("label-unknown", "label", LabelWords.Expected(version.Model.Preprocessing.Contract, version.Model.Classes));
            }
            else if (answer is not null)
            {
                Add("label-unknown", "label", "–");
            }
        }
        int? rating = null;
        if (Get("rating") is { } stars)
        {
            if (stars.ValueKind == JsonValueKind.Number && stars.TryGetInt32(out var value) && value is >= 1 and <= 5) rating = value;
            else Add("rating-range", "rating");
        }
        string? comment = null;
        if (Get("comment") is { } words)
        {
            if (words.ValueKind == JsonValueKind.String && words.GetString() is { Length: <= LongestComment } text && !text.Contains('\0', StringComparison.Ordinal)) comment = text;
            else Add("comment-long", "comment", LongestComment);
        }
        if (problems.Count == before && label is null && rating is null && comment is null) Add("feedback-empty", "");
        if (problems.Count == before) entries.Add(new FeedbackEntry(answer!, label, rating, comment));
    }
}
