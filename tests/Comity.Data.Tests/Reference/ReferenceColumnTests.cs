using Comity.Data.Contracts;
using Comity.Data.Reference;
using Comity.Tensors.Randomness;

namespace Comity.Data.Tests.Reference;

public sealed class ReferenceColumnTests
{
    [Fact]
    public void Numbers_fall_into_bins_that_hold_about_equally_many_and_never_fewer_than_the_threshold()
    {
        var random = Seed.Of(3).ToRandom();
        var values = Enumerable.Range(0, 1000).Select(_ => random.NextGaussian()).ToArray();

        var column = ReferenceColumn.OfNumbers("x", [.. values, .. Enumerable.Repeat(double.NaN, 40)], threshold: 10);

        Assert.Equal(19, column.Cuts.Count);
        Assert.Equal(column.Cuts.Order(), column.Cuts);
        Assert.All(column.Counts, c => Assert.Equal(50, c));
        Assert.Equal(40, column.Missing);
        Assert.Equal(1040, column.Rows);
        Assert.Empty(column.Cuts.Intersect(values)); // no end of a bin is a record's own value
    }

    [Fact]
    public void Equal_values_stay_in_one_bin()
    {
        var column = ReferenceColumn.OfNumbers("vessels", [.. Enumerable.Repeat(0.0, 600), .. Enumerable.Repeat(1.0, 300), .. Enumerable.Repeat(2.0, 100)], threshold: 10);

        Assert.Equal([0.5, 1.5], column.Cuts);
        Assert.Equal([600, 300, 100], column.Counts);
    }

    [Fact]
    public void Few_records_tell_less()
    {
        var column = ReferenceColumn.OfNumbers("x", Enumerable.Range(0, 25).Select(i => (double)i), threshold: 10);

        Assert.Equal([10, 15], column.Counts);
        Assert.Equal([null], ReferenceColumn.OfNumbers("x", [1, 2, 3], threshold: 10).Counts);
    }

    [Fact]
    public void A_small_count_is_held_back_and_so_is_the_one_that_would_tell_it()
    {
        var column = ReferenceColumn.OfLevels("ward", FeatureKind.Category, ["a", "b", "c"], [500, 40, 3], missing: 12, threshold: 10);

        Assert.Equal([500, 40, null], column.Counts);
        Assert.Null(column.Missing); // 555 − 500 − 40 − 12 would be 3
        Assert.Equal(555, column.Rows);
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(1, 0)]
    [InlineData(1.1, 1)]
    [InlineData(5, 1)]
    [InlineData(9, 2)]
    public void A_value_on_an_end_belongs_to_the_bin_below(double value, int bin) => Assert.Equal(bin, ReferenceColumn.BinOf([1, 5], value));

    [Fact]
    public void Statistics_come_back_as_they_were_written()
    {
        var column = ReferenceColumn.OfNumbers("x", Enumerable.Range(0, 200).Select(i => i / 7.0), threshold: 10);
        var statistics = new ReferenceStatistics { Threshold = 10, Samples = [new(null, 200, [column], column, [150, 50]), new("hu", 90, [], null, [null, null])] };

        var read = ReferenceStatistics.FromJson(statistics.ToJson());

        Assert.Equal(statistics.ToJson(), read.ToJson());
        Assert.Equal("hu", read.For("hu").Market);
        Assert.Null(read.For("cn").Market);
    }

    [Theory]
    [InlineData("{")]
    [InlineData("""{"formatVersion":2,"threshold":10,"samples":[]}""")]
    [InlineData("""{"threshold":10,"samples":[]}""")]
    public void Damaged_statistics_are_refused(string json) => Assert.Throws<FormatException>(() => ReferenceStatistics.FromJson(json));
}
