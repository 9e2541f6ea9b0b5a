using System.Text;
using System.Text.Json.Nodes;
using Comity.Transport.Protocol;
using Microsoft.AspNetCore.Http;

namespace Comity.Coordinator.Tests.Studies;

/// <summary>A coordinator that asks of a site, over the network, for less than the study promises: the site goes by its own copy of the study and refuses.</summary>
public sealed class LyingCoordinatorTests : IAsyncDisposable
{
    private const string Masked = "arms: [federated]\nfederation: { rounds: 1, localEpochs: 1 }\nprivacy: { secureAggregation: { maximalRows: 1000 } }";
    private const string Subset = "arms: [federated]\nfederation: { rounds: 1, localEpochs: 1, cohort: 3, quorum: 3 }\nprivacy: { secureAggregation: { maximalRows: 1000 } }";

    private readonly LoopbackFederation _federation = new() { Noise = NoisySite.Noise };

    public ValueTask DisposeAsync() => _federation.DisposeAsync();

    [Theory]
    [InlineData(Masked, "stranger", false, "not-invited")]
    [InlineData(Masked, "smaller", false, "not-invited")]
    [InlineData(Masked, "order", false, "not-invited")]
    [InlineData(Masked, "clear", false, "unprotected")]
    [InlineData(Masked, "stranger", true, "not-invited")]
    [InlineData(Masked, "smaller", true, "not-invited")]
    [InlineData(Masked, "clear", true, "unprotected")]
    [InlineData(Subset, "smaller", false, "not-invited")]
    public async Task A_round_with_strangers_with_fewer_or_in_the_clear_is_refused_by_every_site(string rest, string lie, bool statistics, string reason)
    {
        _federation.Between = (context, next) => LieAsync(context, next, statistics, content => Lie(content, lie));
        await _federation.StartAsync();
        foreach (var site in new[] { "s0", "s1", "s2", "s3" }) _federation.StartSite(site);
        await _federation.Author.SubmitAsync(LoopbackFederation.Submission(LoopbackFederation.Yaml(rest, 4)), default);
        var ended = await _federation.EndAsync();
        Assert.Equal(StudyState.Stopped, ended.State);
        var problem = Assert.Single(ended.Problems);
        Assert.Contains($"s0 ({reason})", problem.Found.En, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Statistics_asked_for_in_the_clear_do_not_leave_a_site_of_a_masked_study()
    {
        // The form is asked for first; the lie asks for the numbers in its place.
        _federation.Between = (context, next) => LieAsync(context, next, statistics: true, content => content.Remove("formOnly"), "statistics");
        await _federation.StartAsync();
        foreach (var site in new[] { "s0", "s1", "s2", "s3" }) _federation.StartSite(site);
        await _federation.Author.SubmitAsync(LoopbackFederation.Submission(LoopbackFederation.Yaml(Masked, 4)), default);
        var ended = await _federation.EndAsync();
        Assert.Equal(StudyState.Stopped, ended.State);
        Assert.Equal("unprotected", Assert.Single(ended.Problems).Code);
    }

    private static void Lie(JsonObject content, string lie)
    {
        if (lie == "clear")
        {
            if (content.ContainsKey("epochs")) content.Remove("masked"); // of the round itself; its steps are of masks or of nothing
            return;
        }
        if (content["masked"]?["cohort"] is not JsonArray cohort) return;
        if (lie == "stranger") cohort[^1] = "s9";
        if (lie == "smaller") cohort.RemoveAt(cohort.Count - 1);
        if (lie == "order") content["masked"]!["cohort"] = new JsonArray([.. cohort.Reverse().Select(s => JsonValue.Create((string)s!))]);
    }

    // Changes what the coordinator says in tasks of masked rounds, on its way out.
    private static async Task LieAsync(HttpContext context, Func<Task> next, bool statistics, Action<JsonObject> lie, string? kind = null)
    {
        if (context.Request.Path.Value != "/v1/work")
        {
            await next();
            return;
        }
        var (told, said) = (context.Response.Body, new MemoryStream());
        context.Response.Body = said;
        await next();
        context.Response.Body = told;
        var bytes = said.ToArray();
        if (context.Response.StatusCode == 200 && JsonNode.Parse(bytes)?["tasks"] is JsonArray tasks && tasks.Count > 0)
        {
            foreach (var task in tasks)
            {
                if (task!["content"] is not JsonObject content) continue;
                var of = (string)task["kind"]!;
                if (kind is null ? of is "round" or "mask" && content.ContainsKey("statistics") == statistics : of == kind) lie(content);
            }
            bytes = Encoding.UTF8.GetBytes(tasks.Root.ToJsonString());
        }
        context.Response.ContentLength = bytes.Length;
        await told.WriteAsync(bytes);
    }
}
