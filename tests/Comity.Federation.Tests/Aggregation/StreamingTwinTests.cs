using Comity.Federation.Aggregation;
using Comity.Federation.Rounds;
using Comity.Federation.Spool;
using Comity.Federation.Strategies;
using Comity.Tensors.Randomness;
using FsCheck;
using FsCheck.Fluent;

namespace Comity.Federation.Tests.Aggregation;

/// <summary>Aggregation that streams over a spool against slow twins that hold everything.</summary>
public sealed class StreamingTwinTests : IDisposable
{
    private const int Longer = RoundUpdates.LongestSlice + 1234; // more than one slice
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("comity-spool-");

    public void Dispose() => _folder.Delete(recursive: true);

    private static float[][] Random(int n, int parameters, ulong seed = 1)
    {
        var random = Seed.Of(seed).ToRandom();
        return [.. Enumerable.Range(0, n).Select(_ => Enumerable.Range(0, parameters).Select(_ => (float)random.NextGaussian()).ToArray())];
    }

    private float[] Streamed(StrategySection section, float[][] updates, double[] weights)
    {
        var sites = Enumerable.Range(0, updates.Length).Select(i => $"s{i}").ToList();
        using var spool = UpdateSpool.Open(Path.Combine(_folder.FullName, Guid.NewGuid() + ".spool"));
        for (var i = updates.Length - 1; i >= 0; i--) // arrival order is not site order
            spool.Append(UpdatesInMemory.HeaderOf(sites[i], updates[i].Length, digest: FloatFile.Sha256(updates[i])), updates[i]);
        var strategy = ServerStrategy.Create(section);
        var model = new float[updates[0].Length];
        strategy.Apply(new RoundUpdates(spool.InOrder(sites), weights, model.Length), UpdatesInMemory.AllTrained(model.Length), model, strategy.NewStates(model.Length), updates.Length);
        return model;
    }

    [Fact]
    public void A_weighted_mean_over_several_slices_is_the_mean()
    {
        var updates = Random(5, Longer);
        double[] weights = [3, 1, 4, 1, 5];
        var model = Streamed(new FedAvgSection(), updates, weights);
        for (var j = 0; j < Longer; j++)
        {
            var twin = 0.0;
            for (var i = 0; i < 5; i++) twin += updates[i][j] * (weights[i] / 14.0);
            Assert.Equal((float)twin, model[j]);
        }
    }

    [Fact]
    public void Slices_that_several_threads_join_have_the_bits_of_one_thread()
    {
        const int Many = (1 << 16) + (3 * RoundUpdates.LongestSlice) + 77;
        var updates = Random(3, Many, 4);
        var (whole, part) = (Streamed(new FedAdamSection(), updates, [1, 2, 3]), 1 << 15);
        for (var from = 0; from < Many; from += part) // parts so short that one thread works
            Assert.Equal(Streamed(new FedAdamSection(), [.. updates.Select(u => u[from..Math.Min(Many, from + part)])], [1, 2, 3]), whole[from..Math.Min(Many, from + part)]);
    }

    [Fact]
    public void A_spool_that_cannot_be_read_is_told_as_it_is()
    {
        var length = 1 << 18;
        var strategy = ServerStrategy.Create(new FedAvgSection());
        Assert.Throws<EndOfStreamException>(() =>
            strategy.Apply(new RoundUpdates(new Broken(length), [1], length), UpdatesInMemory.AllTrained(length), new float[length], [], 1));
    }

    [Theory]
    [InlineData(5)]
    [InlineData(40)] // slices of all updates together are shorter than the longest
    public void Medians_and_trimmed_means_equal_their_slow_twins(int n)
    {
        var updates = Random(n, Longer, 2);
        var ones = Enumerable.Repeat(1.0, n).ToArray();
        var median = Streamed(new MedianSection(), updates, ones);
        var trimmed = Streamed(new TrimmedMeanSection { Fraction = 0.2 }, updates, ones);
        var cut = n / 5;
        for (var j = 0; j < Longer; j += 97)
        {
            var sorted = updates.Select(u => u[j]).Order().ToArray();
            Assert.Equal(n % 2 == 1 ? sorted[n / 2] : (float)(((double)sorted[(n / 2) - 1] + sorted[n / 2]) / 2), median[j]);
            Assert.Equal(sorted[cut..^cut].Average(x => (double)x), trimmed[j], 1e-6);
        }
    }

    [Fact]
    public void Krum_over_slices_picks_what_whole_distances_pick()
    {
        var updates = Random(9, Longer, 3);
        for (var j = 0; j < Longer; j++) updates[4][j] *= 0.5f; // the most central one
        var rule = new KrumRule(2, _ => 1);
        rule.Prepare(UpdatesInMemory.Round(updates, Longer));
        var scores = Enumerable.Range(0, 9).Select(i => Enumerable.Range(0, 9).Where(k => k != i)
            .Select(k => updates[i].Zip(updates[k], (a, b) => ((double)a - b) * ((double)a - b)).Sum()).Order().Take(9 - 2 - 2).Sum()).ToArray();
        Assert.All(scores.Zip(rule.Scores), pair => Assert.Equal(pair.First, pair.Second, pair.First * 1e-12));
        Assert.Equal(updates[4], Streamed(new KrumSection { Faulty = 2 }, updates, [.. Enumerable.Repeat(1.0, 9)]));
    }

    [Fact]
    public void The_mean_does_not_depend_on_the_order_of_arrival_nor_on_the_scale_of_the_weights() =>
        Prop.ForAll(ArbMap.Default.ArbFor<float[]>().Filter(v => v.Length > 0 && v.All(float.IsFinite)), ArbMap.Default.ArbFor<PositiveInt>(), (v, scale) =>
        {
            float[][] updates = [v, [.. v.Select(x => x / 3)], [.. v.Select(x => -x / 2)]];
            var once = Streamed(new FedAvgSection(), updates, [1, 2, 4]);
            var again = Streamed(new FedAvgSection(), updates, [scale.Get * 1.0, scale.Get * 2.0, scale.Get * 4.0]);
            return once.Zip(again).All(p => Math.Abs(p.First - p.Second) <= 1e-6 * Math.Abs(p.First));
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void Robust_rules_do_not_care_which_site_sent_which_update() =>
        Prop.ForAll(ArbMap.Default.ArbFor<int>(), seed =>
        {
            var updates = Random(7, 20, (ulong)(uint)seed);
            var shuffled = updates.ToArray();
            Seed.Of((ulong)(uint)seed).For("order").ToRandom().Shuffle<float[]>(shuffled);
            double[] ones = [1, 1, 1, 1, 1, 1, 1];
            return Streamed(new MedianSection(), updates, ones).SequenceEqual(Streamed(new MedianSection(), shuffled, ones))
                && Streamed(new KrumSection { Faulty = 2 }, updates, ones).SequenceEqual(Streamed(new KrumSection { Faulty = 2 }, shuffled, ones));
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void The_gate_measures_as_a_plain_loop_does() =>
        Prop.ForAll(ArbMap.Default.ArbFor<float[]>(), v =>
        {
            var verdict = UpdateGate.Judge(v, v.Length, 1, null);
            return v.All(float.IsFinite)
                ? verdict.Passed && Math.Abs(verdict.Norm - Math.Sqrt(v.Sum(x => (double)x * x))) <= 1e-9 * (1 + verdict.Norm)
                : verdict.Refusal == RefusalReason.NotFinite;
        }).QuickCheckThrowOnFailure();

    private sealed class Broken(int length) : IUpdateSet
    {
        public int Count => 1;

        public UpdateHeader Header(int update) => UpdatesInMemory.HeaderOf("s", length);

        public void Read(int update, int offset, Span<float> destination) => throw new EndOfStreamException("A stored file is shorter than its header says.");
    }
}
