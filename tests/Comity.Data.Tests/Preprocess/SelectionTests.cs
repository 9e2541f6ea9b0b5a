using Comity.Data.Preprocess;
using Comity.Data.Tables;
using Comity.Data.Tests.Shared;

namespace Comity.Data.Tests.Preprocess;

public sealed class SelectionTests
{
    private const string Contract = """
        label: { column: y, positive: 1 }
        features: [{ column: noise }, { column: signal }, { column: flag, kind: boolean }, { column: constant }]
        """;

    [Theory]
    [InlineData(SelectionKind.Correlation)]
    [InlineData(SelectionKind.MutualInformation)]
    public void The_columns_that_tell_most_are_kept(SelectionKind by)
    {
        var (site, table) = Load(Contract);
        var section = new PreprocessSection { Selection = new SelectionSection { By = by, Keep = 2 } };

        var fitted = Preprocessing.Fit(site.Contract, section, SharedStatisticsTests.Agree(site.Contract, section, [table]));

        Assert.Equal(["signal", "flag"], fitted.FeatureNames);
        Assert.Equal(0, fitted.Columns[3].Score!.Value, 1e-12);
        Assert.Equal(2 * table.Rows, fitted.Encode(table, [.. Enumerable.Range(0, table.Rows)]).Features.Length);
    }

    [Fact]
    public void Correlation_with_two_classes_is_the_square_of_Pearson_s_for_numbers_and_categories_alike()
    {
        var (site, table) = Load(Contract);
        var section = new PreprocessSection { Selection = new SelectionSection { Keep = 4 } };

        var fitted = Preprocessing.Fit(site.Contract, section, SharedStatisticsTests.Agree(site.Contract, section, [table]));

        var y = table.Labels.ToArray().Select(l => (double)l).ToArray();
        Assert.Equal(Squared(Pearson([.. ((NumberColumn)table["signal"]).Values.ToArray().Select(x => (double)x)], y)), fitted.Columns[1].Score!.Value, 1e-10);
        Assert.Equal(Squared(Pearson([.. ((LevelColumn)table["flag"]).Codes.ToArray().Select(x => (double)x)], y)), fitted.Columns[2].Score!.Value, 1e-10);
    }

    [Fact]
    public void Correlation_with_a_number_is_the_square_of_Pearson_s()
    {
        var (site, table) = Load(Contract.Replace("positive: 1", "kind: number", StringComparison.Ordinal));
        var section = new PreprocessSection { Selection = new SelectionSection { Keep = 4 } };

        var fitted = Preprocessing.Fit(site.Contract, section, SharedStatisticsTests.Agree(site.Contract, section, [table]));

        var y = table.Labels.ToArray().Select(l => (double)l).ToArray();
        Assert.Equal(Squared(Pearson([.. ((NumberColumn)table["signal"]).Values.ToArray().Select(x => (double)x)], y)), fitted.Columns[1].Score!.Value, 1e-10);
        Assert.Equal(Squared(Pearson([.. ((LevelColumn)table["flag"]).Codes.ToArray().Select(x => (double)x)], y)), fitted.Columns[2].Score!.Value, 1e-10);
    }

    [Fact]
    public void Mutual_information_of_a_known_table()
    {
        // Cover and Thomas 2006, ex. 2.2.1's marginals made independent give 0; a copy of a fair coin gives ln 2.
        Assert.Equal(0, Selector.MutualInformation([1, 2, 2, 4], 2), 1e-12);
        Assert.Equal(Math.Log(2), Selector.MutualInformation([5, 0, 0, 5], 2), 1e-12);
        // 1/2, 1/4 | 0, 1/4: H(Y) − H(Y|X) = ln 2 − 3/4·H(1/3)
        var h = -(1.0 / 3 * Math.Log(1.0 / 3)) - 2.0 / 3 * Math.Log(2.0 / 3);
        Assert.Equal(Math.Log(2) - 0.75 * h, Selector.MutualInformation([2, 1, 0, 1], 2), 1e-12);
    }

    [Fact]
    public void Variance_drops_what_hardly_varies_in_whatever_unit()
    {
        var (site, table) = Load(Contract);
        var section = new PreprocessSection { Selection = new SelectionSection { By = SelectionKind.Variance, Minimum = 0.01 } };

        var fitted = Preprocessing.Fit(site.Contract, section, SharedStatisticsTests.Agree(site.Contract, section, [table]));

        Assert.Equal(["noise", "signal", "flag"], fitted.FeatureNames);
    }

    private static (SiteBuilder Site, RecordTable Table) Load(string contract)
    {
        var random = Comity.Tensors.Randomness.Seed.Of(5).For("selection").ToRandom();
        var site = new SiteBuilder(contract);
        var rows = Enumerable.Range(0, 400).Select(_ =>
        {
            var y = random.NextInt32(2);
            return string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{random.NextGaussian():F4},{1000 + y + 0.5 * random.NextGaussian():F4},{(random.NextDouble() < 0.8 ? y : 1 - y)},3,{y}");
        });
        return (site, site.Load("noise,signal,flag,constant,y\n" + string.Join('\n', rows)));
    }

    private static double Squared(double x) => x * x;

    private static double Pearson(double[] x, double[] y)
    {
        var (mx, my) = (x.Average(), y.Average());
        return x.Zip(y, (a, b) => (a - mx) * (b - my)).Sum() / Math.Sqrt(x.Sum(a => (a - mx) * (a - mx)) * y.Sum(b => (b - my) * (b - my)));
    }
}
