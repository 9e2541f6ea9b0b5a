using Comity.Federation.Evidence;
using Comity.Federation.Sites;
using Comity.Tensors.Randomness;

namespace Comity.Federation.Tests.Evidence;

/// <summary>What may leave of curves and scores, and how well it ranks all sites' rows together: against every pair of rows.</summary>
public sealed class MergedScoresTests
{
    private const int Bins = 400;

    [Fact]
    public void The_area_over_all_rows_follows_from_histograms_with_at_least_ten_rows_a_bin()
    {
        List<(bool Positive, int Bin)>[] sites = [Draw("a", 300, 0), Draw("b", 150, 60), Draw("c", 90, -50)];
        var told = sites.Select(rows => Disclosure.Apply(Judged(rows), 10).Scores!).ToList();
        Assert.All(told, runs => Assert.All(runs, r => Assert.True(r.Negatives + r.Positives >= 10)));
        Assert.All(told.Zip(sites), t => Assert.Equal((t.Second.Count, Bins), (t.First.Sum(r => r.Negatives + r.Positives), t.First.Sum(r => r.Bins))));

        var union = MergedScores.Of(told)!;

        var all = sites.SelectMany(s => s).ToList();
        var area = all.Where(r => r.Positive).Average(p => all.Where(r => !r.Positive).Average(n => p.Bin > n.Bin ? 1 : p.Bin == n.Bin ? 0.5 : 0));
        Assert.InRange(union.Metrics["rocAuc"].Value, area - 0.01, area + 0.01);
        Assert.InRange(area, union.Metrics["rocAuc"].Low, union.Metrics["rocAuc"].High);
        Assert.Equal(540, union.Rows);
        Assert.Equal([all.Count(r => !r.Positive), all.Count(r => r.Positive)], union.ClassCounts);
        Assert.Equal(["rocAuc"], union.Metrics.Keys); // of nothing else the histograms tell
        // Each site's own area says less: the mean of them is another number.
        Assert.True(Math.Abs(sites.Average(s => s.Where(r => r.Positive).Average(p => s.Where(r => !r.Positive).Average(n => p.Bin > n.Bin ? 1 : p.Bin == n.Bin ? 0.5 : 0))) - area) > 0.02);
    }

    [Fact]
    public void A_curve_leaves_in_steps_of_at_least_ten_rows()
    {
        var roc = Disclosure.Apply(Judged(Draw("a", 200, 0)), 10).Roc;
        Assert.Equal((new CurvePoint(0, 0, 0), new CurvePoint(1, 1, 200)), (roc[0], roc[^1]));
        Assert.True(roc.Count > 5);
        Assert.All(roc.Zip(roc.Skip(1)), step => Assert.True(step.Second.Rows - step.First.Rows >= 10, $"{step}"));
    }

    [Fact]
    public void Neither_leaves_where_a_class_has_too_few_rows_to_be_counted()
    {
        var rows = Draw("a", 200, 0).Select((r, i) => r with { Positive = i < 4 }).ToList();
        var left = Disclosure.Apply(Judged(rows), 10);
        Assert.Empty(left.ClassCounts);
        Assert.Empty(left.Roc);
        Assert.Null(left.Scores);
        Assert.Contains(Disclosure.Warning, left.Warnings);
    }

    [Fact]
    public void What_is_no_histogram_or_another_one_is_not_merged()
    {
        ScoreRun[] good = [new(200, 30, 10), new(200, 5, 20)];
        Assert.NotNull(MergedScores.Of([good, good]));
        ScoreRun[][] bad = [[], [new(400, 30, 0)], [new(200, 30, 10)], [new(-200, 1, 1), new(600, 1, 1)], [new(400, -1, 60)], [new(int.MaxValue, 1, 1), new(int.MaxValue, 1, 1)]];
        Assert.All(bad.Where((_, i) => i != 1), runs => Assert.Null(MergedScores.Of([good, runs])));
        Assert.Null(MergedScores.Of([bad[1], bad[1]])); // one class
        Assert.Null(MergedScores.Of([]));
    }

    private static EvaluationResult Judged(List<(bool Positive, int Bin)> rows)
    {
        var (negatives, positives) = (rows.Count(r => !r.Positive), rows.Count(r => r.Positive));
        var curve = Enumerable.Range(0, Bins + 1).Select(from => rows.Where(r => r.Bin >= Bins - from).ToList())
            .Select(called => new CurvePoint(called.Count(r => !r.Positive) / (double)negatives, called.Count(r => r.Positive) / (double)positives, called.Count)).DistinctBy(p => p.Rows);
        return new EvaluationResult
        {
            Rows = rows.Count, Metrics = new Dictionary<string, Estimate>(), ClassCounts = [negatives, positives], Roc = [.. curve],
            Scores = [.. Enumerable.Range(0, Bins).Select(bin => new ScoreRun(1, rows.Count(r => !r.Positive && r.Bin == bin), rows.Count(r => r.Positive && r.Bin == bin)))],
        };
    }

    // Two normal laws for each site, moved by the site.
    private static List<(bool Positive, int Bin)> Draw(string site, int rows, int shift)
    {
        var random = Seed.Of(5).For(site).ToRandom();
        double Normal() => Enumerable.Range(0, 12).Sum(_ => random.NextDouble()) - 6;
        return [.. Enumerable.Range(0, rows).Select(_ => random.NextDouble() < 0.4 is var positive ? (positive, Math.Clamp((int)(200 + shift + (positive ? 35 : -35) + (45 * Normal())), 0, Bins - 1)) : default)];
    }
}
