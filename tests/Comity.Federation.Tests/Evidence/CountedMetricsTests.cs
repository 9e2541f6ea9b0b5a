using Comity.Federation.Evidence;
using Comity.Federation.Sites;
using Comity.Privacy.Noise;
using Comity.Tensors.Randomness;

namespace Comity.Federation.Tests.Evidence;

/// <summary>Metrics from counts: against every pair of rows, DeLong's variance, and by how often intervals of noised counts hold the truth.</summary>
public sealed class CountedMetricsTests
{
    [Fact]
    public void Values_are_those_of_the_rows_one_by_one()
    {
        var scores = Draw(1, 500);
        var rows = Rows(scores);
        var found = CountedMetrics.Of(Counted(scores), 0);
        double pairs = 0, above = 0;
        foreach (var positive in rows.Where(r => r.Positive))
        {
            foreach (var negative in rows.Where(r => !r.Positive))
            {
                pairs++;
                above += positive.Bin > negative.Bin ? 1 : positive.Bin == negative.Bin ? 0.5 : 0;
            }
        }
        var called = rows.Where(r => r.Bin >= 10).ToList();
        double hits = called.Count(r => r.Positive), positives = rows.Count(r => r.Positive);
        var specificity = rows.Count(r => !r.Positive && r.Bin < 10) / (double)rows.Count(r => !r.Positive);
        Assert.Equal(500, found.Rows);
        Assert.Equal(above / pairs, found.Metrics["rocAuc"].Value, 1e-12);
        Assert.Equal(rows.Count(r => r.Positive == r.Bin >= 10) / 500.0, found.Metrics["accuracy"].Value, 1e-12);
        Assert.Equal(hits / called.Count, found.Metrics["precision"].Value, 1e-12);
        Assert.Equal(hits / positives, found.Metrics["recall"].Value, 1e-12);
        Assert.Equal(specificity, found.Metrics["specificity"].Value, 1e-12);
        Assert.Equal(2 * hits / (positives + called.Count), found.Metrics["f1"].Value, 1e-12);
        Assert.Equal(((hits / positives) + specificity) / 2, found.Metrics["balancedAccuracy"].Value, 1e-12);
        // Average precision over the distinct bins, row by row from the highest.
        var falling = Enumerable.Range(0, 20).Reverse().Select(bin => (Hits: (double)rows.Count(r => r.Positive && r.Bin >= bin), Called: rows.Count(r => r.Bin >= bin))).ToList();
        var precision = falling.Select((at, i) => at.Called == 0 ? 0 : (at.Hits - (i == 0 ? 0 : falling[i - 1].Hits)) / positives * (at.Hits / at.Called)).Sum();
        Assert.Equal(precision, found.Metrics["prAuc"].Value, 1e-12);
        Assert.DoesNotContain("prAuc", CountedMetrics.Of(Counted(scores), 1).Metrics.Keys);
        Assert.Equal([.. found.ClassCounts], [500 - (int)positives, (int)positives]);
        Assert.Equal((int)hits, found.Confusion[1][1]);
        Assert.Equal(new CurvePoint(1, 1, 500), found.Roc[^1]);
    }

    [Fact]
    public void Without_noise_the_interval_of_the_area_is_DeLongs()
    {
        var scores = Draw(2, 2000);
        var rows = Rows(scores);
        var (positives, negatives) = (rows.Where(r => r.Positive).Select(r => r.Bin).ToList(), rows.Where(r => !r.Positive).Select(r => r.Bin).ToList());
        static double Placement(int bin, List<int> others, bool above) => others.Average(o => o == bin ? 0.5 : (bin > o) == above ? 1 : 0);
        var (v10, v01) = (positives.ConvertAll(p => Placement(p, negatives, true)), negatives.ConvertAll(n => Placement(n, positives, false)));
        static double Variance(List<double> of) => of.Sum(v => (v - of.Average()) * (v - of.Average())) / (of.Count - 1);
        var half = 1.959963984540054 * Math.Sqrt((Variance(v10) / v10.Count) + (Variance(v01) / v01.Count));
        var area = CountedMetrics.Of(Counted(scores), 0).Metrics["rocAuc"];
        Assert.Equal(half, (area.High - area.Low) / 2, 0.02 * half); // four smoothing rows of two thousand
    }

    [Theory]
    [InlineData(0.05, 4000)]
    [InlineData(0.5, 400)]
    [InlineData(0.5, 150)]
    [InlineData(2, 60)]
    public void Intervals_of_noised_counts_hold_the_truth_as_often_as_they_say(double epsilon, int rows)
    {
        const int Trials = 600;
        var truth = CountedMetrics.Of(Counted([.. Distribution().Select(p => p * 1e9)]), 0).Metrics;
        var (t, s) = (1 << 20, (int)(epsilon * (1 << 20)));
        var noise = new DiscreteLaplace(t, s);
        var q = Math.Exp(-epsilon);
        var variance = 2 * q / ((1 - q) * (1 - q));
        using var stream = NoiseStream.Repeatable(System.Security.Cryptography.SHA256.HashData([7]));
        var (held, told, narrow) = (new Dictionary<string, int>(), new Dictionary<string, int>(), 0);
        for (var trial = 0; trial < Trials; trial++)
        {
            var noised = Draw((ulong)trial + 10, rows).Select(c => c + noise.Sample(stream)).ToArray();
            var found = CountedMetrics.Of(Counted(noised), variance).Metrics;
            foreach (var name in new[] { "accuracy", "recall", "specificity", "rocAuc", "balancedAccuracy", "f1" })
            {
                var estimate = found[name];
                if (double.IsNaN(estimate.Value)) continue;
                told[name] = told.GetValueOrDefault(name) + 1;
                if (estimate.Low <= truth[name].Value && truth[name].Value <= estimate.High) held[name] = held.GetValueOrDefault(name) + 1;
            }
            // As if there were no noise: the control that shows the widening to matter.
            var bare = CountedMetrics.Of(Counted(noised), 0).Metrics["accuracy"];
            if (bare.Low <= truth["accuracy"].Value && truth["accuracy"].Value <= bare.High) narrow++;
        }
        Assert.True(told["accuracy"] > 0.95 * Trials);
        // Four standard deviations of so many trials below 0.95: linearised intervals of few rows lie a little under it.
        Assert.All(told, m => Assert.True(held[m.Key] >= 0.915 * m.Value, $"{m.Key}: {held[m.Key]} of {m.Value}"));
        if (epsilon <= 0.5) Assert.True(narrow < 0.9 * Trials, $"{narrow} of {Trials} without widening");
    }

    [Fact]
    public void Intervals_of_average_precision_hold_the_truth_as_often_as_they_say()
    {
        const int Trials = 600;
        var truth = CountedMetrics.Of(Counted([.. Distribution().Select(p => p * 1e9)]), 0).Metrics["prAuc"].Value;
        var held = Enumerable.Range(0, Trials).Select(trial => CountedMetrics.Of(Counted(Draw((ulong)trial + 5000, 300)), 0).Metrics["prAuc"]).Count(e => e.Low <= truth && truth <= e.High);
        Assert.InRange(held / (double)Trials, 0.915, 1);
    }

    [Theory]
    [InlineData(0.0)]
    [InlineData(0.6)]
    [InlineData(1.5)]
    public void Calibration_is_that_of_the_rows_and_its_intervals_hold_the_truth(double bend)
    {
        // The probability told is p, what happens does so with σ((1 + bend)·logit p).
        const int Trials = 400, Rows = 500, Bins = 10;
        static double Sigmoid(double x) => 1 / (1 + Math.Exp(-x));
        double[] Drawn(ulong seed, int rows, out List<(double P, bool Happened)> told)
        {
            var random = Seed.Of(seed).For("calibration").ToRandom();
            (told, var sums) = ([], new double[4 * Bins]);
            for (var row = 0; row < rows; row++)
            {
                var logit = 1.5 * random.NextGaussian();
                told.Add((Sigmoid(logit), random.NextDouble() < Sigmoid((1 + bend) * logit)));
                var (p, h) = (told[^1].P, told[^1].Happened ? 1.0 : 0);
                var bin = Math.Min(Bins - 1, (int)(p * Bins));
                sums[bin]++;
                sums[Bins + bin] += h;
                sums[(2 * Bins) + bin] += p;
                sums[(3 * Bins) + bin] += (p - h) * (p - h);
            }
            return sums;
        }
        EvaluationResult Found(double[] sums) => CountedMetrics.Of(new([new StatisticPart("scores", MergeRule.Sum, [sums[..Bins].Sum(), 1], []), new StatisticPart("calibration", MergeRule.Sum, sums, [])]), 0);

        var found = Found(Drawn(1, Rows, out var told));
        var gaps = told.GroupBy(t => Math.Min(Bins - 1, (int)(t.P * Bins))).OrderBy(g => g.Key).Select(g => (Rows: g.Count(), P: g.Average(t => t.P), Happened: g.Average(t => t.Happened ? 1.0 : 0))).ToList();
        Assert.Equal(gaps.Sum(g => g.Rows * Math.Abs(g.P - g.Happened)) / Rows, found.Metrics["ece"].Value, 1e-12);
        Assert.Equal(gaps.Max(g => Math.Abs(g.P - g.Happened)), found.Metrics["mce"].Value, 1e-12);
        Assert.Equal(gaps.Select(g => g.Rows), found.Calibration.Select(p => p.Rows));
        Assert.All(gaps.Zip(found.Calibration), g => Assert.Equal((g.First.P, g.First.Happened), (g.Second.X, g.Second.Y)));

        var truth = Found(Drawn(2, 2_000_000, out _)).Metrics["ece"].Value;
        var held = Enumerable.Range(0, Trials).Select(trial => Found(Drawn((ulong)trial + 10, Rows, out _)).Metrics["ece"]).Count(e => e.Low <= truth && truth <= e.High);
        Assert.InRange(held / (double)Trials, 0.9, 1);
    }

    [Fact]
    public void More_noise_than_rows_tells_nothing_and_says_so()
    {
        var lost = CountedMetrics.Of(Counted([.. Enumerable.Repeat(-1.0, 40)]), 1e4);
        Assert.Equal(["lost-in-noise"], lost.Warnings);
        Assert.All(lost.Metrics, m => Assert.True(double.IsNaN(m.Value.Value)));
        Assert.True(double.IsNaN(CountedMetrics.Of(Counted(Draw(3, 30)), 400).Metrics["accuracy"].Value)); // thirty rows, and noise of 126
        var wide = CountedMetrics.Of(Counted(Draw(3, 1000)), 400).Metrics["accuracy"];
        Assert.InRange(wide.High - wide.Low, 0.2, 0.7);
    }

    [Fact]
    public void Several_classes_and_numbers_are_measured_too()
    {
        double[] confusion = [8, 1, 1, 2, 6, 2, 0, 0, 10];
        var found = CountedMetrics.Of(new([new StatisticPart("confusion", MergeRule.Sum, confusion, [])]), 0);
        Assert.Equal(24 / 30.0, found.Metrics["accuracy"].Value, 1e-12);
        Assert.Equal((0.8 + 0.6 + 1) / 3, found.Metrics["balancedAccuracy"].Value, 1e-12);
        Assert.Equal(((16.0 / 20) + (12.0 / 17) + (20.0 / 23)) / 3, found.Metrics["f1Macro"].Value, 1e-12);
        var errors = CountedMetrics.Of(new([new StatisticPart("errors", MergeRule.Sum, [4, 10, 34, 6], [])]), 0);
        Assert.Equal((2.5, Math.Sqrt(2.5), 1.5), (errors.Metrics["mse"].Value, errors.Metrics["rmse"].Value, errors.Metrics["mae"].Value));
    }

    // Two overlapping bells over twenty bins, two fifths positive.
    private static double[] Distribution()
    {
        var p = new double[40];
        for (var bin = 0; bin < 20; bin++)
        {
            p[bin] = 0.6 * Math.Exp(-(bin - 7.5) * (bin - 7.5) / 18);
            p[20 + bin] = 0.4 * Math.Exp(-(bin - 12.5) * (bin - 12.5) / 18);
        }
        var sum = p.Sum();
        return [.. p.Select(x => x / sum)];
    }

    private static double[] Draw(ulong seed, int rows)
    {
        var (p, counts, random) = (Distribution(), new double[40], Seed.Of(seed).For("rows").ToRandom());
        for (var row = 0; row < rows; row++)
        {
            var (u, cell) = (random.NextDouble(), 0);
            while (cell < 39 && (u -= p[cell]) > 0) cell++;
            counts[cell]++;
        }
        return counts;
    }

    private static List<(bool Positive, int Bin)> Rows(double[] scores) => [.. scores.SelectMany((count, i) => Enumerable.Repeat((i >= 20, i % 20), (int)count))];

    private static Statistics Counted(double[] scores) => new([new StatisticPart("scores", MergeRule.Sum, scores, [])]);
}
