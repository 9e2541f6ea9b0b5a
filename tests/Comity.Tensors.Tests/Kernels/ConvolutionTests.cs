using Comity.Tensors.Kernels;
using Comity.Tensors.Memory;
using Comity.Tensors.Randomness;
using Comity.Tensors.Threading;

namespace Comity.Tensors.Tests.Kernels;

/// <summary>Convolutions large enough for every block, panel and edge, against sums in double precision straight from the definition.</summary>
public sealed unsafe class ConvolutionTests
{
    private static readonly Dictionary<string, ConvolutionShape> Shapes = new()
    {
        ["3 × 3 of many channels"] = new(3, 20, 37, 1, new(9, 3, 1, 1, 1), new(14, 3, 1, 1, 1)),
        ["deeper than one pass"] = new(2, 70, 18, 1, new(4, 3, 1, 1, 1), new(7, 3, 1, 1, 1)),
        ["a row of taps deeper than one pass"] = new(2, 150, 16, 1, new(3, 3, 1, 1, 1), new(8, 3, 1, 1, 1)),
        ["one channel in, 5 × 5"] = new(2, 1, 6, 1, new(16, 5, 1, 2, 1), new(16, 5, 1, 2, 1)),
        ["a stride and uneven sizes"] = new(2, 16, 33, 1, new(11, 3, 2, 1, 1), new(13, 3, 2, 1, 1)),
        ["small images, many of them"] = new(41, 24, 16, 1, new(2, 3, 1, 1, 1), new(2, 3, 1, 1, 1)),
        ["wide rows"] = new(1, 3, 8, 1, new(3, 3, 1, 1, 1), new(700, 3, 1, 1, 1)),
        ["long columns"] = new(1, 3, 8, 1, new(300, 3, 1, 1, 1), new(5, 3, 1, 1, 1)),
        ["groups"] = new(2, 40, 60, 5, new(7, 3, 1, 1, 1), new(6, 3, 2, 1, 1)),
        ["depthwise"] = new(2, 45, 45, 45, new(7, 3, 2, 1, 1), new(9, 3, 1, 1, 1)),
        ["pointwise"] = new(2, 40, 24, 1, new(7, 1, 1, 0, 1), new(9, 1, 1, 0, 1)),
        ["few pixels, many channels"] = new(6, 40, 48, 1, new(3, 3, 1, 1, 1), new(3, 3, 1, 1, 1)),
        ["few pixels in groups, with strides and dilation"] = new(4, 36, 48, 2, new(5, 3, 2, 2, 2), new(6, 3, 2, 1, 1)),
        ["few pixels, pointwise with a stride"] = new(4, 48, 32, 1, new(5, 1, 2, 0, 1), new(5, 1, 2, 0, 1)),
    };

    public static MatrixTheoryData<string, VectorWidth> Every => new(Shapes.Keys, Enum.GetValues<VectorWidth>());

    [Theory]
    [MemberData(nameof(Every))]
    public void Values_and_both_derivatives_are_the_sums_of_the_definition(string name, VectorWidth width)
    {
        var s = Shapes[name];
        var kernels = KernelSet.Of(width);
        AlignedBuffer x = Draw(s.Images * s.InputImage, "x"), w = Draw((nint)s.Outputs * s.GroupInputs * s.Taps, "w"), dy = Draw(s.Images * s.OutputImage, "dy"), bias = Draw(s.Outputs, "bias");
        double[] y = new double[dy.Length], dx = new double[x.Length], dw = new double[w.Length];
        for (var i = 0; i < y.Length; i++) y[i] = bias.Span[i % s.Outputs];
        Each(s, (input, tap, output) =>
        {
            y[output] += (double)x.Span[input] * w.Span[tap];
            dx[input] += (double)dy.Span[output] * w.Span[tap];
            dw[tap] += (double)dy.Span[output] * x.Span[input];
        });

        AlignedBuffer value = new(dy.Length), input = new(x.Length), weight = new(w.Length);
        value.Span.Fill(float.NaN); // nothing may be left of it
        input.Span.Fill(float.NaN);
        weight.Span.Fill(float.NaN);
        kernels.Convolve(s, x.Pointer, w.Pointer, bias.Pointer, value.Pointer);
        kernels.ConvolveInputRule(s, dy.Pointer, w.Pointer, null, input.Pointer);
        kernels.ConvolveWeightRule(s, x.Pointer, dy.Pointer, weight.Pointer, accumulate: false);
        Near(y, value.Span, 1);
        Near(dx, input.Span, 1);
        Near(dw, weight.Span, 1);

        // Added to what is there: here once more of the same.
        kernels.Convolve(s, x.Pointer, w.Pointer, value.Pointer, value.Pointer);
        kernels.ConvolveInputRule(s, dy.Pointer, w.Pointer, input.Pointer, input.Pointer);
        kernels.ConvolveWeightRule(s, x.Pointer, dy.Pointer, weight.Pointer, accumulate: true);
        Near([.. y.Select((v, i) => 2 * v - bias.Span[i % s.Outputs])], value.Span, 1);
        Near(dx, input.Span, 2);
        Near(dw, weight.Span, 2);
    }

    [Theory]
    [MemberData(nameof(Every))]
    public void An_image_has_the_same_bits_alone_and_in_a_batch(string name, VectorWidth width)
    {
        var s = Shapes[name];
        var kernels = KernelSet.Of(width);
        AlignedBuffer x = Draw(s.Images * s.InputImage, "x"), w = Draw((nint)s.Outputs * s.GroupInputs * s.Taps, "w"), dy = Draw(s.Images * s.OutputImage, "dy");
        AlignedBuffer together = new(dy.Length), dx = new(x.Length), alone = new((int)s.OutputImage), dxAlone = new((int)s.InputImage);
        kernels.Convolve(s, x.Pointer, w.Pointer, null, together.Pointer);
        kernels.ConvolveInputRule(s, dy.Pointer, w.Pointer, null, dx.Pointer);
        var last = s.Images - 1;
        kernels.Convolve(s with { Images = 1 }, x.Pointer + last * s.InputImage, w.Pointer, null, alone.Pointer);
        kernels.ConvolveInputRule(s with { Images = 1 }, dy.Pointer + last * s.OutputImage, w.Pointer, null, dxAlone.Pointer);
        Assert.Equal(together.Span[(int)(last * s.OutputImage)..].ToArray(), alone.Span.ToArray());
        Assert.Equal(dx.Span[(int)(last * s.InputImage)..].ToArray(), dxAlone.Span.ToArray());
    }

    [Theory]
    [MemberData(nameof(Every))]
    public void Norms_of_each_example_are_those_of_its_own_derivative_also_in_a_team(string name, VectorWidth width)
    {
        var s = Shapes[name];
        using var team = new Team(3);
        AlignedBuffer x = Draw(s.Images * s.InputImage, "x"), dy = Draw(s.Images * s.OutputImage, "dy");
        foreach (var examples in new[] { s.Images, 1 })
        {
            var dw = new double[examples][];
            for (var e = 0; e < examples; e++) dw[e] = new double[s.Outputs * s.GroupInputs * s.Taps];
            Each(s, (input, tap, output) => dw[output / s.OutputImage * examples / s.Images][tap] += (double)dy.Span[output] * x.Span[input]);
            double[] alone = [.. Enumerable.Repeat(2.5, examples)], together = [.. alone];
            fixed (double* a = alone, t = together)
            {
                KernelSet.Of(width).ConvolveWeightNorms(s, examples, x.Pointer, dy.Pointer, a);
                KernelSet.Of(width).With(team).ConvolveWeightNorms(s, examples, x.Pointer, dy.Pointer, t);
            }
            for (var e = 0; e < examples; e++)
            {
                var expected = 2.5 + dw[e].Sum(g => g * g); // added to what is there
                Assert.Equal(expected, alone[e], 2e-5 * expected);
            }
            Assert.Equal(alone, together);
        }
    }

    [Fact]
    public void The_form_with_fewer_products_is_taken_and_both_are_among_the_shapes_above()
    {
        Assert.True(ConvolutionNorms<WideScalar>.IsGramLess(new(1, 256, 256, 1, new(4, 3, 1, 1, 1), new(4, 3, 1, 1, 1)))); // 16 pixels, 2304 · 256 weights
        Assert.False(ConvolutionNorms<WideScalar>.IsGramLess(new(1, 1, 16, 1, new(28, 5, 1, 2, 1), new(28, 5, 1, 2, 1)))); // 784 pixels, 25 · 16 weights
        var ghost = Shapes.Where(s => ConvolutionNorms<WideScalar>.IsGramLess(s.Value with { Images = 1 })).Select(s => s.Key).ToArray();
        Assert.Contains("few pixels, many channels", ghost);
        Assert.Contains("few pixels in groups, with strides and dilation", ghost);
        Assert.Contains("few pixels, pointwise with a stride", ghost);
        Assert.InRange(ghost.Length, 3, Shapes.Count - 6);
        // Fewer products are less memory, too: the rule of the paper.
        foreach (var s in Shapes.Values)
        {
            double pixels = s.Rows.Outputs * s.Columns.Outputs, weights = (double)s.GroupOutputs * s.GroupInputs * s.Taps;
            if (ConvolutionNorms<WideScalar>.IsGramLess(s with { Images = 1 })) Assert.True(2 * pixels * pixels < weights);
        }
    }

    private static void Each(ConvolutionShape s, Action<int, int, int> visit)
    {
        int high = s.Rows.Outputs, wide = s.Columns.Outputs;
        for (var n = 0; n < s.Images; n++)
        {
            for (var p = 0; p < high * wide * s.Taps; p++)
            {
                int kx = p % s.Columns.Taps, ky = p / s.Columns.Taps % s.Rows.Taps, ox = p / s.Taps % wide, oy = p / s.Taps / wide;
                int y = oy * s.Rows.Stride + ky * s.Rows.Dilation - s.Rows.Padding, x = ox * s.Columns.Stride + kx * s.Columns.Dilation - s.Columns.Padding;
                if (y < 0 || y >= s.Rows.Size || x < 0 || x >= s.Columns.Size) continue;
                for (var o = 0; o < s.Outputs; o++)
                {
                    for (var c = 0; c < s.GroupInputs; c++)
                    {
                        var from = ((n * s.Rows.Size + y) * s.Columns.Size + x) * s.Inputs + o / s.GroupOutputs * s.GroupInputs + c;
                        visit(from, (o * s.GroupInputs + c) * s.Taps + ky * s.Columns.Taps + kx, ((n * high + oy) * wide + ox) * s.Outputs + o);
                    }
                }
            }
        }
    }

    private static AlignedBuffer Draw(nint length, string name)
    {
        var buffer = new AlignedBuffer((int)length);
        var random = Seed.Of(3).For(name).ToRandom();
        foreach (ref var value in buffer.Span) value = 2 * random.NextSingle() - 1;
        return buffer;
    }

    private static void Near(double[] expected, ReadOnlySpan<float> actual, double factor)
    {
        for (var i = 0; i < expected.Length; i++)
            Assert.True(Math.Abs(factor * expected[i] - actual[i]) <= 1e-4 * Math.Max(1, Math.Abs(expected[i])), $"At {i}: {actual[i]}, expected {factor * expected[i]}.");
    }
}
