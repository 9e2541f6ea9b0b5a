using System.Globalization;
using Comity.Data.Contracts;
using Comity.Data.Preprocess;
using Comity.Data.Shared;
using Comity.Data.Tables;
using Comity.Declarations;
using FsCheck;
using FsCheck.Fluent;

namespace Comity.Data.Tests.Shared;

public sealed class SharedStatisticsTests
{
    private const string Contract = """
        label: { column: y, classes: [a, b, c] }
        features:
          - { column: age, range: [18, 120] }
          - { column: free }
          - { column: kind, kind: category }
          - { column: stage, kind: ordinal, values: [i, ii, iii] }
          - { column: seen, kind: date }
        """;

    private static readonly PreprocessSection Everything = new()
    {
        Winsorise = [0.05, 0.95],
        Scale = ScaleKind.Robust,
        Selection = new SelectionSection { By = SelectionKind.MutualInformation, Keep = 4 },
    };

    [Fact]
    public void However_rows_are_dealt_out_to_sites_the_merged_statistics_are_the_pooled_ones()
    {
        var row = Gen.Choose(0, 3).SelectMany(site => Gen.Choose(-40, 400).SelectMany(age => Gen.Choose(-100000, 100000).SelectMany(free =>
            Gen.Choose(0, 5).SelectMany(kind => Gen.Choose(0, 3).SelectMany(stage => Gen.Choose(0, 2).Select(y => new Row(site, age, free, kind, stage, y)))))));

        Prop.ForAll(Arb.From(Gen.NonEmptyListOf(row)), rows =>
        {
            var contract = Declared.Read<ContractSection>(Contract);
            foreach (var preprocess in new[] { Everything, Everything with { Selection = new SelectionSection { Keep = 3 }, Scale = ScaleKind.MinMax } })
            {
                var pooled = Agree(contract, preprocess, [Load(rows)]);
                var federated = Agree(contract, preprocess, [.. rows.GroupBy(r => r.Site).OrderBy(g => g.Key).Select(g => Load([.. g]))]);
                Assert.Equal(pooled.Parts.Select(p => p.Name), federated.Parts.Select(p => p.Name));
                foreach (var (one, other) in pooled.Parts.Zip(federated.Parts))
                {
                    Assert.Equal(one.Labels, other.Labels);
                    for (var i = 0; i < one.Values.Count; i++) Close(one.Name, one.Values[i], other.Values[i], one);
                }
                Assert.Equal(Preprocessing.Fit(contract, preprocess, pooled).FeatureNames, Preprocessing.Fit(contract, preprocess, federated).FeatureNames);
            }
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(30));
    }

    [Theory]
    [InlineData(18, 120, 20, 110)]
    [InlineData(-50, 50, -40, 45)]
    [InlineData(-9, -1, -8.5, -1.5)]
    [InlineData(0, 1e6, 1, 1e6)]
    [InlineData(0, 2000, 1010, 1016)]
    [InlineData(998, 1003, 999, 1002)]
    [InlineData(-1e-3, 1e3, 0.2, 900)]
    public void A_quantile_of_the_sketch_is_within_its_stated_error_of_the_true_one(double low, double high, double from, double to)
    {
        var random = Comity.Tensors.Randomness.Seed.Of(3).For("sketch").ToRandom();
        var values = Enumerable.Range(0, 5001).Select(_ => from + (to - from) * Math.Pow(random.NextDouble(), 2)).Order().ToArray();
        var mean = values.Average();
        var deviation = Math.Sqrt(values.Average(x => (x - mean) * (x - mean)));
        var sketch = new QuantileSketch(low, high, mean, deviation);
        var counts = new double[sketch.Buckets];
        foreach (var value in values) counts[sketch.BucketOf(value)]++;

        Assert.InRange(sketch.Buckets, 2, 2000);
        foreach (var q in new[] { 0, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1 })
        {
            var truth = values[Math.Max(0, (int)Math.Ceiling(q * values.Length) - 1)];
            var error = Math.Abs(sketch.Quantile(counts, q) - truth);
            Assert.InRange(error, 0, Math.Max(0.01 * Math.Abs(truth), 0.5e-4 * Math.Max(Math.Abs(low), high)) * 1.0001);
            Assert.InRange(error, 0, Math.Max(0.02 * Math.Abs(truth - mean), 0.01 * deviation) * 1.0001);
        }
    }

    [Fact]
    public void A_sketch_of_nothing_has_no_quantile_and_zero_stays_zero()
    {
        var sketch = new QuantileSketch(-5, 1000, 40, 100);
        var counts = new double[sketch.Buckets];

        Assert.Equal(double.NaN, sketch.Quantile(counts, 0.5));
        counts[sketch.BucketOf(0)] = 9;
        Assert.Equal(0, sketch.Quantile(counts, 0.5));
    }

    [Fact]
    public void The_variance_of_large_numbers_that_differ_little_does_not_cancel()
    {
        // Floats near 2²³ hold whole numbers; their naive squares would lose the variance of 2/3 altogether in single precision, and half the digits in double.
        var site = new SiteBuilder("label: { column: y, positive: 1 }\nfeatures: [{ column: x }]");
        var table = site.Load("x,y\n8000000,0\n8000001,1\n8000002,1");
        var agreed = Agree(site.Contract, new PreprocessSection(), [table]);

        var fitted = Preprocessing.Fit(site.Contract, new PreprocessSection(), agreed).Columns[0];

        Assert.Equal(8000001, fitted.Center, 1e-9);
        Assert.Equal(Math.Sqrt(2.0 / 3), fitted.Scale, 1e-12);
    }

    [Fact]
    public void Only_what_the_study_needs_leaves_a_site()
    {
        var site = new SiteBuilder("label: { column: y, positive: 1 }\nfeatures: [{ column: x, range: [0, 9] }, { column: k, kind: category, values: [a, b] }]");
        var lean = new PreprocessSection { Missing = MissingPolicy.Mean };

        Assert.Equal(["moments"], SharedStatistics.Steps(site.Contract, lean));
        Assert.Equal(["x/moments", "k/counts", "label/counts"], Agree(site.Contract, lean, [site.Load("x,k,y\n1,a,0\n2,b,1")]).Parts.Select(p => p.Name));
    }

    [Theory]
    [InlineData("scale: standard", false)]
    [InlineData("scale: robust\nwinsorise: [0.01, 0.99]", false)]
    [InlineData("selection: { by: mutual-information, keep: 1 }", false)]
    [InlineData("scale: min-max", true)]
    [InlineData("selection: { by: variance, keep: 1 }", true)]
    public void The_smallest_and_the_largest_value_leave_only_where_scale_or_selection_needs_them_and_then_a_warning_says_so(string yaml, bool shared)
    {
        var site = new SiteBuilder("label: { column: y, positive: 1 }\nfeatures: [{ column: x }, { column: z, range: [0, 9] }]");
        var preprocess = Declared.Read<PreprocessSection>(yaml);

        var parts = Agree(site.Contract, preprocess, [site.Load("x,z,y\n1.5,1,0\n2,2,1\n7,3,1")]).Parts;

        Assert.Equal(shared ? ["x/min", "x/max"] : Array.Empty<string>(), parts.Where(p => p.Name.EndsWith("/min", StringComparison.Ordinal) || p.Name.EndsWith("/max", StringComparison.Ordinal)).Select(p => p.Name));
        var problems = new ProblemList();
        DataSections.Read(DeclaredFile.Parse("label: { column: y, positive: 1 }\nfeatures: [{ column: x }, { column: z, range: [0, 9] }]", "c.yaml", problems)!, DeclaredFile.Parse(yaml, "p.yaml", problems), null, null, problems);
        Assert.Equal(shared ? ["extremes-shared"] : Array.Empty<string>(), problems.Select(p => p.Code));
    }

    [Fact]
    public void Quantiles_of_a_number_without_a_range_are_close_though_its_extremes_are_not_known()
    {
        var site = new SiteBuilder("label: { column: y, positive: 1 }\nfeatures: [{ column: x }]");
        var random = Comity.Tensors.Randomness.Seed.Of(8).For("heavy").ToRandom();
        var values = Enumerable.Range(0, 2000).Select(_ => Math.Round(Math.Exp(2 * random.NextGaussian()), 4)).ToArray();
        var preprocess = new PreprocessSection { Missing = MissingPolicy.Median };
        var table = site.Load("x,y\n" + string.Join('\n', values.Select((x, i) => string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{x},{i % 2}"))));

        var fitted = Preprocessing.Fit(site.Contract, preprocess, Agree(site.Contract, preprocess, [table])).Columns[0];

        var median = values.Order().ElementAt(999);
        Assert.InRange(fitted.Fill, median * 0.9, median * 1.1);
    }

    [Fact]
    public void A_site_that_runs_another_version_is_refused_instead_of_added()
    {
        var one = new SharedStatistics([new SharedPart("x/sketch", SharedMerge.Sum, [1, 2], [])]);
        var other = new SharedStatistics([new SharedPart("x/sketch", SharedMerge.Sum, [1, 2, 3], [])]);

        Assert.Throws<ArgumentException>(() => SharedStatistics.Merge([one, other]));
    }

    internal static SharedStatistics Agree(ContractSection contract, PreprocessSection preprocess, IReadOnlyList<RecordTable> tables)
    {
        var agreed = SharedStatistics.None;
        foreach (var step in SharedStatistics.Steps(contract, preprocess))
        {
            var before = agreed;
            agreed = before.And(SharedStatistics.Merge(tables.Select(t => SharedStatistics.Collect(step, t, [.. Enumerable.Range(0, t.Rows)], contract, preprocess, before))));
        }
        return agreed;
    }

    private static void Close(string name, double expected, double actual, SharedPart part)
    {
        // Counts, extremes and sketches are exact; sums may differ by rounding in the order of addition, which the sum of magnitudes bounds.
        if (!name.EndsWith("/moments", StringComparison.Ordinal) && !name.EndsWith("/label", StringComparison.Ordinal)) Assert.Equal(expected, actual);
        else Assert.Equal(expected, actual, 1e-12 * Math.Max(1, part.Values.Max(Math.Abs) * 1e3));
    }

    private static RecordTable Load(IReadOnlyList<Row> rows) =>
        new SiteBuilder(Contract) { Clean = new() { Duplicates = Data.Cleaning.Duplicates.Keep } }
            .Load("age,free,kind,stage,seen,y\n" + string.Join('\n', rows.Select(r => string.Create(CultureInfo.InvariantCulture,
                $"{(r.Age is < 18 or > 120 ? "" : r.Age)},{r.Free / 7.0},{(r.Kind == 0 ? "" : $"k{r.Kind}")},{(r.Stage == 0 ? "" : new string('i', r.Stage))},,{"abc"[r.Y]}"))));

    private sealed record Row(int Site, int Age, int Free, int Kind, int Stage, int Y);
}
