using Comity.Tensors.Kernels;
using Comity.Tensors.Randomness;
using Comity.Tensors.Threading;

namespace Comity.Tensors.Tests.Kernels;

public sealed unsafe class ProductTests
{
    public static TheoryData<VectorWidth> Widths => [.. Enum.GetValues<VectorWidth>()];

    [Theory]
    [MemberData(nameof(Widths))]
    public void A_batch_is_its_products_one_by_one(VectorWidth width)
    {
        var kernels = KernelSet.Of(width);
        var random = Seed.Of(1).For("batch").ToRandom();
        for (var i = 0; i < 40; i++)
        {
            var (batch, m, n, k) = (random.NextInt32(5), 1 + random.NextInt32(20), 1 + random.NextInt32(40), 1 + random.NextInt32(30));
            bool ta = i % 2 == 0, tb = i % 3 == 0, shared = i % 5 == 0, accumulate = i % 7 == 0;
            float[] a = Numbers(random, batch * m * k), b = Numbers(random, (shared ? 1 : batch) * k * n), c = Numbers(random, batch * m * n);
            var expected = c.ToArray();
            for (var p = 0; p < batch; p++)
                kernels.Multiply(ta, tb, m, n, k, a.AsSpan(p * m * k, m * k), b.AsSpan(shared ? 0 : p * k * n, k * n), expected.AsSpan(p * m * n, m * n), accumulate);
            kernels.MultiplyBatch(batch, ta, tb, m, n, k, a, b, c, accumulate);
            Assert.Equal(expected, c);
        }
    }

    [Fact]
    public void A_batch_has_the_same_bits_for_any_number_of_threads()
    {
        const int Batch = 7, Side = 96;
        var random = Seed.Of(2).For("batch").ToRandom();
        float[] a = Numbers(random, Batch * Side * Side), b = Numbers(random, Batch * Side * Side), alone = new float[Batch * Side * Side], shared = new float[Batch * Side * Side];
        KernelSet.Best.MultiplyBatch(Batch, false, true, Side, Side, Side, a, b, alone);
        using var team = new Team(3);
        KernelSet.Best.With(team).MultiplyBatch(Batch, false, true, Side, Side, Side, a, b, shared);
        Assert.Equal(alone, shared);
    }

    [Fact]
    public void A_batch_of_a_wrong_length_is_refused()
    {
        Assert.Throws<ArgumentException>(() => KernelSet.Best.MultiplyBatch(2, false, false, 2, 2, 2, new float[4], new float[8], new float[8]));
        Assert.Throws<ArgumentException>(() => KernelSet.Best.MultiplyBatch(2, false, false, 2, 2, 2, new float[8], new float[7], new float[8]));
        Assert.Throws<ArgumentException>(() => KernelSet.Best.MultiplyBatch(2, false, false, 2, 2, 2, new float[8], new float[8], new float[9]));
    }

    [Theory]
    [MemberData(nameof(Widths))]
    public void A_row_times_a_matrix_in_bf16_is_the_chain_over_the_rounded_matrix_bit_for_bit(VectorWidth width)
    {
        var kernels = KernelSet.Of(width);
        var random = Seed.Of(3).For("half").ToRandom();
        for (var i = 0; i < 60; i++)
        {
            var (n, k) = (1 + random.NextInt32(300), 1 + random.NextInt32(40));
            float[] a = Numbers(random, k), b = Numbers(random, k * n), start = Numbers(random, n), c = new float[n], expected = new float[n];
            for (var j = 0; j < n; j++)
            {
                var sum = i % 2 == 0 ? start[j] : 0;
                for (var d = 0; d < k; d++) sum = MathF.FusedMultiplyAdd(a[d], Bfloat16.Widen(Bfloat16.Round(b[d * n + j])), sum);
                expected[j] = sum;
            }
            var panels = new uint[kernels.HalfWords(k, n)];
            fixed (float* pa = a, pb = b, pc = c, ps = start)
            {
                fixed (uint* words = panels)
                {
                    kernels.PackHalf(k, n, pb, words);
                    kernels.MultiplyHalf(k, n, pa, words, pc, i % 2 == 0 ? ps : null);
                }
            }
            Assert.Equal(expected, c);
        }
    }

    // Ties and carries by hand; the format is the upper half of a float32.
    [Theory]
    [InlineData(1f, 0x3F80)]
    [InlineData(1.00390625f, 0x3F80)] // half a step above 1: to even
    [InlineData(1.01171875f, 0x3F82)] // half a step above an odd one
    [InlineData(1.0039063692f, 0x3F81)]
    [InlineData(-2.5f, 0xC020)]
    [InlineData(3.4028235e38f, 0x7F80)] // the largest float rounds to infinity
    [InlineData(float.PositiveInfinity, 0x7F80)]
    [InlineData(0f, 0)]
    public void Bf16_rounds_to_the_nearest_and_ties_to_even(float value, int bits) => Assert.Equal(bits, Bfloat16.Round(value));

    [Fact]
    public void Bf16_keeps_NaN()
    {
        Assert.True(float.IsNaN(Bfloat16.Widen(Bfloat16.Round(float.NaN))));
        Assert.True(float.IsNaN(Bfloat16.Widen(Bfloat16.Round(BitConverter.UInt32BitsToSingle(0x7F800001)))));
    }

    private static float[] Numbers(SeededRandom random, int count)
    {
        var numbers = new float[count];
        foreach (ref var number in numbers.AsSpan()) number = 2 * random.NextSingle() - 1;
        return numbers;
    }
}
