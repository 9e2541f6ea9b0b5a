using Comity.Tensors.Kernels;
using Comity.Tensors.Randomness;
using Comity.Tensors.Threading;

namespace Comity.Tensors.Tests.Kernels;

/// <summary>What a product does in passing has the bits of the same operations one after the other: for small and blocked products, partial panels, every width, alone and in a team.</summary>
public sealed unsafe class PassingTests
{
    private static readonly (int M, int N, int K)[] Shapes = [(3, 5, 4), (40, 1, 300), (75, 130, 90), (150, 75, 530), (30, 1030, 20), (300, 40, 260)];

    private static readonly Function[] Activations = [.. Enum.GetValues<Activation>().Where(a => a != Activation.Identity).Select(a => (Function)a)];

    public static TheoryData<VectorWidth> Widths => [.. Enum.GetValues<VectorWidth>()];

    [Theory]
    [MemberData(nameof(Widths))]
    public void An_activation_and_its_rule(VectorWidth width)
    {
        var random = Seed.Of(1).For("passing").ToRandom();
        using var team = new Team(3);
        foreach (var kernels in new[] { KernelSet.Of(width), KernelSet.Of(width).With(team) })
        {
            for (var i = 0; i < 2 * Shapes.Length; i++)
            {
                var (m, n, k) = Shapes[i / 2];
                var function = Activations[i % Activations.Length];
                float[] a = Numbers(random, m * k), b = Numbers(random, k * n), saved = Numbers(random, m * n), product = new float[m * n], value = new float[m * n], expected = new float[m * n], ruled = new float[m * n];
                fixed (float* pa = a, pb = b, pc = product, pv = value, pe = expected, pr = ruled, ps = saved)
                {
                    kernels.Gemm(false, false, m, n, k, pa, k, pb, n, pe, n, null, 0);
                    kernels.Apply(function, pe, pe, m * n);
                    kernels.Gemm(false, false, m, n, k, pa, k, pb, n, pc, n, null, 0, Passing.Activation(function, pc, pc));
                    Assert.True(expected.AsSpan().SequenceEqual(product), $"{function}, {m}×{n}×{k}.");
                    if (function == Function.Gelu)
                    {
                        kernels.Gemm(false, false, m, n, k, pa, k, pb, n, pr, n, null, 0);
                        kernels.GeluAndRule(pr, pv, m * n);
                        Assert.True(expected.AsSpan().SequenceEqual(value), "Gelu beside its derivative.");
                        value.AsSpan().Clear();
                        kernels.Gemm(false, false, m, n, k, pa, k, pb, n, pc, n, null, 0, Passing.Activation(function, pc, pv));
                        Assert.True(expected.AsSpan().SequenceEqual(value) && ruled.AsSpan().SequenceEqual(product), $"Gelu and its derivative, {m}×{n}×{k}.");
                    }
                    kernels.Gemm(false, false, m, n, k, pa, k, pb, n, pe, n, null, 0);
                    if (function == Function.Gelu) kernels.Multiply(pe, ps, pe, m * n, accumulate: false);
                    else kernels.ApplyRule(function, ps, pe, pe, m * n, accumulate: false);
                    kernels.Gemm(false, false, m, n, k, pa, k, pb, n, pc, n, null, 0, Passing.Rule(function, pc, ps));
                    Assert.True(expected.AsSpan().SequenceEqual(product), $"Rule of {function}, {m}×{n}×{k}.");
                }
            }
        }
    }

    [Theory]
    [MemberData(nameof(Widths))]
    public void Gelu_and_its_derivative_are_those_of_the_two_operations(VectorWidth width)
    {
        var kernels = KernelSet.Of(width);
        foreach (var n in new[] { 1, 7, 8, 100 })
        {
            float[] x = Numbers(Seed.Of(2).ToRandom(), n), ones = new float[n], value = new float[n], derivative = new float[n], y = new float[n];
            ones.AsSpan().Fill(1);
            fixed (float* px = x, po = ones, pv = value, pd = derivative, py = y)
            {
                kernels.Apply(Function.Gelu, px, pv, n);
                kernels.ApplyRule(Function.Gelu, px, po, pd, n, accumulate: false);
                kernels.GeluAndRule(px, py, n);
            }
            Assert.Equal(value, y);
            Assert.Equal(derivative, x);
        }
    }

    [Theory]
    [MemberData(nameof(Widths))]
    public void A_matrix_that_is_added(VectorWidth width)
    {
        var random = Seed.Of(4).For("added").ToRandom();
        using var team = new Team(3);
        foreach (var kernels in new[] { KernelSet.Of(width), KernelSet.Of(width).With(team) })
        {
            foreach (var (m, n, k) in Shapes)
            {
                float[] a = Numbers(random, m * k), b = Numbers(random, k * n), bias = Numbers(random, n), added = Numbers(random, m * n), c = new float[m * n], expected = new float[m * n];
                fixed (float* pa = a, pb = b, pc = c, pe = expected, pd = added, ps = bias)
                {
                    kernels.Gemm(false, false, m, n, k, pa, k, pb, n, pe, n, ps, 0);
                    kernels.Add(pd, pe, pe, m * n);
                    kernels.Gemm(false, false, m, n, k, pa, k, pb, n, pc, n, ps, 0, Passing.Sum(pc, pd));
                }
                Assert.True(expected.AsSpan().SequenceEqual(c), $"{m}×{n}×{k}.");
            }
        }
    }

    [Theory]
    [MemberData(nameof(Widths))]
    public void Sums_of_columns(VectorWidth width)
    {
        var random = Seed.Of(3).For("sums").ToRandom();
        using var team = new Team(3);
        foreach (var kernels in new[] { KernelSet.Of(width), KernelSet.Of(width).With(team) })
        {
            for (var i = 0; i < 4 * Shapes.Length; i++)
            {
                var (m, n, k) = Shapes[i / 4];
                bool transposed = i % 2 == 0, adds = i % 4 > 1;
                float[] a = Numbers(random, m * k), b = Numbers(random, k * n), sums = Numbers(random, n), expectedSums = [.. sums], c = new float[m * n], expected = new float[m * n];
                fixed (float* pa = a, pb = b, pc = c, pe = expected, ps = sums, pes = expectedSums)
                {
                    kernels.Gemm(transposed, false, m, n, k, pa, transposed ? m : k, pb, n, pe, n, null, 0);
                    kernels.ColumnSums(pb, k, n, pes, adds);
                    kernels.Gemm(transposed, false, m, n, k, pa, transposed ? m : k, pb, n, pc, n, null, 0, Passing.Sums(ps, adds));
                }
                Assert.True(expected.AsSpan().SequenceEqual(c) && expectedSums.AsSpan().SequenceEqual(sums), $"{m}×{n}×{k}, adds {adds}.");
            }
        }
    }

    private static float[] Numbers(SeededRandom random, int count)
    {
        var numbers = new float[count];
        foreach (ref var number in numbers.AsSpan()) number = 2 * random.NextSingle() - 1;
        return numbers;
    }
}
