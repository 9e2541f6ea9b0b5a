using Comity.Data.Quality;
using Comity.Data.Tables;

namespace Comity.Data.Tests.Quality;

public sealed class QualityTests
{
    [Fact]
    public void Small_counts_are_suppressed_and_can_not_be_had_by_subtraction()
    {
        Assert.Equal([30, 0, null, null], Disclosure.Levels(["a", "b", "c", "d"], [30, 0, 3, 12], 10).Select(l => l.Rows));
        Assert.Equal([30, null, null], Disclosure.Levels(["a", "b", "c"], [30, 4, 5], 10).Select(l => l.Rows));
        Assert.Equal([30, 12], Disclosure.Levels(["a", "b"], [30, 12], 10).Select(l => l.Rows));
        Assert.Equal([30, 1], Disclosure.Levels(["a", "b"], [30, 1], 0).Select(l => l.Rows));
    }

    [Fact]
    public void A_description_s_extremes_stand_on_as_many_rows_as_the_threshold()
    {
        var site = new SiteBuilder("label: { column: y, positive: 1 }\nfeatures: [{ column: x }]");
        var table = site.Load("x,y\n" + string.Join('\n', Enumerable.Range(1, 100).Select(i => $"{(i == 100 ? 9999 : i)},{i % 2}")));

        var shared = TableQuality.Describe(table, site.Contract).Columns[0];
        var own = TableQuality.Describe(table, site.Contract, threshold: 0).Columns[0];

        Assert.Equal((10, 91), (shared.Low, shared.High));
        Assert.Equal((1, 9999), (own.Low, own.High));
        Assert.Equal((49.5 * 100 + 9999) / 100, own.Mean!.Value, 1e-9);
    }

    [Fact]
    public void The_hospitals_are_described_as_their_readme_does()
    {
        string[] sites = ["cleveland", "hungarian", "switzerland", "va"];
        var qualities = TableQuality.DescribeAll([.. sites.Select(s => HeartDisease.Load(s))], HeartDisease.Contract());

        Assert.Equal([303, 294, 123, 200], qualities.Select(q => q.Rows));
        Assert.Equal([164, 139], qualities[0].LabelCounts.Select(l => l.Rows));
        Assert.Equal([null, null], qualities[2].LabelCounts.Select(l => l.Rows)); // eight negatives, hence neither
        Assert.Equal(1, qualities[2].Columns.Single(c => c.Column == "chol").MissingShare);
        Assert.Null(qualities[0].Columns.Single(c => c.Column == "ca").MissingShare); // four missing
        Assert.Equal(0, qualities[0].Columns.Single(c => c.Column == "age").MissingShare);
        Assert.All(qualities.SelectMany(q => q.Columns), c => Assert.True(c.Drift >= 0));
        Assert.True(qualities[2].Columns.Single(c => c.Column == "chol").Drift > 1, "cholesterol was not measured in Switzerland");
        Assert.All(qualities.SelectMany(q => q.Columns), c => Assert.InRange(c.DriftMissingShare ?? 0, 0, 1));
        var ca = qualities[0].Columns.Single(c => c.Column == "ca");
        Assert.True(ca is { Drift: > 7, DriftMissingShare: >= 0.9 }, "vessels were counted in Cleveland and hardly anywhere else");
        var sex = qualities[0].Columns.Single(c => c.Column == "sex");
        Assert.True(sex.DriftMissingShare <= 0.1, "sex is known everywhere");
        Assert.True(qualities[0].Columns.Single(c => c.Column == "sex").Drift < 0.25);
    }

    [Fact]
    public void The_stability_index_of_known_histograms()
    {
        Assert.Equal(0, Drift.Index([10, 20, 30], [10, 20, 30]), 1e-12);
        // Half a row in each bin: shares 10.5/31.5, 20.5/31.5… by hand.
        var (p, q) = (new[] { 10.5 / 31, 20.5 / 31 }, new[] { 20.5 / 31, 10.5 / 31 });
        Assert.Equal((p[0] - q[0]) * Math.Log(p[0] / q[0]) + (p[1] - q[1]) * Math.Log(p[1] / q[1]), Drift.Index([10, 20], [20, 10]), 1e-12);
        Assert.True(double.IsFinite(Drift.Index([0, 50], [50, 0])));
    }

    [Fact]
    public void Labels_that_were_turned_over_are_found_and_their_share_is_estimated()
    {
        var random = Comity.Tensors.Randomness.Seed.Of(9).For("audit").ToRandom();
        const int n = 2000;
        var (labels, probabilities, wrong) = (new float[n], new float[n * 2], new HashSet<int>());
        for (var i = 0; i < n; i++)
        {
            var truth = random.NextDouble() < 0.3 ? 1 : 0;
            if (random.NextDouble() < 0.1) wrong.Add(i);
            labels[i] = wrong.Contains(i) ? 1 - truth : truth;
            var p = (float)Math.Clamp((truth == 1 ? 0.85 : 0.15) + 0.1 * random.NextGaussian(), 0.01, 0.99);
            (probabilities[2 * i], probabilities[2 * i + 1]) = (1 - p, p);
        }

        var audit = LabelAudit.Find(labels, probabilities, 2, [.. Enumerable.Range(0, n).Select(i => i + 1000)]);

        var found = audit.Suspicious.Select(s => s.Row - 1000).ToHashSet();
        // A threshold is the mean confidence of its class, so of the wrong labels those with more than average confidence are listed.
        Assert.InRange(found.Count(wrong.Contains), 0.6 * wrong.Count, wrong.Count);
        Assert.InRange(found.Count(wrong.Contains), 0.95 * found.Count, found.Count);
        Assert.Equal(wrong.Count / (double)n, audit.NoiseShare, 0.02);
        Assert.Equal(1, audit.Joint.Sum(r => r.Sum()), 1e-9);
        Assert.True(audit.Suspicious.Zip(audit.Suspicious.Skip(1)).All(p => p.First.GivenConfidence <= p.Second.GivenConfidence));
        Assert.Equal(5, LabelAudit.Find(labels, probabilities, 2, new int[n], list: 5).Suspicious.Count);
    }

    [Fact]
    public void The_audit_cross_validates_so_no_row_judges_itself()
    {
        var site = new SiteBuilder("label: { column: y, classes: [a, b] }\nfeatures: [{ column: x }]") { Clean = new() { Duplicates = Data.Cleaning.Duplicates.Keep } };
        // x below 50 is a, above is b; rows 10 and 90 carry the other label.
        var table = site.Load("x,y\n" + string.Join('\n', Enumerable.Range(0, 100).Select(i => $"{i},{((i < 50) != (i is 10 or 90) ? "a" : "b")}")));
        var sections = new DataSections(site.Contract, new(), new(), new());
        var judged = new List<int>();

        var audit = LabelAudit.Run(table, sections, new Data.Cleaning.LabelAuditSection { Folds = 5 }, Comity.Tensors.Randomness.Seed.Of(1), (training, held, form, _) =>
        {
            Assert.Equal(1, form.Width);
            Assert.Empty(training.Rows.Intersect(held.Rows));
            judged.AddRange(held.Rows);
            // Nearest class mean.
            var means = Enumerable.Range(0, 2).Select(c => training.Features.Where((_, i) => training.Labels[i] == c).Average()).ToArray();
            return [.. held.Features.SelectMany(x => Math.Abs(x - means[0]) < Math.Abs(x - means[1]) ? new[] { 0.9f, 0.1f } : [0.1f, 0.9f])];
        });

        Assert.Equal(Enumerable.Range(0, 100), judged.Order());
        Assert.Superset(new HashSet<int> { 10, 90 }, audit.Suspicious.Select(s => s.Row).ToHashSet());
        Assert.InRange(audit.Suspicious.Count, 2, 4);
    }

    [Fact]
    public void A_classifier_that_answers_in_the_wrong_shape_is_refused()
    {
        var site = new SiteBuilder("label: { column: y, classes: [a, b] }\nfeatures: [{ column: x }]");
        var table = site.Load("x,y\n1,a\n2,b\n3,a\n4,b");

        Assert.Throws<ArgumentException>(() => LabelAudit.Run(table, new DataSections(site.Contract, new(), new(), new()), new(), Comity.Tensors.Randomness.Seed.Of(1), (_, _, _, _) => [0.5f]));
    }

    [Fact]
    public void Labels_and_probabilities_that_do_not_fit_are_refused()
    {
        Assert.Throws<ArgumentException>(() => LabelAudit.Find([0, 1], [0.5f, 0.5f], 2, [0, 1]));
        Assert.Throws<ArgumentException>(() => LabelAudit.Find([0, 2], [0.5f, 0.5f, 0.5f, 0.5f], 2, [0, 1]));
        Assert.Throws<ArgumentException>(() => LabelAudit.Find([0, 1], [0.5f, float.NaN, 0.5f, 0.5f], 2, [0, 1]));
    }
}
