using Comity.Federation.Sites;
using Comity.Transport.Protocol;
using Microsoft.AspNetCore.Http;

namespace Comity.Coordinator.Tests.Studies;

/// <summary>Files of rounds at both ends: written over those of earlier rounds, and looked through where the power may have taken a part of them.</summary>
public sealed class SpoolFilesTests : IAsyncDisposable
{
    private const string Rest = "arms: [federated]\nfederation: { rounds: 4, strategy: fedavg }";
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(20);

    private readonly LoopbackFederation _federation = new() { Model = new LargeModel() };

    public ValueTask DisposeAsync() => _federation.DisposeAsync();

    [Fact]
    public async Task Rounds_are_written_over_those_before_and_nothing_is_left_of_them()
    {
        await _federation.StartAsync();
        var kept = 0;
        foreach (var site in new[] { "s0", "s1", "s2" })
        {
            _federation.StartSite(site, () => new Watched(new LargeSite(site), round =>
            {
                // From the second round on there is what the first one left: an answer here, and updates at the coordinator.
                if (round > 2 && Spares("sites", site, "studies", "test-1", "spare") > 0) Interlocked.Increment(ref kept);
                if (round > 2 && Spares("coordinator", "test-1", "run", "state", "spare") > 0) Interlocked.Increment(ref kept);
                return Task.CompletedTask;
            }));
        }
        var yaml = LoopbackFederation.Yaml(Rest);
        await _federation.Author.SubmitAsync(LoopbackFederation.Submission(yaml), default);

        Assert.Equal(StudyState.Done, (await _federation.EndAsync()).State);
        Assert.Equal(await _federation.LocalAsync(yaml, site => new LargeSite(site)), await _federation.NetworkAsync());
        Assert.True(kept > 0, "No file was kept to be written over.");
        Assert.Equal(0, Spares("coordinator", "test-1", "run", "state", "spare"));
        for (var i = 0; i < 3; i++)
        {
            // A site hears with its next call for work that the study is over.
            while (Spares("sites", $"s{i}", "studies", "test-1", "spare") > 0) await Task.Delay(20).WaitAsync(Limit);
        }
    }

    [Fact]
    public async Task A_model_that_is_not_what_was_fetched_is_fetched_again()
    {
        await _federation.StartAsync();
        var working = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        foreach (var site in new[] { "s0", "s1" }) _federation.StartSite(site, () => new LargeSite(site));
        var dies = _federation.StartSite("s2", () => new Watched(new LargeSite("s2"), async round =>
        {
            if (round < 3) return;
            working.TrySetResult();
            await Task.Delay(Timeout.Infinite);
        }));
        var yaml = LoopbackFederation.Yaml(Rest);
        await _federation.Author.SubmitAsync(LoopbackFederation.Submission(yaml), default);

        await working.Task.WaitAsync(Limit);
        await dies.CancelAsync();
        var damaged = Damage(_federation.At("sites", "s2", "studies", "test-1", "bodies"), "*");
        _federation.StartSite("s2", () => new LargeSite("s2"));

        Assert.True(damaged > 0);
        Assert.Equal(StudyState.Done, (await _federation.EndAsync()).State);
        Assert.Equal(await _federation.LocalAsync(yaml, site => new LargeSite(site)), await _federation.NetworkAsync());
    }

    [Theory]
    [InlineData("body")]
    [InlineData("message")]
    public async Task An_answer_that_is_not_what_was_stored_is_made_again(string what)
    {
        var refused = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _federation.Between = async (context, next) =>
        {
            await next();
            if (context.Response.StatusCode == StatusCodes.Status507InsufficientStorage && context.Request.Headers["Test-Caller"].ToString().StartsWith("s2|", StringComparison.Ordinal)) refused.TrySetResult();
        };
        await _federation.StartAsync();
        foreach (var site in new[] { "s0", "s1" }) _federation.StartSite(site, () => new LargeSite(site));
        var dies = _federation.StartSite("s2", () => new Watched(new LargeSite("s2"), round =>
        {
            if (round == 2) _federation.Server.KeptFree = long.MaxValue / 2;
            return Task.CompletedTask;
        }));
        var yaml = LoopbackFederation.Yaml(Rest);
        await _federation.Author.SubmitAsync(LoopbackFederation.Submission(yaml), default);

        await refused.Task.WaitAsync(Limit);
        await dies.CancelAsync();
        var answers = _federation.At("sites", "s2", "studies", "test-1", "answers");
        var damaged = what == "body" ? Damage(answers, "*.f32") : Torn(answers);
        _federation.Server.KeptFree = 0;
        _federation.StartSite("s2", () => new LargeSite("s2"));

        Assert.True(damaged > 0);
        Assert.Equal(StudyState.Done, (await _federation.EndAsync()).State);
        Assert.Equal(await _federation.LocalAsync(yaml, site => new LargeSite(site)), await _federation.NetworkAsync());
    }

    private int Spares(params string[] folder) => Directory.Exists(_federation.At(folder)) ? Directory.EnumerateFiles(_federation.At(folder)).Count() : 0;

    // As after a loss of power: the name is there and the content is not.
    private static int Torn(string folder)
    {
        var messages = Directory.EnumerateFiles(folder).Where(f => !f.EndsWith(".f32", StringComparison.Ordinal)).ToList();
        foreach (var path in messages) File.WriteAllBytes(path, []);
        return messages.Count;
    }

    // As after a loss of power: as long as it was, with something else in its midst.
    private static int Damage(string folder, string pattern)
    {
        var large = Directory.EnumerateFiles(folder, pattern).Where(f => new FileInfo(f).Length > 1 << 20).ToList();
        foreach (var path in large)
        {
            using var file = new FileStream(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete) { Position = 700_000 };
            file.Write(new byte[4096]);
            file.Write(BitConverter.GetBytes(1.25f));
        }
        return large.Count;
    }

    private sealed class Watched(ISiteWork work, Func<int, Task> before) : ISiteWork
    {
        public string Site => work.Site;

        public ValueTask<Statistics> CollectAsync(StatisticsTask task, CancellationToken cancellationToken) => work.CollectAsync(task, cancellationToken);

        public async ValueTask<TrainingResult> TrainAsync(TrainingTask task, CancellationToken cancellationToken)
        {
            await before(task.Round).WaitAsync(cancellationToken);
            return await work.TrainAsync(task, cancellationToken);
        }

        public ValueTask<EvaluationResult> EvaluateAsync(EvaluationTask task, CancellationToken cancellationToken) => work.EvaluateAsync(task, cancellationToken);

        public ValueTask<ComparisonResult> CompareAsync(ComparisonTask task, CancellationToken cancellationToken) => work.CompareAsync(task, cancellationToken);
    }
}
