using Comity.Tensors.Kernels;
using Comity.Tensors.Memory;
using Comity.Tensors.Randomness;

namespace Comity.Tensors.Tests.Kernels;

/// <summary>Convolutions of predictions, by Winograd's products and pooled in one pass, against sums in double precision straight from the definition.</summary>
public sealed unsafe class PlainConvolutionTests
{
    private static readonly Dictionary<string, PlainConvolution> Shapes = new()
    {
        ["even, whole registers"] = new(14, 14, 32, 64, 3, 1, false),
        ["even, pooled"] = new(14, 14, 32, 64, 3, 1, true),
        ["uneven sizes and channels"] = new(9, 7, 13, 21, 3, 1, false),
        ["uneven, pooled: a row and a column go"] = new(9, 7, 13, 21, 3, 1, true),
        ["no padding"] = new(8, 11, 8, 8, 3, 0, false),
        ["no padding, pooled"] = new(8, 11, 8, 8, 3, 0, true),
        ["wide padding"] = new(4, 4, 9, 10, 3, 2, false),
        ["a single output"] = new(3, 3, 8, 9, 3, 0, false),
        ["one channel, pooled"] = new(28, 28, 1, 32, 3, 1, true),
        ["three channels, 5 × 5, pooled"] = new(13, 12, 3, 37, 5, 2, true),
        ["few outputs, pooled"] = new(6, 9, 2, 5, 3, 0, true),
    };

    public static MatrixTheoryData<string, VectorWidth> Every => new(Shapes.Keys, Enum.GetValues<VectorWidth>());

    [Theory]
    [MemberData(nameof(Every))]
    public void The_outcome_is_that_of_the_definition(string name, VectorWidth width)
    {
        var s = Shapes[name];
        Assert.True(s.HasKernel);
        var kernels = KernelSet.Of(width);
        AlignedBuffer x = Draw(s.Height * s.Width * s.Inputs, "x"), w = Draw(s.Outputs * s.Inputs * s.Taps * s.Taps, "w"), bias = Draw(s.Outputs, "bias");
        AlignedBuffer packed = new((int)kernels.PackedLength(s)), y = new((int)s.Result);
        y.Span.Fill(float.NaN); // nothing may be left of it
        kernels.Pack(s, w.Pointer, packed.Pointer);
        kernels.Convolve(s, x.Pointer, packed.Pointer, bias.Pointer, y.Pointer);
        var expected = Definition(s, x.Span, w.Span, bias.Span);
        var largest = expected.Max(Math.Abs);
        for (var i = 0; i < expected.Length; i++) Assert.Equal(expected[i], y.Span[i], 1e-5 * largest);
    }

    private static double[] Definition(PlainConvolution s, Span<float> x, Span<float> w, Span<float> bias)
    {
        int height = s.OutputHeight, width = s.OutputWidth;
        var all = new double[height * width * s.Outputs];
        for (var row = 0; row < height; row++)
        {
            for (var column = 0; column < width; column++)
            {
                for (var o = 0; o < s.Outputs; o++)
                {
                    double sum = bias[o];
                    for (var ky = 0; ky < s.Taps; ky++)
                    {
                        for (var kx = 0; kx < s.Taps; kx++)
                        {
                            int fromRow = row + ky - s.Padding, fromColumn = column + kx - s.Padding;
                            if (fromRow < 0 || fromRow >= s.Height || fromColumn < 0 || fromColumn >= s.Width) continue;
                            for (var i = 0; i < s.Inputs; i++)
                                sum += (double)x[(fromRow * s.Width + fromColumn) * s.Inputs + i] * w[((o * s.Inputs + i) * s.Taps + ky) * s.Taps + kx];
                        }
                    }
                    all[(row * width + column) * s.Outputs + o] = sum;
                }
            }
        }
        if (!s.Pools) return all;
        var pooled = new double[s.Result];
        for (var i = 0; i < pooled.Length; i++)
        {
            int o = i % s.Outputs, column = i / s.Outputs % s.ResultWidth, row = i / s.Outputs / s.ResultWidth;
            double At(int y, int z) => all[((2 * row + y) * width + 2 * column + z) * s.Outputs + o];
            pooled[i] = Math.Max(Math.Max(At(0, 0), At(0, 1)), Math.Max(At(1, 0), At(1, 1)));
        }
        return pooled;
    }

    private static AlignedBuffer Draw(int length, string name)
    {
        var random = Seed.Of(11).For(name).ToRandom();
        var buffer = new AlignedBuffer(length);
        foreach (ref var value in buffer.Span) value = (float)random.NextGaussian();
        return buffer;
    }
}
