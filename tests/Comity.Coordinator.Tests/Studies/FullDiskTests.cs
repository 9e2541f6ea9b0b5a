using Comity.Coordinator.Hosting;
using Comity.Transport.Protocol;
using Comity.Transport.Sites;
using Comity.Transport.Stores;
using Microsoft.AspNetCore.Http;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;

namespace Comity.Coordinator.Tests.Studies;

/// <summary>A disk without room at either end: whoever can make room is told, nothing is lost, and the study goes on once there is some.</summary>
public sealed class FullDiskTests : IAsyncDisposable
{
    private const string Full = "/dev/full";
    private const string Rest = "arms: [federated]\nfederation: { rounds: 2, strategy: fedavg }";

    private readonly LoopbackFederation _federation = new() { Model = new LargeModel() };

    public ValueTask DisposeAsync() => _federation.DisposeAsync();

    [Fact]
    public async Task An_answer_that_the_coordinators_disk_has_no_room_for_waits_at_the_site()
    {
        var refused = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _federation.Between = async (context, next) =>
        {
            await next();
            if (context.Response.StatusCode == StatusCodes.Status507InsufficientStorage) refused.TrySetResult();
        };
        await _federation.StartAsync();
        _federation.Server.KeptFree = long.MaxValue / 2;
        foreach (var site in new[] { "s0", "s1", "s2" }) _federation.StartSite(site, () => new LargeSite(site));
        var yaml = LoopbackFederation.Yaml(Rest);
        await _federation.Author.SubmitAsync(LoopbackFederation.Submission(yaml), default);

        await refused.Task.WaitAsync(TimeSpan.FromMinutes(20));
        Assert.NotEqual(StudyState.Done, (await _federation.Author.ViewAsync("test-1", 0, TimeSpan.Zero, default)).State);
        _federation.Server.KeptFree = 0;
        Assert.Equal(StudyState.Done, (await _federation.EndAsync()).State);
        Assert.Equal(await _federation.LocalAsync(yaml, site => new LargeSite(site)), await _federation.NetworkAsync());
    }

    [Fact]
    public async Task A_study_whose_coordinator_finds_no_room_stops_by_that_name_and_goes_on_once_there_is_some()
    {
        Assert.SkipUnless(File.Exists(Full), "There is no device that is always full.");
        var log = new Lines();
        await _federation.StartAsync();
        _federation.Server.Log = log;
        _federation.Server.KeptFree = 0;
        foreach (var site in new[] { "s0", "s1", "s2" }) _federation.StartSite(site, () => new LargeSite(site));
        var yaml = LoopbackFederation.Yaml(Rest);
        await _federation.Author.SubmitAsync(LoopbackFederation.Submission(yaml), default);
        var file = _federation.At("coordinator", "test-1", "artefacts.json"); // the last but one that a study writes
        File.CreateSymbolicLink(file, Full);

        var stopped = await _federation.EndAsync();
        Assert.Equal((StudyState.Stopped, "study-disk-full"), (stopped.State, stopped.Problems.Single().Code));
        Assert.Contains(log.Said, l => l.Contains($"disk of {_federation.At("coordinator")} is full", StringComparison.Ordinal));

        File.Delete(file);
        await _federation.Author.ResumeAsync("test-1", default);
        Assert.Equal(StudyState.Done, (await _federation.EndAsync()).State);
        Assert.Equal(await _federation.LocalAsync(yaml, site => new LargeSite(site)), await _federation.NetworkAsync());
    }

    [Fact]
    public void A_database_and_a_file_that_find_no_room_are_told_from_damaged_ones()
    {
        using var database = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = _federation.At("small.sqlite"), Pooling = false }.ToString());
        database.Open();
        using (var bound = database.CreateCommand())
        {
            bound.CommandText = "CREATE TABLE small (x); PRAGMA max_page_count = 4";
            Assert.Equal(4L, bound.ExecuteScalar());
        }
        SqliteException Failing(string sql)
        {
            using var command = database.CreateCommand();
            command.CommandText = sql;
            return Assert.Throws<SqliteException>(() => command.ExecuteNonQuery());
        }
        Assert.True(DiskFull.Is(Failing("INSERT INTO small VALUES (zeroblob(100000))")));
        Assert.False(DiskFull.Is(Failing("INSERT INTO none VALUES (1)")));
        Assert.False(DiskFull.Is(Assert.ThrowsAny<IOException>(() => File.ReadAllText(_federation.At("none", "none")))));
        Assert.SkipUnless(File.Exists(Full), "There is no device that is always full.");
        var full = Assert.ThrowsAny<IOException>(() => File.WriteAllText(Full, "x"));
        Assert.True(DiskFull.Is(full));
        Assert.True(DiskFull.Is(new AggregateException(full)));
    }

    [Fact]
    public async Task A_site_whose_share_of_the_disk_is_full_says_so_and_goes_on_with_a_larger_one()
    {
        var full = new TaskCompletionSource<SiteAgentEvent.DiskShareFull>(TaskCreationOptions.RunContinuationsAsynchronously);
        await _federation.StartAsync();
        foreach (var site in new[] { "s0", "s1" }) _federation.StartSite(site, () => new LargeSite(site));
        var small = _federation.StartSite("s2", () => new LargeSite("s2"), diskBytes: 2 << 20, events: new Heard(e =>
        {
            if (e is SiteAgentEvent.DiskShareFull one) full.TrySetResult(one);
        }));
        var yaml = LoopbackFederation.Yaml(Rest);
        await _federation.Author.SubmitAsync(LoopbackFederation.Submission(yaml), default);

        var told = await full.Task.WaitAsync(TimeSpan.FromMinutes(20));
        Assert.Equal((4, 2), (told.NeededMebibytes, told.LimitMebibytes)); // the model of 1.6 MB and an answer like it
        await small.CancelAsync();
        _federation.StartSite("s2", () => new LargeSite("s2"), diskBytes: 1 << 30);
        Assert.Equal(StudyState.Done, (await _federation.EndAsync()).State);
        Assert.Equal(await _federation.LocalAsync(yaml, site => new LargeSite(site)), await _federation.NetworkAsync());
    }

    private sealed class Lines : ILogger
    {
        public System.Collections.Concurrent.ConcurrentQueue<string> Said { get; } = [];

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) => Said.Enqueue(formatter(state, exception));
    }

    private sealed class Heard(Action<SiteAgentEvent> then) : IProgress<SiteAgentEvent>
    {
        public void Report(SiteAgentEvent value) => then(value);
    }
}
