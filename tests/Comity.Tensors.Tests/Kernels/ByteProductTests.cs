using Comity.Tensors.Kernels;
using Comity.Tensors.Randomness;
using Comity.Tensors.Threading;

namespace Comity.Tensors.Tests.Kernels;

public sealed class ByteProductTests
{
    private const int Largest = 64;

    public static TheoryData<VectorWidth> Widths => [.. Enum.GetValues<VectorWidth>()];

    [Theory]
    [MemberData(nameof(Widths))]
    public void Every_small_shape_is_the_naive_sum(VectorWidth width)
    {
        var random = Seed.Of(1).For("bytes").ToRandom();
        for (var m = 1; m <= 14; m++)
        {
            for (var n = 1; n <= 35; n++)
            {
                for (var k = 1; k <= 9; k++) CheckOne(KernelSet.Of(width), random, m, n, k);
            }
        }
    }

    // Beyond every block of rows and depth, and with rests of all kinds.
    [Theory]
    [InlineData(241, 33, 1024)]
    [InlineData(13, 70, 2051)]
    [InlineData(500, 17, 130)]
    [InlineData(5, 129, 1025)]
    [InlineData(1, 1, 5000)]
    public void Blocks_leave_no_trace(int m, int n, int k)
    {
        foreach (var width in Enum.GetValues<VectorWidth>()) CheckOne(KernelSet.Of(width), Seed.Of(2).ToRandom(), m, n, k);
    }

    [Theory]
    [MemberData(nameof(Widths))]
    public void Every_pair_of_values_is_multiplied_exactly_and_added_without_saturation(VectorWidth width)
    {
        const int Rows = 256, Columns = 2 * Largest + 1;
        foreach (var depth in new[] { 1, 2, 4, 6 })
        {
            var a = new byte[Rows * depth];
            var b = new sbyte[depth * Columns];
            var c = new int[Rows * Columns];
            for (var i = 0; i < a.Length; i++) a[i] = (byte)(i / depth);
            for (var i = 0; i < b.Length; i++) b[i] = (sbyte)(i % Columns - Largest);
            KernelSet.Of(width).Multiply(Rows, Columns, depth, a, b, c);
            var wrong = Enumerable.Range(0, c.Length).FirstOrDefault(i => c[i] != depth * (i / Columns) * (i % Columns - Largest), -1);
            Assert.True(wrong < 0, $"Depth {depth}, {wrong / Columns}·{wrong % Columns - Largest}.");
        }
    }

    [Theory]
    [MemberData(nameof(Widths))]
    public void The_greatest_depth_reaches_the_end_of_32_bits_and_not_beyond(VectorWidth width)
    {
        const int Depth = int.MaxValue / (255 * Largest);
        byte[] a = new byte[Depth];
        sbyte[] b = new sbyte[Depth];
        a.AsSpan().Fill(255);
        b.AsSpan().Fill(-Largest);
        var c = new int[1];
        KernelSet.Of(width).Multiply(1, 1, Depth, a, b, c);
        Assert.Equal(-Depth * 255L * Largest, c[0]);
        Assert.Throws<ArgumentOutOfRangeException>(() => KernelSet.Of(width).Multiply(1, 1, Depth + 1, new byte[Depth + 1], new sbyte[Depth + 1], new int[1]));
    }

    [Fact]
    public void Threads_change_nothing()
    {
        using var team = new Team(3);
        CheckOne(KernelSet.Best.With(team), Seed.Of(3).ToRandom(), 250, 150, 131);
    }

    [Fact]
    public void A_depth_of_zero_gives_zero()
    {
        int[] c = [1, 2, 3, 4];
        KernelSet.Best.Multiply(2, 2, 0, [], [], c);
        Assert.Equal([0, 0, 0, 0], c);
    }

    [Fact]
    public void A_wrong_length_and_a_value_that_could_saturate_are_refused()
    {
        Assert.Throws<ArgumentException>(() => KernelSet.Best.Multiply(2, 2, 2, new byte[3], new sbyte[4], new int[4]));
        Assert.Throws<ArgumentException>(() => KernelSet.Best.Multiply(2, 2, 2, new byte[4], new sbyte[5], new int[4]));
        Assert.Throws<ArgumentException>(() => KernelSet.Best.Multiply(2, 2, 2, new byte[4], new sbyte[4], new int[3]));
        Assert.Throws<ArgumentException>(() => KernelSet.Best.Multiply(1, 1, 2, new byte[2], [64, 65], new int[1]));
        Assert.Throws<ArgumentException>(() => KernelSet.Best.Multiply(1, 1, 2, new byte[2], [-65, 64], new int[1]));
    }

    private static void CheckOne(KernelSet kernels, SeededRandom random, int m, int n, int k)
    {
        var a = new byte[m * k];
        var b = new sbyte[k * n];
        foreach (ref var value in a.AsSpan()) value = (byte)random.NextInt32(256);
        foreach (ref var value in b.AsSpan()) value = (sbyte)(random.NextInt32(2 * Largest + 1) - Largest);
        int[] c = new int[m * n], expected = new int[m * n];
        for (var i = 0; i < m; i++)
        {
            for (var d = 0; d < k; d++)
            {
                for (var j = 0; j < n; j++) expected[i * n + j] += a[i * k + d] * b[d * n + j];
            }
        }
        kernels.Multiply(m, n, k, a, b, c);
        Assert.True(expected.AsSpan().SequenceEqual(c), $"{m}×{n}×{k}, width {kernels.Width}.");
    }
}
