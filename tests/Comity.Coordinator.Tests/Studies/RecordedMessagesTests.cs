using System.Collections.Concurrent;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Comity.Testing;
using Comity.Transport.Protocol;
using Microsoft.AspNetCore.Http;

namespace Comity.Coordinator.Tests.Studies;

/// <summary>Messages as released versions wrote them (<c>Data/Messages</c>, a file for each): this version reads them whole, and writes all that theirs held.</summary>
/// <remarks>With COMITY_APPROVE=1 the file of the present version is recorded anew; those of earlier ones stay as they are.</remarks>
public sealed class RecordedMessagesTests : IAsyncDisposable
{
    private const string Version = "0.1";
    private static readonly JsonSerializerOptions Lines = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private static readonly IReadOnlyDictionary<string, Type> Types = new[]
    {
        typeof(WorkRequest), typeof(WorkReply), typeof(ProgressReport), typeof(ProgressReply), typeof(ManifestMessage), typeof(UploadState), typeof(SiteAnswer), typeof(AnswerReply),
        typeof(StudySubmission), typeof(StudyView), typeof(JoinWork), typeof(JoinResult), typeof(StatisticsWork), typeof(StartWork), typeof(StartResult), typeof(TrainWork), typeof(TrainResult),
        typeof(RoundWork), typeof(RoundResult), typeof(EvaluateWork), typeof(CompareWork), typeof(Federation.Sites.Statistics), typeof(Federation.Sites.EvaluationResult), typeof(Federation.Sites.ComparisonResult),
    }.ToDictionary(t => t.Name, StringComparer.Ordinal);

    private readonly LoopbackFederation _federation = new();
    private readonly ConcurrentQueue<(string Type, JsonNode Json)> _said = [];
    private readonly ConcurrentDictionary<string, TaskKind> _kinds = new(StringComparer.Ordinal);

    public ValueTask DisposeAsync() => _federation.DisposeAsync();

    public static TheoryData<string> Files => [.. Directory.EnumerateFiles(Repository.At("tests/Comity.Coordinator.Tests/Data/Messages"), "*.jsonl").Select(f => Path.GetFileName(f)!)];

    [Theory]
    [MemberData(nameof(Files))]
    public void What_a_released_version_wrote_is_read_and_nothing_of_it_is_lost(string file)
    {
        var recorded = Read(file);
        Assert.True(recorded.Count > 15, $"{file} holds {recorded.Count} messages.");
        foreach (var (type, json) in recorded)
        {
            var message = json.Deserialize(Types[type], WireJson.Options);
            var again = JsonSerializer.SerializeToNode(message, Types[type], WireJson.Options);
            Assert.True(Holds(again, json), $"{type}: of\n{json.ToJsonString()}\nis left\n{again?.ToJsonString()}");
        }
    }

    [Fact]
    public async Task What_is_written_holds_all_that_released_versions_look_for()
    {
        await RecordAsync();
        var path = Repository.At($"tests/Comity.Coordinator.Tests/Data/Messages/{Version}.jsonl");
        if (Environment.GetEnvironmentVariable("COMITY_APPROVE") == "1")
        {
            // One message of each form is enough.
            var forms = _said.GroupBy(s => s.Type + " " + string.Join(' ', Properties(s.Json).Order(StringComparer.Ordinal))).OrderBy(g => g.Key, StringComparer.Ordinal).Select(g => g.First());
            await File.WriteAllLinesAsync(path, forms.Select(s => new JsonObject { ["type"] = s.Type, ["json"] = s.Json.DeepClone() }.ToJsonString(Lines)));
        }
        Assert.True(File.Exists(path), $"{path} is missing; run with COMITY_APPROVE=1 to record it.");
        var written = _said.ToLookup(s => s.Type, s => Properties(s.Json), StringComparer.Ordinal).ToDictionary(g => g.Key, g => g.SelectMany(p => p).ToHashSet(StringComparer.Ordinal), StringComparer.Ordinal);
        foreach (var file in Files)
        {
            foreach (var (type, json) in Read(file.Data))
            {
                // Told once a second, and tasks seen by who looks at the right moment: this study may have been quicker.
                if (type is nameof(ProgressReport) or nameof(ProgressReply) && !written.ContainsKey(type)) continue;
                var missing = Properties(json).Where(p => !written[type].Contains(p) && !(type == nameof(StudyView) && p.StartsWith("/sites[]/tasks[]", StringComparison.Ordinal))).ToList();
                Assert.True(missing.Count == 0, $"{file.Data}: {type} no longer holds {string.Join(", ", missing)}.");
            }
        }
    }

    /// <summary>A study of every kind of task, and all that was said in it.</summary>
    private async Task RecordAsync()
    {
        _federation.Between = ListenAsync;
        await _federation.StartAsync();
        foreach (var site in new[] { "s0", "s1", "s2" }) _federation.StartSite(site);
        var yaml = LoopbackFederation.Yaml("arms: [local, federated]\nfederation: { name: s, strategy: scaffold, rounds: 2, localEpochs: 5, personalise: { kind: fine-tune, epochs: 2 } }");
        await _federation.Author.SubmitAsync(LoopbackFederation.Submission(yaml), default);
        Assert.Equal(StudyState.Done, (await _federation.EndAsync()).State);
    }

    private async Task ListenAsync(HttpContext context, Func<Task> next)
    {
        context.Request.EnableBuffering();
        using var asked = new MemoryStream();
        await context.Request.Body.CopyToAsync(asked);
        context.Request.Body.Position = 0;
        var (body, answered) = (context.Response.Body, new MemoryStream());
        context.Response.Body = answered;
        try
        {
            await next();
        }
        finally
        {
            context.Response.Body = body;
            await body.WriteAsync(answered.GetBuffer().AsMemory(0, (int)answered.Length));
        }
        if (context.Response.StatusCode == StatusCodes.Status200OK) Hear(context, asked, answered);
    }

    private void Hear(HttpContext context, MemoryStream asked, MemoryStream answered)
    {
        var (path, key) = (context.Request.Path.Value!, context.Request.RouteValues["key"] as string);
        var (request, reply) = path switch
        {
            "/v1/work" => (nameof(WorkRequest), nameof(WorkReply)),
            "/v1/progress" => (nameof(ProgressReport), nameof(ProgressReply)),
            _ when path.EndsWith("/answer", StringComparison.Ordinal) => (nameof(SiteAnswer), nameof(AnswerReply)),
            _ when path.EndsWith("/manifest", StringComparison.Ordinal) => ("", nameof(ManifestMessage)),
            _ when path.EndsWith("/upload", StringComparison.Ordinal) => (nameof(ManifestMessage), nameof(UploadState)),
            "/v1/studies" when context.Request.Method == "POST" => (nameof(StudySubmission), ""),
            "/v1/studies/test-1" when context.Request.Method == "GET" => ("", nameof(StudyView)),
            _ => ("", ""),
        };
        if (request.Length > 0) Say(request, JsonNode.Parse(asked.ToArray())!);
        if (reply.Length > 0) Say(reply, JsonNode.Parse(answered.ToArray())!);
        if (reply == nameof(WorkReply))
        {
            foreach (var task in JsonNode.Parse(answered.ToArray()).Deserialize<WorkReply>(WireJson.Options)!.Tasks)
            {
                _kinds[task.Key] = task.Kind;
                Say(task.Kind + "Work", JsonNode.Parse(task.Content.GetRawText())!);
            }
        }
        if (request == nameof(SiteAnswer) && JsonNode.Parse(asked.ToArray())!["content"] is { } content) Say(ResultOf(_kinds[key!]), content.DeepClone());
    }

    private void Say(string type, JsonNode json) => _said.Enqueue((type == "PersonaliseWork" ? nameof(RoundWork) : type, json));

    private static string ResultOf(TaskKind kind) => kind switch
    {
        TaskKind.Statistics => nameof(Federation.Sites.Statistics),
        TaskKind.Personalise => nameof(TrainResult),
        TaskKind.Evaluate => nameof(Federation.Sites.EvaluationResult),
        TaskKind.Compare => nameof(Federation.Sites.ComparisonResult),
        _ => kind + "Result",
    };

    private static List<(string Type, JsonNode Json)> Read(string file) =>
        [.. File.ReadLines(Repository.At($"tests/Comity.Coordinator.Tests/Data/Messages/{file}")).Select(l => JsonNode.Parse(l)!).Select(l => ((string)l["type"]!, l["json"]!))];

    // Every name on the way to a value; what stands in a dictionary is one name too many at most, never too few.
    private static HashSet<string> Properties(JsonNode? node, string at = "") => node switch
    {
        JsonObject o => [.. o.SelectMany(p => Properties(p.Value, $"{at}/{(char.IsAsciiDigit(p.Key[0]) ? "#" : p.Key)}").Append($"{at}/{(char.IsAsciiDigit(p.Key[0]) ? "#" : p.Key)}"))],
        JsonArray a => [.. a.SelectMany(e => Properties(e, at + "[]"))],
        _ => [],
    };

    private static bool Holds(JsonNode? all, JsonNode? part) => (all, part) switch
    {
        (_, null) => true, // nothing was said
        (JsonObject a, JsonObject p) => p.All(m => Holds(a[m.Key], m.Value)),
        (JsonArray a, JsonArray p) => a.Count == p.Count && a.Zip(p).All(e => Holds(e.First, e.Second)),
        (JsonValue a, JsonValue p) => JsonNode.DeepEquals(a, p),
        _ => false,
    };
}
