using Comity.Tensors.Kernels;
using Comity.Tensors.Randomness;

namespace Comity.Tensors.Tests.Kernels;

public sealed unsafe class GemmTests
{
    public static TheoryData<VectorWidth> Widths => [.. Enum.GetValues<VectorWidth>()];

    [Theory]
    [MemberData(nameof(Widths))]
    public void Every_shape_and_transposition_is_the_naive_chain_of_multiply_adds_bit_for_bit(VectorWidth width)
    {
        var random = Seed.Of(1).For("gemm").ToRandom();
        for (var i = 0; i < 400; i++)
        {
            var (m, n, k) = (1 + random.NextInt32(40), 2 + random.NextInt32(70), 1 + random.NextInt32(60));
            CheckOne(KernelSet.Of(width), random, m, n, k, random.NextInt32(2) == 1, random.NextInt32(2) == 1, random.NextInt32(3));
        }
    }

    [Theory]
    [InlineData(150, 530, 270)]
    [InlineData(301, 40, 600)]
    [InlineData(13, 1030, 257)]
    [InlineData(128, 10, 784)]
    public void Blocks_of_a_large_product_leave_no_trace_in_the_bits(int m, int n, int k)
    {
        var random = Seed.Of(2).ToRandom();
        foreach (var (ta, tb) in new[] { (false, false), (true, false), (false, true), (true, true) })
            CheckOne(KernelSet.Best, random, m, n, k, ta, tb, random.NextInt32(3));
    }

    [Theory]
    [MemberData(nameof(Widths))]
    public void Panels_of_a_packed_matrix_leave_no_trace_in_the_bits(VectorWidth width)
    {
        var random = Seed.Of(9).ToRandom();
        // Panels of two heights, at the end of the depth and of the matrix, deep and shallow.
        foreach (var (m, n, k) in new[] { (75, 130, 270), (40, 500, 60), (160, 500, 3), (26, 400, 33) })
        {
            foreach (var ta in new[] { false, true }) CheckOne(KernelSet.Of(width), random, m, n, k, ta, false, random.NextInt32(3));
        }
    }

    [Theory]
    [MemberData(nameof(Widths))]
    public void A_single_column_agrees_with_a_sum_in_double_precision(VectorWidth width)
    {
        var random = Seed.Of(3).ToRandom();
        for (var i = 0; i < 200; i++)
        {
            var (m, k) = (1 + random.NextInt32(150), 1 + random.NextInt32(300));
            bool ta = i % 2 == 0, tb = i % 3 == 0;
            float[] a = Numbers(random, m * k), b = Numbers(random, k), c = Numbers(random, m), expected = new float[m];
            for (var r = 0; r < m; r++)
            {
                var sum = i % 5 == 0 ? (double)c[r] : 0;
                for (var d = 0; d < k; d++) sum += (double)(ta ? a[d * m + r] : a[r * k + d]) * b[d];
                expected[r] = (float)sum;
            }
            KernelSet.Of(width).Multiply(ta, tb, m, 1, k, a, b, c, accumulate: i % 5 == 0);
            for (var r = 0; r < m; r++) Assert.Equal(expected[r], c[r], 1e-4f);
        }
    }

    [Fact]
    public void A_depth_of_zero_leaves_the_start()
    {
        float[] c = [1, 2, 3, 4];
        KernelSet.Best.Multiply(false, false, 2, 2, 0, [], [], c, accumulate: true);
        Assert.Equal([1, 2, 3, 4], c);
        KernelSet.Best.Multiply(false, false, 2, 2, 0, [], [], c);
        Assert.Equal([0, 0, 0, 0], c);
    }

    [Fact]
    public void A_wrong_length_is_refused()
    {
        Assert.Throws<ArgumentException>(() => KernelSet.Best.Multiply(false, false, 2, 2, 2, new float[3], new float[4], new float[4]));
        Assert.Throws<ArgumentException>(() => KernelSet.Best.Multiply(false, false, 2, 2, 2, new float[4], new float[5], new float[4]));
        Assert.Throws<ArgumentException>(() => KernelSet.Best.Multiply(false, false, 2, 2, 2, new float[4], new float[4], new float[3]));
    }

    private static void CheckOne(KernelSet kernels, SeededRandom random, int m, int n, int k, bool ta, bool tb, int start)
    {
        float[] a = Numbers(random, m * k), b = Numbers(random, k * n), c = Numbers(random, m * n), bias = Numbers(random, n);
        var expected = new float[m * n];
        for (var i = 0; i < m; i++)
        {
            for (var j = 0; j < n; j++)
            {
                var sum = start switch { 0 => 0, 1 => c[i * n + j], _ => bias[j] };
                for (var d = 0; d < k; d++) sum = MathF.FusedMultiplyAdd(ta ? a[d * m + i] : a[i * k + d], tb ? b[j * k + d] : b[d * n + j], sum);
                expected[i * n + j] = sum;
            }
        }
        fixed (float* pa = a, pb = b, pc = c, pbias = bias)
        {
            var from = start switch { 0 => null, 1 => pc, _ => pbias };
            kernels.Gemm(ta, tb, m, n, k, pa, ta ? m : k, pb, tb ? k : n, pc, n, from, start == 1 ? n : 0);
        }
        Assert.True(expected.AsSpan().SequenceEqual(c), $"{m}×{n}×{k}, transposed {ta} {tb}, start {start}, width {kernels.Width}.");
    }

    private static float[] Numbers(SeededRandom random, int count)
    {
        var numbers = new float[count];
        foreach (ref var number in numbers.AsSpan()) number = 2 * random.NextSingle() - 1;
        return numbers;
    }
}
