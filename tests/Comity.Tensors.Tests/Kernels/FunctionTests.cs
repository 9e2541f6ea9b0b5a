using Comity.Tensors.Kernels;

namespace Comity.Tensors.Tests.Kernels;

public sealed unsafe class FunctionTests
{
    public static TheoryData<VectorWidth> Widths => [.. Enum.GetValues<VectorWidth>()];

    [Theory]
    [MemberData(nameof(Widths))]
    public void Functions_keep_their_accuracy_over_their_whole_range(VectorWidth width)
    {
        Check(width, Function.Exp, Math.Exp, -87, 88, 3e-7);
        Check(width, Function.Log, Math.Log, 1e-30, 1e-3, 2e-7);
        Check(width, Function.Log, Math.Log, 1e-3, 0.99, 3e-7);
        Check(width, Function.Log, Math.Log, 1.01, 1e30, 3e-7);
        Check(width, Function.Sigmoid, x => 1 / (1 + Math.Exp(-x)), -80, 80, 4e-7);
        Check(width, Function.Tanh, Math.Tanh, -20, 20, 3e-7);
        Check(width, Function.Tanh, Math.Tanh, -1e-3, 1e-3, 2e-7);
        Check(width, Function.Erf, Erf, -4, 4, 5e-7);
        Check(width, Function.Erf, Erf, -1e-3, 1e-3, 2e-7);
    }

    [Theory]
    [MemberData(nameof(Widths))]
    public void Special_values_give_what_mathematics_says(VectorWidth width)
    {
        float inf = float.PositiveInfinity, nan = float.NaN;
        Assert.Equal([0, inf, 1, nan], Run(width, Function.Exp, -inf, inf, 0, nan));
        Assert.Equal([float.NegativeInfinity, inf, nan, nan, 0], Run(width, Function.Log, 0, inf, -1, nan, 1));
        Assert.Equal([0, 1, 0.5f, nan], Run(width, Function.Sigmoid, -inf, inf, 0, nan));
        Assert.Equal([-1, 1, 0, nan], Run(width, Function.Tanh, -inf, inf, 0, nan));
        Assert.Equal([0, 3, 0, nan], Run(width, Function.Relu, -2, 3, 0, nan));
    }

    [Theory]
    [InlineData(Activation.Relu)]
    [InlineData(Activation.LeakyRelu)]
    [InlineData(Activation.Elu)]
    [InlineData(Activation.Gelu)]
    [InlineData(Activation.Sigmoid)]
    [InlineData(Activation.Tanh)]
    public void All_widths_give_the_same_bits_wherever_a_value_stands(Activation activation)
    {
        var x = Enumerable.Range(0, 203).Select(i => (i - 100) * 0.17f).ToArray();
        var expected = Run(VectorWidth.Scalar, (Function)activation, x);
        foreach (var width in Enum.GetValues<VectorWidth>())
        {
            for (var length = 0; length <= x.Length; length += 29)
                Assert.Equal(expected[..length], Run(width, (Function)activation, x[..length]));
        }
    }

    private static void Check(VectorWidth width, Function function, Func<double, double> exact, double low, double high, double tolerance)
    {
        const int Count = 20_011;
        var x = Enumerable.Range(0, Count).Select(i => (float)(low > 0 && high / low > 1e3 ? low * Math.Pow(high / low, (double)i / (Count - 1)) : low + (high - low) * i / (Count - 1))).ToArray();
        var y = Run(width, function, x);
        for (var i = 0; i < Count; i++)
        {
            var expected = exact(x[i]);
            var error = expected == 0 ? Math.Abs(y[i]) : Math.Abs(y[i] - expected) / Math.Abs(expected);
            Assert.True(error <= tolerance, $"{function}({x[i]:R}) = {y[i]:R}, expected {expected:R}, relative error {error:E1}.");
        }
    }

    private static float[] Run(VectorWidth width, Function function, params float[] x)
    {
        var y = new float[x.Length];
        fixed (float* px = x, py = y) KernelSet.Of(width).Apply(function, px, py, x.Length);
        return y;
    }

    // ∫ of the density by its series, which converges everywhere; twelve digits for |x| ≤ 4.
    private static double Erf(double x)
    {
        double term = x, sum = x;
        for (var n = 1; n < 200; n++)
        {
            term *= -x * x / n;
            sum += term / (2 * n + 1);
        }
        return 2 / Math.Sqrt(Math.PI) * sum;
    }
}
