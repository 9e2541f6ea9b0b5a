using Comity.Tensors.Kernels;
using Comity.Tensors.Quantization;
using Comity.Tensors.Randomness;
using Comity.Tensors.Threading;
using Comity.Testing;

namespace Comity.Tensors.Tests.Quantization;

public sealed class QuantizedMatrixTests
{
    // The twin: weights and records rounded by the definition, their product in double precision.
    [Theory]
    [InlineData(1, 13, 5)]
    [InlineData(7, 40, 33)]
    [InlineData(243, 131, 20)]
    [InlineData(32, 784, 128)]
    public void A_product_is_that_of_the_rounded_numbers(int rows, int inputs, int outputs)
    {
        var random = Seed.Of(1).For("quantized").ToRandom();
        float[] x = Numbers(random, rows * inputs, 3), w = Numbers(random, inputs * outputs, 0.2f), bias = Numbers(random, outputs, 1), y = new float[rows * outputs];
        QuantizedMatrix.Of(w, inputs, outputs).Multiply(x, rows, bias, y);
        for (var j = 0; j < outputs; j++)
        {
            var step = Enumerable.Range(0, inputs).Max(d => Math.Abs(w[d * outputs + j])) / 64.0;
            for (var i = 0; i < rows; i++)
            {
                var row = x.AsSpan(i * inputs, inputs);
                double low = 0, high = 0, expected = bias[j], mass = Math.Abs(bias[j]);
                foreach (var value in row) (low, high) = (Math.Min(low, value), Math.Max(high, value));
                var scale = (high - low) / 255;
                for (var d = 0; d < inputs; d++)
                {
                    var product = scale * Math.Round(row[d] / scale) * step * Math.Round(w[d * outputs + j] / step);
                    (expected, mass) = (expected + product, mass + Math.Abs(product));
                }
                // A value on the border between two bytes may fall to either side in single precision.
                Assert.Equal(expected, y[i * outputs + j], 1e-5 * mass + 2 * scale * step * 64);
            }
        }
    }

    [Fact]
    public void What_is_a_multiple_of_its_scale_comes_back_exactly()
    {
        // Weights are whole with the largest 64, records whole from 0 to 255: nothing is rounded.
        const int Rows = 5, Inputs = 37, Outputs = 21;
        var random = Seed.Of(2).ToRandom();
        float[] x = new float[Rows * Inputs], w = new float[Inputs * Outputs], y = new float[Rows * Outputs];
        for (var i = 0; i < x.Length; i++) x[i] = i % Inputs == 0 ? 255 : random.NextInt32(256);
        for (var i = 0; i < w.Length; i++) w[i] = i < Outputs ? -64 : random.NextInt32(129) - 64;
        QuantizedMatrix.Of(w, Inputs, Outputs).Multiply(x, Rows, [], y);
        for (var i = 0; i < y.Length; i++)
        {
            var expected = Enumerable.Range(0, Inputs).Sum(d => x[i / Outputs * Inputs + d] * (double)w[d * Outputs + i % Outputs]);
            Assert.Equal(expected, y[i]);
        }
    }

    [Fact]
    public void Every_width_and_any_number_of_threads_give_the_same_bits()
    {
        const int Rows = 250, Inputs = 131, Outputs = 150;
        var random = Seed.Of(3).ToRandom();
        float[] x = Numbers(random, Rows * Inputs, 1), w = Numbers(random, Inputs * Outputs, 1), bias = Numbers(random, Outputs, 1), expected = new float[Rows * Outputs], y = new float[Rows * Outputs];
        QuantizedMatrix.Of(w, Inputs, Outputs, KernelSet.Of(VectorWidth.Scalar)).Multiply(x, Rows, bias, expected);
        using var team = new Team(3);
        foreach (var kernels in Enum.GetValues<VectorWidth>().Select(KernelSet.Of).Append(KernelSet.Best.With(team)))
        {
            QuantizedMatrix.Of(w, Inputs, Outputs, kernels).Multiply(x, Rows, bias, y);
            Assert.True(expected.AsSpan().SequenceEqual(y), $"Width {kernels.Width}.");
        }
    }

    [Fact]
    public void A_record_is_answered_alike_alone_and_among_others()
    {
        const int Rows = 9, Inputs = 50, Outputs = 10;
        var random = Seed.Of(4).ToRandom();
        float[] x = Numbers(random, Rows * Inputs, 5), w = Numbers(random, Inputs * Outputs, 1), together = new float[Rows * Outputs], alone = new float[Outputs];
        var matrix = QuantizedMatrix.Of(w, Inputs, Outputs);
        matrix.Multiply(x, Rows, [], together);
        for (var i = 0; i < Rows; i++)
        {
            matrix.Multiply(x.AsSpan(i * Inputs, Inputs), 1, [], alone);
            Assert.Equal(together[(i * Outputs)..((i + 1) * Outputs)], alone);
        }
    }

    [Fact]
    public void Rows_and_columns_of_zeros_and_rows_that_are_not_finite_have_their_answers()
    {
        float[] x = [0, 0, 0, 1, float.NaN, 2, 1, 2, float.NegativeInfinity, 1, 2, 3, 1e-38f, -1e-38f, 0], w = [0, 1, 0, -2, 0, 0.5f], y = new float[10];
        QuantizedMatrix.Of(w, 3, 2).Multiply(x, 5, [7, 8], y);
        Assert.Equal([7, 8], y[..2]);
        Assert.All(y[2..6], value => Assert.True(float.IsNaN(value)));
        Assert.Equal(7, y[6]);
        Assert.Equal(8 + 1 - 4 + 1.5, y[7], 0.1);
        Assert.Equal([7, 8], y[8..]);
    }

    [Fact]
    public void A_product_allocates_nothing_once_warm()
    {
        var matrix = QuantizedMatrix.Of(new float[20 * 30], 20, 30);
        float[] x = new float[40], y = new float[60];
        Allocations.AssertNone(() => matrix.Multiply(x, 2, [], y));
    }

    [Fact]
    public void Wrong_lengths_and_weights_that_are_not_finite_are_refused()
    {
        Assert.Throws<ArgumentException>(() => QuantizedMatrix.Of(new float[5], 2, 3));
        Assert.Contains("[1, 0]", Assert.Throws<ArgumentException>(() => QuantizedMatrix.Of([1, 2, float.NaN, 4], 2, 2)).Message, StringComparison.Ordinal);
        var matrix = QuantizedMatrix.Of(new float[6], 2, 3);
        Assert.Throws<ArgumentException>(() => matrix.Multiply(new float[3], 2, [], new float[6]));
        Assert.Throws<ArgumentException>(() => matrix.Multiply(new float[4], 2, new float[2], new float[6]));
        Assert.Throws<ArgumentException>(() => matrix.Multiply(new float[4], 2, [], new float[5]));
    }

    private static float[] Numbers(SeededRandom random, int count, float scale)
    {
        var numbers = new float[count];
        foreach (ref var number in numbers.AsSpan()) number = scale * (float)random.NextGaussian();
        return numbers;
    }
}
