using Comity.Tensors.Kernels;
using Comity.Tensors.Randomness;

namespace Comity.Tensors.Tests.Kernels;

public sealed class WeightedSumTests
{
    [Theory]
    [InlineData(1, 37)]
    [InlineData(8, 1003)]
    [InlineData(19, 250)]
    [InlineData(8, (1 << 20) + 13)] // long enough to be written past the caches
    public void A_sum_is_the_chain_of_its_products_to_the_bit_at_every_width(int count, int length)
    {
        var random = Seed.Of(5).ToRandom();
        var weights = Enumerable.Range(0, count).Select(_ => random.NextSingle() - 0.5f).ToArray();
        var vectors = Enumerable.Range(0, count).Select(_ => new ReadOnlyMemory<float>([.. Enumerable.Range(0, length).Select(_ => random.NextSingle() - 0.5f)])).ToArray();
        var expected = new float[length];
        for (var i = 0; i < length; i++)
        {
            for (var v = 0; v < count; v++) expected[i] = MathF.FusedMultiplyAdd(weights[v], vectors[v].Span[i], expected[i]);
        }
        foreach (var width in Enum.GetValues<VectorWidth>())
        {
            var actual = new float[length];
            actual.AsSpan().Fill(float.NaN);
            KernelSet.Of(width).WeightedSum(weights, vectors, actual);
            Assert.Equal(expected, actual);
        }
    }

    [Fact]
    public void Counts_and_lengths_that_do_not_fit_are_refused()
    {
        ReadOnlyMemory<float>[] vectors = [new float[3], new float[3]];
        Assert.Throws<ArgumentException>(() => KernelSet.Best.WeightedSum([1], vectors, new float[3]));
        Assert.Throws<ArgumentException>(() => KernelSet.Best.WeightedSum([1, 2], vectors, new float[4]));
        Assert.Throws<ArgumentException>(() => KernelSet.Best.WeightedSum([], [], new float[4]));
    }
}
