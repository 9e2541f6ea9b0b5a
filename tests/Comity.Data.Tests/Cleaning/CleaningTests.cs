using Comity.Data.Cleaning;
using Comity.Data.Tables;

namespace Comity.Data.Tests.Cleaning;

public sealed class CleaningTests
{
    private const string Contract = "label: { column: y, positive: 1 }\nfeatures: [{ column: x, range: [0, 10] }, { column: k, kind: category }]";
    private const string Csv = "x,k,y\n5,a,0\n-3,a,1\n12,b,0\n7,b,1";

    [Theory]
    [InlineData(OutOfRange.Missing, "5,NaN,NaN,7")]
    [InlineData(OutOfRange.Clip, "5,0,10,7")]
    [InlineData(OutOfRange.DropRow, "5,7")]
    public void A_number_out_of_range_is_treated_as_declared(OutOfRange policy, string values)
    {
        var table = new SiteBuilder(Contract) { Clean = new CleanSection { OutOfRangeColumns = new Dictionary<string, OutOfRange> { ["x"] = policy } } }.Load(Csv);

        Assert.Equal(values, string.Join(',', ((NumberColumn)table["x"]).Values.ToArray()));
    }

    [Fact]
    public void Duplicates_are_reported_dropped_or_kept_as_declared()
    {
        const string csv = "x,k,y\n1,a,0\n1,a,1\n1,a,0\n1.0,a,0\n,a,0\n,a,0";
        SiteBuilder Site(Duplicates policy) => new(Contract) { Clean = new CleanSection { Duplicates = policy } };
        var (report, drop, keep) = (Site(Duplicates.Report), Site(Duplicates.Drop), Site(Duplicates.Keep));

        Assert.Equal(6, report.Load(csv).Rows);
        Assert.Equal([0, 1, 4], drop.Load(csv).SourceRows.ToArray());
        Assert.Equal(6, keep.Load(csv).Rows);

        Assert.Contains("duplicates-found", report.Codes);
        Assert.Contains("duplicates-dropped", drop.Codes);
        Assert.DoesNotContain(keep.Codes, c => c.StartsWith("duplicates", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("hungarian")]
    [InlineData("va")]
    public void The_one_exact_duplicate_that_the_readme_tells_of_is_found(string site) =>
        Assert.Single(Cleaner.FindDuplicates(HeartDisease.Load(site), null, HeartDisease.Contract()));

    [Theory]
    [InlineData(SmoothingKind.MovingAverage, "1,1.5,4,5,NaN,7")]
    [InlineData(SmoothingKind.MovingMedian, "1,1.5,2,4,NaN,7")]
    public void Smoothing_looks_back_only_and_fills_no_gap(SmoothingKind by, string smoothed)
    {
        var site = new SiteBuilder("label: { column: y, positive: 1 }\nfeatures: [{ column: x }]")
        {
            Clean = new CleanSection { Smoothing = [new SmoothingSection { Columns = ["x"], By = by, Window = 3, Order = "t" }] },
        };

        // In order of t: 1, 2, 9, 4, missing, 10 → windows (1) (1 2) (1 2 9) (2 9 4) (–) (4 10)
        var table = site.Load("t,x,y\n6,10,0\n1,1,1\n2,2,0\n3,9,1\n4,4,0\n5,,1");

        var values = ((NumberColumn)table["x"]).Values.ToArray();
        Assert.Equal(smoothed, string.Join(',', values[1..].Append(values[0])));
    }
}
