using System.Text.Json.Nodes;
using Comity.Serving.Feedback;
using Comity.Testing;
using Npgsql;

namespace Comity.Serving.Tests.Hosting;

/// <summary>What feedback promises, wherever it is stored.</summary>
public abstract class FeedbackContract
{
    /// <summary>A store of a test's own; null: in the server's folder.</summary>
    protected abstract StoreAddress? NewStore();

    private Task<RunningServer> StartAsync()
    {
        var store = NewStore();
        return RunningServer.StartAsync(o => o with { Store = store });
    }

    private protected static async Task<string> AnswerId(RunningServer server) =>
        (string)(await server.AnswerAsync("/predict", """{"age": 63, "dose": 2.5, "ward": "b", "sex": "f"}"""))["id"]!;

    [Fact]
    public async Task What_is_said_of_an_answer_is_stored_once_with_what_judging_needs()
    {
        await using var server = await StartAsync();
        var answer = await server.AnswerAsync("/predict", """{"age": 63, "dose": 2.5, "ward": "b", "sex": "f"}""");
        var said = $$"""{"id": "{{answer["id"]}}", "label": 1, "rating": 4, "comment": "as expected"}""";

        Assert.Equal(1, (int)(await server.AnswerAsync("/feedback", said))["stored"]!);
        Assert.Equal(0, (int)(await server.AnswerAsync("/feedback", said))["stored"]!);
        Assert.Equal(0, (int)(await server.AnswerAsync("/feedback", $"[{said}, {said}]"))["stored"]!);

        var stored = Assert.Single(MarketStore.ReadFeedback(server.Store, "ward")).Entry;
        Assert.Equal(("ill", 4, "as expected"), (stored.Label, stored.Rating, stored.Comment));
        Assert.Equal("1.0.0", stored.Answer.Version);
        Assert.Equal(["f", "40 – < 65"], stored.Answer.Groups);
        Assert.Equal((double)answer["probabilities"]!["ill"]!, stored.Answer.Outputs[1], 2e-5);
    }

    [Fact]
    public async Task A_label_that_is_put_right_counts_in_its_last_form_and_a_late_repetition_changes_nothing()
    {
        await using var server = await StartAsync();
        var id = await AnswerId(server);

        foreach (var label in new[] { "ill", "healthy", "ill" }) await server.AnswerAsync("/feedback", $$"""{"id": "{{id}}", "label": "{{label}}"}""");

        Assert.Equal("healthy", Assert.Single(MarketStore.ReadFeedback(server.Store)).Entry.Label);
    }

    [Fact]
    public async Task A_replica_takes_feedback_on_anothers_answer()
    {
        await using var one = await StartAsync();
        await using var two = await RunningServer.StartAsync(o => o with { State = one.State, Store = one.Store });

        Assert.Equal(1, (int)(await two.AnswerAsync("/feedback", $$"""{"id": "{{await AnswerId(one)}}", "label": "ill"}"""))["stored"]!);
    }

    [Fact]
    public async Task What_is_erased_stays_erased()
    {
        await using var server = await StartAsync();
        var said = $$"""{"id": "{{await AnswerId(server)}}", "label": "ill"}""";
        await server.AnswerAsync("/feedback", said);

        using var erased = await server.Client.DeleteAsync("/feedback/" + JsonNode.Parse(said)!["id"]);
        Assert.Contains("\"erased\":1", await erased.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.Equal(0, (int)(await server.AnswerAsync("/feedback", said))["stored"]!);
        Assert.Empty(MarketStore.ReadFeedback(server.Store));
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
        await using var server = await StartAsync();
        var id = await AnswerId(server);

        var (found, error) = await server.RefusedAsync("/feedback", body.Replace("ID", id, StringComparison.Ordinal));

        Assert.Equal((status, code), (found, (string)error["code"]!));
        Assert.Empty(MarketStore.ReadFeedback(server.Store));
    }

    [Fact]
    public async Task A_list_with_one_bad_entry_is_not_taken_by_halves()
    {
        await using var server = await StartAsync();
        var id = await AnswerId(server);

        var (_, error) = await server.RefusedAsync("/feedback", $$"""[{"id": "{{id}}", "label": "ill"}, {"id": "{{id}}", "rating": 9}]""");

        Assert.Equal("feedback[1].rating", (string)error["problems"]![0]!["field"]!);
        Assert.Empty(MarketStore.ReadFeedback(server.Store));
    }

    [Fact]
    public async Task An_answer_of_another_market_is_not_known()
    {
        await using var here = await StartAsync();
        await using var there = await StartAsync();

        var (status, _) = await there.RefusedAsync("/feedback", $$"""{"id": "{{await AnswerId(here)}}", "label": "ill"}""");

        Assert.Equal(404, status);
    }

    [Fact]
    public async Task What_two_replicas_store_while_they_erase_is_gone_for_every_answer_that_was_erased()
    {
        await using var one = await StartAsync();
        await using var two = await RunningServer.StartAsync(o => o with { State = one.State, Store = one.Store });
        var ids = new List<string>();
        for (var i = 0; i < 24; i++) ids.Add(await AnswerId(one));

        await Task.WhenAll(ids.Select(async (id, i) =>
        {
            var said = two.AnswerAsync("/feedback", $$"""{"id": "{{id}}", "label": "ill"}""");
            if (i % 2 == 0) (await one.Client.DeleteAsync("/feedback/" + id)).Dispose();
            await said;
        }));

        Assert.Equal(12, MarketStore.ReadFeedback(one.Store).Count);
    }

    [Fact]
    public async Task What_is_older_than_its_retention_goes_and_the_rest_stays()
    {
        await using var server = await StartAsync();
        await server.AnswerAsync("/feedback", $$"""{"id": "{{await AnswerId(server)}}", "label": "ill"}""");
        var stored = Assert.Single(MarketStore.ReadFeedback(server.Store));

        await using var store = MarketStore.Open(server.Store, TimeProvider.System);
        Assert.Equal(0, await store.RetainAsync(stored.Received, TestContext.Current.CancellationToken));
        Assert.Equal(1, await store.RetainAsync(stored.Received.AddMilliseconds(1), TestContext.Current.CancellationToken));
        Assert.Empty(MarketStore.ReadFeedback(server.Store));
    }
}

public sealed class FeedbackInSqliteTests : FeedbackContract
{
    protected override StoreAddress? NewStore() => null;
}

/// <summary>The same over PostgreSQL, each test in a schema of its own.</summary>
public sealed class FeedbackInPostgresTests : FeedbackContract, IDisposable
{
    private readonly List<string> _schemas = [];

    protected override StoreAddress NewStore()
    {
        var (connection, market) = (Requires.Postgres(), "t" + Guid.NewGuid().ToString("N"));
        _schemas.Add("comity_" + market);
        return StoreAddress.InPostgres(connection, market);
    }

    public void Dispose()
    {
        foreach (var schema in _schemas)
        {
            using var connection = new NpgsqlConnection(Requires.Postgres());
            connection.Open();
            using var command = new NpgsqlCommand($"DROP SCHEMA IF EXISTS \"{schema}\" CASCADE", connection);
            command.ExecuteNonQuery();
        }
    }

    [Fact]
    public async Task A_lost_connection_costs_the_requests_that_it_met_and_no_later_one()
    {
        var store = NewStore();
        await using var server = await RunningServer.StartAsync(o => o with { Store = store });
        var id = await AnswerId(server);
        await using (var connection = new NpgsqlConnection(Requires.Postgres()))
        {
            await connection.OpenAsync(TestContext.Current.CancellationToken);
            await using var kill = new NpgsqlCommand("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = @q", connection);
            kill.Parameters.AddWithValue("q", _schemas[0]);
            await kill.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
        }

        var (status, error) = await server.RefusedAsync("/feedback", $$"""{"id": "{{id}}", "label": "ill"}""");
        Assert.Equal((503, "store-unavailable"), (status, (string)error["code"]!));
        Assert.Equal(1, (int)(await server.AnswerAsync("/feedback", $$"""{"id": "{{id}}", "label": "ill"}"""))["stored"]!);
    }

    [Theory]
    [InlineData("postgres://reader:a%40b@db.example:6543/clinic?SSL%20Mode=Require", "Host=db.example", "Port=6543", "Password=a@b")]
    [InlineData("postgresql://db.example/clinic", "Port=5432", "Database=clinic")]
    public void An_address_is_read_as_other_tools_read_it(string url, params string[] expected)
    {
        var store = StoreAddress.Read(url, "hu");

        Assert.All(expected, part => Assert.Contains(part, ((PostgresStore)store).Connection, StringComparison.Ordinal));
        Assert.DoesNotContain("a@b", store.ToString(), StringComparison.Ordinal);
    }
}
