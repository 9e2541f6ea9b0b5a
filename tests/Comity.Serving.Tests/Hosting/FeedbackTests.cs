using System.Text.Json.Nodes;
using Comity.Serving.Feedback;

namespace Comity.Serving.Tests.Hosting;

public sealed class FeedbackTests
{
    private static async Task<string> AnswerId(RunningServer server) =>
        (string)(await server.AnswerAsync("/predict", """{"age": 63, "dose": 2.5, "ward": "b", "sex": "f"}"""))["id"]!;

    [Fact]
    public async Task What_is_said_of_an_answer_is_stored_once_with_what_judging_needs()
    {
        await using var server = await RunningServer.StartAsync();
        var answer = await server.AnswerAsync("/predict", """{"age": 63, "dose": 2.5, "ward": "b", "sex": "f"}""");
        var said = $$"""{"id": "{{answer["id"]}}", "label": 1, "rating": 4, "comment": "as expected"}""";

        Assert.Equal(1, (int)(await server.AnswerAsync("/feedback", said))["stored"]!);
        Assert.Equal(0, (int)(await server.AnswerAsync("/feedback", said))["stored"]!);
        Assert.Equal(0, (int)(await server.AnswerAsync("/feedback", $"[{said}, {said}]"))["stored"]!);

        var stored = Assert.Single(MarketStore.ReadFeedback(server.State, "ward")).Entry;
        Assert.Equal(("ill", 4, "as expected"), (stored.Label, stored.Rating, stored.Comment));
        Assert.Equal("1.0.0", stored.Answer.Version);
        Assert.Equal(["f", "40 – < 65"], stored.Answer.Groups);
        Assert.Equal((double)answer["probabilities"]!["ill"]!, stored.Answer.Outputs[1], 2e-5);
    }

    [Fact]
    public async Task A_label_that_is_put_right_counts_in_its_last_form_and_a_late_repetition_changes_nothing()
    {
        await using var server = await RunningServer.StartAsync();
        var id = await AnswerId(server);

        foreach (var label in new[] { "ill", "healthy", "ill" }) await server.AnswerAsync("/feedback", $$"""{"id": "{{id}}", "label": "{{label}}"}""");

        Assert.Equal("healthy", Assert.Single(MarketStore.ReadFeedback(server.State)).Entry.Label);
    }

    [Fact]
    public async Task A_replica_takes_feedback_on_anothers_answer()
    {
        await using var one = await RunningServer.StartAsync();
        await using var two = await RunningServer.StartAsync(o => o with { State = one.State });

        Assert.Equal(1, (int)(await two.AnswerAsync("/feedback", $$"""{"id": "{{await AnswerId(one)}}", "label": "ill"}"""))["stored"]!);
    }

    [Fact]
    public async Task What_is_erased_stays_erased()
    {
        await using var server = await RunningServer.StartAsync();
        var said = $$"""{"id": "{{await AnswerId(server)}}", "label": "ill"}""";
        await server.AnswerAsync("/feedback", said);

        using var erased = await server.Client.DeleteAsync("/feedback/" + JsonNode.Parse(said)!["id"]);
        Assert.Contains("\"erased\":1", await erased.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.Equal(0, (int)(await server.AnswerAsync("/feedback", said))["stored"]!);
        Assert.Empty(MarketStore.ReadFeedback(server.State));
    }

    [Theory]
    [InlineData("""{"id": "ID", "label": "purple"}""", 400, "label-unknown")]
    [InlineData("""{"id": "ID", "rating": 6}""", 400, "rating-range")]
    [InlineData("""{"id": "ID", "rating": "good"}""", 400, "rating-range")]
    [InlineData("""{"id": "ID"}""", 400, "feedback-empty")]
    [InlineData("""{"id": "ID", "lable": "ill"}""", 400, "feedback-key")]
    [InlineData("""{"id": "nonsense", "label": "ill"}""", 404, "answer-unknown")]
    [InlineData("""{"id": "IDx", "label": "ill"}""", 404, "answer-unknown")]
    [InlineData("""{"label": "ill"}""", 404, "answer-unknown")]
    [InlineData("""[]""", 413, "feedback-many")]
    [InlineData("""7""", 400, "feedback-form")]
    [InlineData("""{"id": """, 400, "body-not-json")]
    public async Task Bad_feedback_is_refused_and_nothing_of_it_is_kept(string body, int status, string code)
    {
        await using var server = await RunningServer.StartAsync();
        var id = await AnswerId(server);

        var (found, error) = await server.RefusedAsync("/feedback", body.Replace("ID", id, StringComparison.Ordinal));

        Assert.Equal((status, code), (found, (string)error["code"]!));
        Assert.Empty(MarketStore.ReadFeedback(server.State));
    }

    [Fact]
    public async Task A_list_with_one_bad_entry_is_not_taken_by_halves()
    {
        await using var server = await RunningServer.StartAsync();
        var id = await AnswerId(server);

        var (_, error) = await server.RefusedAsync("/feedback", $$"""[{"id": "{{id}}", "label": "ill"}, {"id": "{{id}}", "rating": 9}]""");

        Assert.Equal("feedback[1].rating", (string)error["problems"]![0]!["field"]!);
        Assert.Empty(MarketStore.ReadFeedback(server.State));
    }

    [Fact]
    public async Task An_answer_of_another_market_is_not_known()
    {
        await using var here = await RunningServer.StartAsync();
        await using var there = await RunningServer.StartAsync();

        var (status, _) = await there.RefusedAsync("/feedback", $$"""{"id": "{{await AnswerId(here)}}", "label": "ill"}""");

        Assert.Equal(404, status);
    }
}
