using Comity.Tensors.Kernels;
using Comity.Tensors.Randomness;

namespace Comity.Tensors.Tests.Kernels;

public sealed unsafe class RowKernelTests
{
    public static TheoryData<VectorWidth> Widths => [.. Enum.GetValues<VectorWidth>()];

    [Theory]
    [MemberData(nameof(Widths))]
    public void Column_sums_add_rows_in_order(VectorWidth width)
    {
        foreach (var (rows, columns) in new[] { (1, 1), (7, 5), (32, 128), (33, 131), (3, 64) })
        {
            var x = Numbers(rows * columns);
            var sums = new float[columns];
            var expected = new float[columns];
            for (var i = 0; i < rows; i++)
            {
                for (var j = 0; j < columns; j++) expected[j] += x[i * columns + j];
            }
            fixed (float* p = x, s = sums) KernelSet.Of(width).ColumnSums(p, rows, columns, s, accumulate: false);
            Assert.Equal(expected, sums);
        }
    }

    [Theory]
    [MemberData(nameof(Widths))]
    public void Softmax_and_log_sum_are_exact_for_scores_of_any_size(VectorWidth width)
    {
        foreach (var columns in new[] { 2, 3, 10, 16, 37 })
        {
            foreach (var size in new[] { 1f, 50f, 1e4f })
            {
                var x = Numbers(4 * columns).Select(v => v * size).ToArray();
                float[] p = new float[x.Length], logSum = new float[4];
                fixed (float* px = x, pp = p, pl = logSum) KernelSet.Of(width).SoftmaxAndLogSum(px, pp, pl, 4, columns);
                for (var i = 0; i < 4; i++)
                {
                    var row = x[(i * columns)..((i + 1) * columns)].Select(v => (double)v).ToArray();
                    var top = row.Max();
                    var total = row.Sum(v => Math.Exp(v - top));
                    Assert.Equal(top + Math.Log(total), logSum[i], 1e-6 * Math.Max(1, Math.Abs(top)));
                    for (var j = 0; j < columns; j++) Assert.Equal(Math.Exp(row[j] - top) / total, p[i * columns + j], 1e-6);
                }
            }
        }
    }

    [Theory]
    [MemberData(nameof(Widths))]
    public void Sigmoid_cross_entropy_neither_overflows_nor_loses_small_losses(VectorWidth width)
    {
        float[] z = [0, 3, -3, 20, -20, 100, -100, 1e30f, -1e30f, 1e-3f, 12], t = [1, 1, 1, 1, 0, 0, 0, 1, 0, 0.3f, 1], w = [1, 2, 1, 1, 1, 1, 3, 1, 1, 1, 0.5f];
        float[] loss = new float[z.Length], derivative = new float[z.Length];
        fixed (float* pz = z, pt = t, pw = w, pl = loss, pd = derivative) KernelSet.Of(width).SigmoidCrossEntropy(pz, pt, pw, pl, pd, z.Length);
        for (var i = 0; i < z.Length; i++)
        {
            double x = z[i], expected = w[i] * (Math.Max(x, 0) - x * t[i] + double.LogP1(Math.Exp(-Math.Abs(x))));
            Assert.Equal(expected, loss[i], 3e-7 * Math.Max(1e-9, Math.Abs(expected)) + 1e-12);
            Assert.Equal(w[i] * (1 / (1 + Math.Exp(-x)) - t[i]), derivative[i], 2e-7);
        }
    }

    [Theory]
    [MemberData(nameof(Widths))]
    public void Update_rules_follow_their_formulas(VectorWidth width)
    {
        const int N = 37;
        var kernels = KernelSet.Of(width);
        float[] w = Numbers(N), g = Numbers(N), m = Numbers(N), v = Numbers(N).Select(x => x * x).ToArray();
        void Check(Action<float[], float[], float[]> run, Func<double, double, double, double, (double W, double M, double V)> rule)
        {
            float[] w1 = [.. w], m1 = [.. m], v1 = [.. v];
            run(w1, m1, v1);
            for (var i = 0; i < N; i++)
            {
                var (ew, em, ev) = rule(w[i], g[i], m[i], v[i]);
                Assert.Equal(ew, w1[i], 1e-6);
                Assert.Equal(em, m1[i], 1e-6);
                Assert.Equal(ev, v1[i], 1e-6);
            }
        }
        fixed (float* pg = g)
        {
            var gradient = (nint)pg;
            Check((a, b, c) => { fixed (float* p = a) kernels.Descent(p, (float*)gradient, N, 0.1f); }, (a, d, b, c) => (a - 0.1 * d, b, c));
            Check((a, b, c) => { fixed (float* p = a, q = b) kernels.Momentum(p, (float*)gradient, q, N, 0.1f, 0.9f); }, (a, d, b, c) => (a - 0.1 * (0.9 * b + d), 0.9 * b + d, c));
            Check((a, b, c) => { fixed (float* p = a, q = b) kernels.Nesterov(p, (float*)gradient, q, N, 0.1f, 0.9f); }, (a, d, b, c) => (a - 0.1 * (d + 0.9 * (0.9 * b + d)), 0.9 * b + d, c));
            Check((a, b, c) => { fixed (float* p = a, q = c) kernels.RmsProp(p, (float*)gradient, q, N, 0.01f, 0.99f, 1e-8f); },
                (a, d, b, c) => (a - 0.01 * d / (Math.Sqrt(0.99 * c + 0.01 * d * d) + 1e-8), b, 0.99 * c + 0.01 * d * d));
            Check((a, b, c) => { fixed (float* p = a, q = b, r = c) kernels.Adam(p, (float*)gradient, q, r, N, 0.01f, 0.9f, 0.999f, 1.5f, 1e-8f); },
                (a, d, b, c) => (a - 0.01 * (0.9 * b + 0.1 * d) / (1.5 * Math.Sqrt(0.999 * c + 0.001 * d * d) + 1e-8), 0.9 * b + 0.1 * d, 0.999 * c + 0.001 * d * d));
        }
    }

    [Theory]
    [MemberData(nameof(Widths))]
    public void A_norm_agrees_with_double_precision(VectorWidth width)
    {
        foreach (var n in new[] { 0, 1, 15, 4096, 4097, 100_003 })
        {
            var x = Numbers(n);
            Assert.Equal(Math.Sqrt(x.Sum(v => (double)v * v)), KernelSet.Of(width).Norm(x), 1e-5 * Math.Max(1, Math.Sqrt(n)));
        }
    }

    private static float[] Numbers(int count)
    {
        var random = Seed.Of(5).For("numbers", count).ToRandom();
        var numbers = new float[count];
        foreach (ref var number in numbers.AsSpan()) number = 2 * random.NextSingle() - 1;
        return numbers;
    }
}
