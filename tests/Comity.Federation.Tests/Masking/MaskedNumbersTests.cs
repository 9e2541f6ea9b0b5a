using System.Numerics;
using Comity.Federation.Masking;
using Comity.Federation.Sites;
using Comity.Tensors.Randomness;

namespace Comity.Federation.Tests.Masking;

/// <summary>Numbers as words that add up: against exact rational arithmetic, at the ends of their range, and with sums that would carry.</summary>
public sealed class MaskedNumbersTests
{
    [Theory]
    [InlineData(3)]
    [InlineData(7)]
    [InlineData(1000)]
    public void The_sum_of_all_sites_is_the_exact_sum_rounded_once(int sites)
    {
        var random = Seed.Of(5).For("numbers", sites).ToRandom();
        var values = Enumerable.Range(0, sites).Select(_ => Numbers(
            [Math.Floor(1e15 * random.NextDouble()), 0, 1_000_000_007],
            // Sums and squares of columns of very different size, either sign.
            [.. new[] { 1e-9, 1e-3, 1, 1e6, 1e20 }.Select(scale => scale * random.NextGaussian())])).ToList();
        var numbers = new MaskedNumbers(values[0], sites);
        var sum = new uint[numbers.Length];
        foreach (var site in values)
        {
            var words = numbers.Encode(site)!;
            for (var i = 0; i < sum.Length; i++) sum[i] = checked(sum[i] + words[i]); // no limb may wrap
        }
        var decoded = numbers.Decode(sum, sites);
        for (var p = 0; p < 2; p++)
        {
            for (var v = 0; v < decoded.Parts[p].Values.Count; v++)
            {
                var exact = values.Aggregate(BigInteger.Zero, (total, s) => total + Scaled(s.Parts[p].Values[v]));
                Assert.Equal((double)exact / Math.ScaleB(1, 200), decoded.Parts[p].Values[v], Math.Max(1e-15 * Math.Abs((double)exact / Math.ScaleB(1, 200)), sites * Math.ScaleB(1, -97)));
            }
        }
        Assert.Equal(values.Sum(s => s.Parts[0].Values[2]), decoded.Parts[0].Values[2]); // counts to the last one
    }

    [Theory]
    [InlineData(double.NaN, true)]
    [InlineData(double.PositiveInfinity, true)]
    [InlineData(1e25, true)]
    [InlineData(-1e25, true)]
    [InlineData(6e23, false)]
    [InlineData(-6e23, false)]
    [InlineData(double.Epsilon, false)]
    public void What_does_not_fit_is_refused_and_never_cut(double value, bool refused) =>
        Assert.Equal(refused, new MaskedNumbers(Numbers([1, 2, 3], [0]), 3).Encode(Numbers([1, 2, 3], [value])) is null);

    [Fact]
    public void A_half_count_a_count_too_large_and_another_form_are_refused()
    {
        var numbers = new MaskedNumbers(Numbers([1, 2], [0.5]), 3);
        Assert.NotNull(numbers.Encode(Numbers([7, -2], [1.5])));
        Assert.Null(numbers.Encode(Numbers([0.5, 2], [1.5])));
        Assert.Null(numbers.Encode(Numbers([Math.ScaleB(1, 52), 2], [1.5])));
        Assert.Null(numbers.Encode(Numbers([1, 2, 3], [1.5])));
        Assert.Null(numbers.Encode(MaskedNumbers.Fractional(Numbers([1, 2], [1.5]))));
    }

    [Fact]
    public void Two_forms_have_two_digests_and_a_form_holds_no_number()
    {
        var statistics = Numbers([41, 2], [0.25]);
        var form = MaskedNumbers.FormOf(statistics);
        Assert.All(form.Parts, p => Assert.All(p.Values, v => Assert.Equal(0, v)));
        Assert.Equal(new MaskedNumbers(statistics, 3).Digest, new MaskedNumbers(form, 5).Digest);
        Assert.NotEqual(new MaskedNumbers(statistics, 3).Digest, new MaskedNumbers(Numbers([41, 2, 1], [0.25]), 3).Digest);
        Assert.Equal("words", MaskedNumbers.NotASum(new([new StatisticPart("words", MergeRule.Union, [], ["a"])])));
    }

    private static Statistics Numbers(double[] counts, double[] sums) =>
        new([new StatisticPart("x/counts", MergeRule.Sum, counts, []) { Whole = true }, new StatisticPart("x/moments", MergeRule.Sum, sums, [])]);

    // value · 2^200, exactly: no double of these sizes has bits below.
    private static BigInteger Scaled(double value)
    {
        if (value == 0) return 0;
        var exponent = Math.ILogB(value) - 52;
        return (BigInteger)Math.ScaleB(value, -exponent) << (200 + exponent);
    }
}
