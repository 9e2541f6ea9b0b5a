using Comity.Tensors.Kernels;

namespace Comity.Tensors.Differentiation;

/// <summary>Layers in one operation each: fused, they read their input once.</summary>
public static unsafe class Layers
{
    /// <summary>What is added to a variance before its root, in every normalisation.</summary>
    internal const float NormalizationEpsilon = 1e-5f;
    private const float StatisticsMomentum = 0.1f;

    /// <summary>activation(x·w + b).</summary>
    /// <param name="tape">The tape.</param>
    /// <param name="x">Shape [rows, inputs].</param>
    /// <param name="weight">Shape [inputs, outputs]: the long side of a last layer stays the vector side.</param>
    /// <param name="bias">Shape [outputs].</param>
    /// <param name="activation">What follows.</param>
    /// <exception cref="ArgumentException">The shapes do not fit.</exception>
    public static Tensor Dense(this Tape tape, Tensor x, Tensor weight, Tensor bias, Activation activation = Activation.Identity)
    {
        var (rows, inputs, outputs) = DenseSizes(x, weight, bias);
        var length = (nint)rows * outputs;
        var value = tape.Take(length);
        // Gelu is the only activation whose derivative cannot be told from its value: it takes the product's place.
        var product = activation == Activation.Gelu && tape.Records ? tape.Take(length) : value;
        tape.Kernels.Gemm(false, false, rows, outputs, inputs, tape.Node(x.Index).Value, inputs, tape.Node(weight.Index).Value, outputs, product, outputs, tape.Node(bias.Index).Value, 0,
            Passing.Activation((Function)activation, product, value));
        ref var node = ref tape.Append(Operation.Dense, new Shape(rows, outputs), value, x.Index, weight.Index, bias.Index);
        node.Option = (int)activation;
        node.Saved = product;
        return tape.Last;
    }

    /// <summary>residual + (x·w + b): what a residual connection adds is added while the product is in a cache.</summary>
    /// <param name="tape">The tape.</param>
    /// <param name="residual">Shape [rows, outputs].</param>
    /// <param name="x">Shape [rows, inputs].</param>
    /// <param name="weight">Shape [inputs, outputs].</param>
    /// <param name="bias">Shape [outputs].</param>
    /// <exception cref="ArgumentException">The shapes do not fit.</exception>
    public static Tensor AddDense(this Tape tape, Tensor residual, Tensor x, Tensor weight, Tensor bias)
    {
        var (rows, inputs, outputs) = DenseSizes(x, weight, bias);
        var shape = new Shape(rows, outputs);
        if (residual.Shape != shape) throw new ArgumentException($"{residual.Shape} arrived; the layer gives {shape}.", nameof(residual));
        var value = tape.Take(shape.Length);
        tape.Kernels.Gemm(false, false, rows, outputs, inputs, tape.Node(x.Index).Value, inputs, tape.Node(weight.Index).Value, outputs, value, outputs, tape.Node(bias.Index).Value, 0,
            Passing.Sum(value, tape.Node(residual.Index).Value));
        // The layer's own value is gone, which no rule reads where there is no activation.
        tape.Append(Operation.Dense, shape, value, x.Index, weight.Index, bias.Index).Saved = value;
        tape.Append(Operation.Add, shape, value, residual.Index, tape.Last.Index);
        return tape.Last;
    }

    /// <summary>Zeroes each value with a probability and scales the rest so that the mean stays (Srivastava et al. 2014). Outside training: x itself.</summary>
    /// <param name="tape">The tape.</param>
    /// <param name="x">Any shape.</param>
    /// <param name="rate">Probability of zero, in [0, 1), on a grid of 2⁻¹⁶.</param>
    public static Tensor Dropout(this Tape tape, Tensor x, float rate)
    {
        if (!(rate >= 0 && rate < 1)) throw new ArgumentOutOfRangeException(nameof(rate), rate, "The rate lies in [0, 1).");
        var dropped = (uint)MathF.Round(rate * 65536);
        if (!tape.IsTraining || dropped == 0) return x;
        dropped = Math.Min(dropped, 65535);
        var shape = x.Shape;
        var length = shape.Length;
        float* mask = tape.Take(length), value = tape.Take(length);
        var scale = 65536f / (65536 - dropped);
        var random = tape.Random!;
        // Four values from each draw.
        for (var i = 0; i < length;)
        {
            var bits = random.NextUInt64();
            for (var j = 0; j < 4 && i < length; j++, bits >>= 16) mask[i++] = (bits & 0xFFFF) < dropped ? 0 : scale;
        }
        tape.Kernels.Multiply(tape.Node(x.Index).Value, mask, value, length, accumulate: false);
        tape.Append(Operation.Dropout, shape, value, x.Index).Saved = mask;
        return tape.Last;
    }

    /// <summary>Normalises each column over the rows of the batch (Ioffe and Szegedy 2015, arXiv:1502.03167); of images with channels last, each channel over all pixels.</summary>
    /// <param name="tape">The tape.</param>
    /// <param name="x">Shape [rows, n] or [images, height, width, n].</param>
    /// <param name="scale">Shape [n].</param>
    /// <param name="shift">Shape [n].</param>
    /// <param name="runningMean">Shape [n]; moved towards the batch's mean by a tenth in training.</param>
    /// <param name="runningVariance">Shape [n]; moved towards the batch's unbiased variance by a tenth in training.</param>
    /// <remarks>Outside training, and for a batch of one row, which has no variance, the running statistics normalise.</remarks>
    public static Tensor BatchNorm(this Tape tape, Tensor x, Tensor scale, Tensor shift, Tensor runningMean, Tensor runningVariance)
    {
        var shape = x.Shape;
        int rows = shape.Rows, n = shape.Columns;
        if (scale.Shape.Length != n || shift.Shape.Length != n || runningMean.Shape.Length != n || runningVariance.Shape.Length != n)
            throw new ArgumentException($"The normalisation's parameters do not fit {n} columns.", nameof(scale));
        var observes = tape.IsTraining && rows > 1;
        float* value = tape.Take(shape.Length), mean = tape.Take(n), inverse = tape.Take(n), factor = tape.Take(n);
        float* source = tape.Node(x.Index).Value, gamma = tape.Node(scale.Index).Value, beta = tape.Node(shift.Index).Value;
        float* means = tape.Node(runningMean.Index).Value, variances = tape.Node(runningVariance.Index).Value;
        var kernels = tape.Kernels;
        if (observes)
        {
            kernels.ColumnSums(source, rows, n, mean, accumulate: false);
            kernels.Affine(1f / rows, 0, mean, mean, n);
            kernels.ColumnSquares(source, mean, rows, n, inverse);
            for (var j = 0; j < n; j++)
            {
                var squares = inverse[j];
                means[j] += StatisticsMomentum * (mean[j] - means[j]);
                variances[j] += StatisticsMomentum * (squares / (rows - 1) - variances[j]);
                inverse[j] = 1 / MathF.Sqrt(squares / rows + NormalizationEpsilon);
            }
        }
        else
        {
            for (var j = 0; j < n; j++) (mean[j], inverse[j]) = (means[j], 1 / MathF.Sqrt(variances[j] + NormalizationEpsilon));
        }
        kernels.Multiply(gamma, inverse, factor, n, accumulate: false);
        kernels.ColumnScale(source, mean, factor, beta, value, rows, n);
        ref var node = ref tape.Append(Operation.BatchNorm, shape, value, x.Index, scale.Index, shift.Index);
        node.Saved = mean;
        node.SavedToo = inverse;
        node.Option = observes ? 1 : 0;
        return tape.Last;
    }

    /// <summary>Normalises groups of channels of each image by themselves, over their pixels (Wu and He 2018, arXiv:1803.08494).</summary>
    /// <param name="tape">The tape.</param>
    /// <param name="x">Shape [images, …, n], channels last.</param>
    /// <param name="scale">Shape [n].</param>
    /// <param name="shift">Shape [n].</param>
    /// <param name="groups">Into how many groups of neighbours the channels are cut; 1: all together (layer norm), n: each apart (instance norm).</param>
    /// <exception cref="ArgumentException">The groups do not divide the channels, or a parameter does not fit them.</exception>
    /// <remarks>An image's outcome depends on no other image, in training as in prediction, so that batches whose records differ from site to site bend nothing.</remarks>
    public static Tensor GroupNorm(this Tape tape, Tensor x, Tensor scale, Tensor shift, int groups)
    {
        var shape = x.Shape;
        int images = shape[0], n = shape.Columns, pixels = shape.Rows / images;
        if (groups < 1 || n % groups != 0) throw new ArgumentException($"{n} channels can't be cut into {groups} equal groups.", nameof(groups));
        if (scale.Shape.Length != n || shift.Shape.Length != n) throw new ArgumentException($"The normalisation's parameters do not fit {n} channels.", nameof(scale));
        var width = n / groups;
        float* value = tape.Take(shape.Length), means = tape.Take((nint)images * n), inverses = tape.Take((nint)images * n), factor = tape.Take(n);
        float* source = tape.Node(x.Index).Value, gamma = tape.Node(scale.Index).Value, beta = tape.Node(shift.Index).Value;
        var kernels = tape.Kernels;
        for (nint i = 0; i < images; i++)
        {
            float* values = source + i * pixels * n, mean = means + i * n, inverse = inverses + i * n;
            kernels.ColumnSums(values, pixels, n, mean, accumulate: false);
            Share(mean, n, width, 1f / ((float)pixels * width));
            kernels.ColumnSquares(values, mean, pixels, n, inverse);
            Share(inverse, n, width, 1f / ((float)pixels * width));
            for (var j = 0; j < n; j++) inverse[j] = 1 / MathF.Sqrt(inverse[j] + NormalizationEpsilon);
            kernels.Multiply(gamma, inverse, factor, n, accumulate: false);
            kernels.ColumnScale(values, mean, factor, beta, value + i * pixels * n, pixels, n);
        }
        ref var node = ref tape.Append(Operation.GroupNorm, shape, value, x.Index, scale.Index, shift.Index);
        node.Saved = means;
        node.SavedToo = inverses;
        node.Option = groups;
        return tape.Last;
    }

    private static (int Rows, int Inputs, int Outputs) DenseSizes(Tensor x, Tensor weight, Tensor bias)
    {
        int inputs = x.Shape.Columns, outputs = weight.Shape.Columns;
        if (weight.Shape.Rows != inputs) throw new ArgumentException($"Rows of {inputs} values arrived; the layer's weight {weight.Shape} expects {weight.Shape.Rows}.", nameof(x));
        if (bias.Shape.Length != outputs) throw new ArgumentException($"A bias of shape {bias.Shape} does not fit {outputs} outputs.", nameof(bias));
        return (x.Shape.Rows, inputs, outputs);
    }

    // Each group's sum, scaled, in the place of its members.
    private static void Share(float* values, int n, int width, float scale)
    {
        for (var first = 0; first < n; first += width)
        {
            var sum = 0f;
            for (var j = first; j < first + width; j++) sum += values[j];
            for (var j = first; j < first + width; j++) values[j] = sum * scale;
        }
    }
}
