using Comity.Federation.Privacy;
using Comity.Federation.Rounds;
using Comity.Federation.Sites;
using Comity.Federation.Spool;
using Comity.Federation.Tests.Encodings;
using Comity.Privacy.Accounting;
using Comity.Privacy.Events;
using Comity.Privacy.Mechanisms;
using Comity.Privacy.Noise;
using Comity.Testing;

namespace Comity.Federation.Tests.Privacy;

/// <summary>What a site remembers under differential privacy of records comes from updates that were charged, and from nothing else.</summary>
public sealed class PrivateMemoryTests : IDisposable
{
    private const int Length = 40;
    private const int Steps = 2;
    private static readonly PrivateGradientDescent Planned = new(1, 1, 3, Steps);

    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    public static TheoryData<string> Kinds => ["scaffold", "kept", "int8", "top-k", "kept and int8"];

    private sealed class Killed : Exception;

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task A_round_whose_charge_was_refused_leaves_no_trace_in_later_updates(string kind)
    {
        using var refused = new Site(_folder.At("refused"), kind);
        await refused.DeliversAsync(1, last: 0, draw: 1);
        Assert.Equal(RefusalReason.BudgetSpent, await refused.RefusesAsync(2, last: 1, draw: 1000, steps: Steps + 5));
        var after = await refused.DeliversAsync(3, last: 1, draw: 2);

        using var untouched = new Site(_folder.At("untouched"), kind);
        await untouched.DeliversAsync(1, last: 0, draw: 1);
        Assert.Equal(await untouched.DeliversAsync(3, last: 1, draw: 2), after);

        // The memory of a charged round does show, or nothing was tested.
        using var charged = new Site(_folder.At("charged"), kind);
        await charged.DeliversAsync(1, last: 0, draw: 1);
        await charged.DeliversAsync(2, last: 1, draw: 1000);
        Assert.NotEqual(await charged.DeliversAsync(3, last: 2, draw: 2), after);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task A_coordinator_that_names_a_round_which_was_never_charged_gets_nothing_made_from_it(string kind)
    {
        using var site = new Site(_folder.At("site"), kind);
        await site.DeliversAsync(1, last: 0, draw: 1);
        await site.RefusesAsync(2, last: 1, draw: 1000, steps: Steps + 5);
        Assert.Equal(RefusalReason.MemoryLost, await site.RefusesAsync(3, last: 2, draw: 2));
        Assert.Equal(2, site.Trained);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task Killed_before_its_charge_a_round_is_made_anew_and_its_first_making_leaves_no_trace(string kind)
    {
        using var plain = new Site(_folder.At("plain"), kind);
        await plain.DeliversAsync(1, last: 0, draw: 1);
        await plain.DeliversAsync(2, last: 1, draw: 5);
        var expected = await plain.DeliversAsync(3, last: 2, draw: 2);

        using var killed = new Site(_folder.At("killed"), kind);
        await killed.DeliversAsync(1, last: 0, draw: 1);
        killed.KillBefore = "ledger-charge";
        await Assert.ThrowsAsync<Killed>(() => killed.DeliversAsync(2, last: 1, draw: 1000));
        var first = killed.MemoryFiles();
        killed.KillBefore = null;
        await killed.DeliversAsync(2, last: 1, draw: 5);
        var second = killed.MemoryFiles();
        Assert.Equal(expected, await killed.DeliversAsync(3, last: 2, draw: 2));

        // Power was lost: the charge was flushed, and of the memory only the first making, which was never charged, reached the disk.
        killed.PutBack(first);
        Assert.Equal(RefusalReason.MemoryLost, await killed.RefusesAsync(4, last: 2, draw: 2));
        killed.PutBack(second);
        await killed.DeliversAsync(4, last: 2, draw: 2);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task A_charged_round_whose_answer_was_lost_is_sent_again_as_it_was_and_remembered(string kind)
    {
        using var site = new Site(_folder.At("site"), kind);
        await site.DeliversAsync(1, last: 0, draw: 1);
        var sent = await site.DeliversAsync(2, last: 1, draw: 5);
        Assert.Equal(sent, await site.DeliversAsync(2, last: 1, draw: 7));
        Assert.Equal(2, site.Trained);
        await site.DeliversAsync(3, last: 2, draw: 2);
        // Or it came too late: what it left is not read, though it was paid for.
        using var late = new Site(_folder.At("late"), kind);
        await late.DeliversAsync(1, last: 0, draw: 1);
        await late.DeliversAsync(2, last: 1, draw: 1000);
        await late.DeliversAsync(3, last: 1, draw: 1000);
        using var absent = new Site(_folder.At("absent"), kind);
        await absent.DeliversAsync(1, last: 0, draw: 1);
        Assert.Equal(await absent.DeliversAsync(4, last: 1, draw: 2), await late.DeliversAsync(4, last: 1, draw: 2));
    }

    /// <summary>One site with its ledger, its gate and its memory; each round in a process of its own.</summary>
    private sealed class Site : ISiteWork, IDisposable
    {
        private readonly string _folder, _kind;
        private readonly PrivacyLedger _ledger;
        private readonly SiteGate _gate;
        private (float Draw, int Steps) _next;

        public Site(string folder, string kind)
        {
            (_folder, _kind) = (folder, kind);
            Directory.CreateDirectory(folder);
            var account = new LedgerAccount("r", "s", "a", "a");
            var (step, steps) = EventText.Apart(Planned.Event);
            var releases = new List<LedgerItem> { new(step, 4 * steps) };
            var plan = new PrivacyPlan(0, new Dictionary<string, PrivacyPlan.OfSite> { ["a"] = new(10, Planned.NoiseMultiplier, releases) }, new DifferentialPrivacySection { Epsilon = 1, Delta = 1e-5, Clip = Planned.ClipNorm });
            _ledger = PrivacyLedger.Open(Path.Combine(folder, "ledger.sqlite"), TimeProvider.System, Before);
            Assert.Null(_ledger.Reserve(account, releases, new GaussianAccountant(NeighbouringRelation.AddOrRemoveOne)));
            _gate = new SiteGate(_ledger, account, plan, Path.Combine(folder, "gate"), _ => NoiseStream.Secure(), Before);
        }

        public string? KillBefore { get; set; }

        public int Trained { get; private set; }

        string ISiteWork.Site => "a";

        public async Task<float[]> DeliversAsync(int round, int last, float draw)
        {
            var sink = new Caught();
            Assert.IsType<RoundReply.Delivered>(await AskAsync(round, last, draw, PrivateMemoryTests.Steps, sink));
            return sink.Body;
        }

        public async Task<string> RefusesAsync(int round, int last, float draw, int steps = PrivateMemoryTests.Steps)
        {
            var sink = new Caught();
            var refused = Assert.IsType<RoundReply.Refused>(await AskAsync(round, last, draw, steps, sink));
            Assert.Empty(sink.Body);
            return refused.Reason;
        }

        public Dictionary<string, byte[]> MemoryFiles() => Directory.GetFiles(Path.Combine(_folder, "memory")).ToDictionary(f => f, File.ReadAllBytes);

        public void PutBack(Dictionary<string, byte[]> files)
        {
            foreach (var (path, bytes) in files) File.WriteAllBytes(path, bytes);
        }

        private async Task<RoundReply> AskAsync(int round, int last, float draw, int steps, Caught sink)
        {
            _next = (draw, steps);
            var channel = new InProcessChannel(this, Encoded.Flat(Length), new SiteMemory(Path.Combine(_folder, "memory"), Before), new WorkSlots(1), _gate);
            return await channel.OfferAsync(new RoundOffer
            {
                Model = "federated/x", Repeat = 0, Round = round, LayoutDigest = Encoded.Flat(Length).Digest, Parameters = new float[Length], Agreed = Statistics.None, Epochs = 1, LastContribution = last, Private = _gate.Asked,
                ServerControl = _kind == "scaffold" ? Enumerable.Repeat(0.5f, Length).ToArray() : default,
                KeepsOptimizer = _kind.Contains("kept", StringComparison.Ordinal),
                Encoding = _kind.Contains("int8", StringComparison.Ordinal) ? Encoded.Of("int8", Length) : _kind == "top-k" ? Encoded.Of("{ kind: top-k, fraction: 0.1 }", Length) : null,
            }, sink, default);
        }

        // Whatever it draws moves the parameters and what its optimiser remembers, and what it remembered moves them too.
        public ValueTask<TrainingResult> TrainAsync(TrainingTask task, CancellationToken cancellationToken)
        {
            Trained++;
            var moved = task.Parameters.ToArray();
            var moment = task.OptimizerState.Count > 0 ? task.OptimizerState[0].ToArray() : new float[Length];
            for (var i = 0; i < Length; i++)
            {
                var noised = (_next.Draw * MathF.Sin(i + 1)) + (task.GradientCorrection.IsEmpty ? 0 : task.GradientCorrection.Span[i]);
                moment[i] = (0.9f * moment[i]) + noised;
                moved[i] -= 0.1f * moment[i];
            }
            var kept = new List<ReadOnlyMemory<float>>();
            if (task.KeepOptimizerState is { } lend)
            {
                var lent = lend(Length);
                moment.CopyTo(lent);
                kept.Add(lent);
            }
            return new(new TrainingResult
            {
                Parameters = moved, Rows = 10, Steps = _next.Steps, LearningRateSum = 0.2, NormalizedSteps = 2, LossByEpoch = [1], OptimizerState = kept, Released = new(1, Planned.ClipNorm, Planned.NoiseMultiplier, _next.Steps),
            });
        }

        public ValueTask<Statistics> CollectAsync(StatisticsTask task, CancellationToken cancellationToken) => new(Statistics.None);

        public ValueTask<EvaluationResult> EvaluateAsync(EvaluationTask task, CancellationToken cancellationToken) => throw new NotSupportedException();

        public ValueTask<ComparisonResult> CompareAsync(ComparisonTask task, CancellationToken cancellationToken) => throw new NotSupportedException();

        public void Dispose() => _ledger.Dispose();

        private void Before(string write)
        {
            if (write == KillBefore) throw new Killed();
        }
    }

    private sealed class Caught : IUpdateSink
    {
        public float[] Body { get; private set; } = [];

        public string? Accept(UpdateHeader header, ReadOnlySpan<float> body)
        {
            Body = body.ToArray();
            return FloatFile.Sha256(body) == header.Sha256 ? null : RefusalReason.WrongDigest;
        }

        public string? AcceptFile(UpdateHeader header, string path) => throw new InvalidOperationException("A site in this process sends no files.");

        public void Progressed()
        {
        }
    }
}
