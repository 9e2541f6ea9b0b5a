using Comity.Tensors.Differentiation;
using Comity.Tensors.Memory;
using Comity.Tensors.Parameters;
using Comity.Tensors.Randomness;
using Comity.Testing;

namespace Comity.Tensors.Tests.Differentiation;

public sealed class TapeTests
{
    private static readonly ParameterLayout Layout = new([new("weight", [4, 3], 0), new("bias", [3], 12, ParameterRole.Bias), new("unused", [5], 15)]);

    [Fact]
    public void A_pass_allocates_nothing_once_the_tape_is_warm()
    {
        var (tape, parameters, gradient) = Make();
        var x = new float[8 * 4];
        var labels = new float[8];
        void Pass()
        {
            tape.Begin(parameters, gradient);
            var scores = tape.Dense(tape.Constant(x, new Shape(8, 4)), tape.Parameter(0), tape.Parameter(1), Activation.Gelu);
            tape.Backward(tape.SoftmaxCrossEntropy(scores, labels));
        }
        for (var i = 0; i < 10; i++) Pass();
        Allocations.AssertNone(() =>
        {
            for (var i = 0; i < 1000; i++) Pass();
        });
    }

    [Fact]
    public void A_parameter_that_the_loss_does_not_depend_on_has_a_gradient_of_zero()
    {
        var (tape, parameters, gradient) = Make();
        gradient.Span.Fill(float.NaN);
        tape.Begin(parameters, gradient);
        tape.Backward(tape.Sum(tape.Parameter(1)));
        Assert.Equal(new float[12], gradient.Span[..12].ToArray());
        Assert.Equal([1f, 1, 1], gradient.Span[12..15].ToArray());
        Assert.Equal(new float[5], gradient.Span[15..].ToArray());
    }

    [Fact]
    public void A_parameter_used_twice_is_one_tensor_whose_gradients_add()
    {
        var (tape, parameters, gradient) = Make();
        tape.Begin(parameters, gradient);
        tape.Backward(tape.Add(tape.Sum(tape.Parameter(1)), tape.Sum(tape.Affine(tape.Parameter(1), 2, 0))));
        Assert.Equal([3f, 3, 3], gradient.Span[12..15].ToArray());
    }

    [Fact]
    public void Running_statistics_are_observed_and_have_no_gradient()
    {
        var layout = new ParameterLayout([
            new("scale", [2], 0, ParameterRole.BatchNorm), new("shift", [2], 2, ParameterRole.BatchNorm),
            new("mean", [2], 4, ParameterRole.BatchNormStatistic), new("variance", [2], 6, ParameterRole.BatchNormStatistic)]);
        var (parameters, gradient) = (new AlignedBuffer(8), new AlignedBuffer(8));
        float[] start = [1, 1, 0, 0, 0, 0, 1, 1];
        start.CopyTo(parameters.Span);
        var tape = new Tape(layout);
        tape.Begin(parameters, gradient, Seed.Of(1).ToRandom());
        var x = tape.Constant([1, 10, 3, 20, 5, 60], new Shape(3, 2));
        tape.Backward(tape.Sum(tape.BatchNorm(x, tape.Parameter(0), tape.Parameter(1), tape.Parameter(2), tape.Parameter(3))));
        // Means 3 and 30, unbiased variances 4 and 700, a tenth of the way.
        float[] expected = [0.3f, 3, 1 + 0.1f * 3, 1 + 0.1f * 699];
        for (var i = 0; i < 4; i++) Assert.Equal(expected[i], parameters.Span[4 + i], 1e-4f);
        Assert.Equal(new float[4], gradient.Span[4..].ToArray());
    }

    [Fact]
    public void Dropout_keeps_the_mean_and_its_derivative_is_its_mask()
    {
        const int N = 40_000;
        var layout = new ParameterLayout([new("x", [N], 0)]);
        var (parameters, gradient) = (new AlignedBuffer(N), new AlignedBuffer(N));
        parameters.Span.Fill(2);
        var tape = new Tape(layout);
        tape.Begin(parameters, gradient, Seed.Of(1).ToRandom());
        var y = tape.Dropout(tape.Parameter(0), 0.3f);
        tape.Backward(tape.Sum(y));
        var values = y.Values.ToArray();
        Assert.Equal(0.3, values.Count(v => v == 0) / (double)N, 0.01);
        Assert.Equal(2, values.Average(), 0.03);
        for (var i = 0; i < N; i++) Assert.Equal(values[i] / 2, gradient.Span[i]);
        tape.Begin(parameters, gradient);
        Assert.Equal(2, tape.Dropout(tape.Parameter(0), 0.3f).Values[0]);
    }

    [Fact]
    public void A_shape_that_does_not_fit_names_what_arrived_and_what_was_expected()
    {
        var (tape, parameters, gradient) = Make();
        tape.Begin(parameters, gradient);
        var x = tape.Constant(new float[10], new Shape(2, 5));
        var e = Assert.Throws<ArgumentException>(() => tape.Dense(x, tape.Parameter(0), tape.Parameter(1)));
        Assert.Contains("Rows of 5 values arrived; the layer's weight [4, 3] expects 4.", e.Message, StringComparison.Ordinal);
        e = Assert.Throws<ArgumentException>(() => tape.AddDense(x, tape.Constant(new float[8], new Shape(2, 4)), tape.Parameter(0), tape.Parameter(1)));
        Assert.Contains("[2, 5] arrived; the layer gives [2, 3].", e.Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => tape.Add(x, tape.Parameter(1)));
        Assert.Throws<ArgumentException>(() => tape.MatrixProduct(x, tape.Parameter(0)));
        Assert.Throws<ArgumentException>(() => tape.Backward(x));
        Assert.Throws<ArgumentException>(() => tape.SoftmaxCrossEntropy(x, [0, 5]));
        Assert.Throws<ArgumentException>(() => tape.Begin(new AlignedBuffer(3), gradient));
    }

    [Fact]
    public void Chosen_rows_come_in_the_order_asked_for()
    {
        var (tape, parameters, gradient) = Make();
        tape.Begin(parameters, gradient);
        Assert.Equal([4f, 5, 0, 1, 4, 5], tape.Rows([0, 1, 2, 3, 4, 5], 2, [2, 0, 2]).Values.ToArray());
    }

    private static (Tape Tape, AlignedBuffer Parameters, AlignedBuffer Gradient) Make() => (new Tape(Layout), new AlignedBuffer(Layout.Length), new AlignedBuffer(Layout.Length));
}
