using Comity.Tensors.Kernels;

namespace Comity.Tensors.Differentiation;

/// <summary>Mean losses over rows, fused with the function that makes probabilities of scores, which keeps them exact for large scores.</summary>
/// <remarks>The mean divides by the number of rows, not by the sum of their weights: then mini-batches are unbiased for the whole.</remarks>
public static unsafe class Losses
{
    /// <summary>Mean over rows of −wᵢ·Σ t·ln softmax(z), where t is 1 − ε at the label's class and ε/k is added everywhere.</summary>
    /// <param name="tape">The tape.</param>
    /// <param name="logits">Shape [rows, k].</param>
    /// <param name="labels">Shape [rows]: indices of classes.</param>
    /// <param name="weights">Shape [rows]; empty: 1.</param>
    /// <param name="smoothing">ε of the label smoothing, in [0, 1).</param>
    /// <exception cref="ArgumentException">A label is no class, or the shapes do not fit.</exception>
    public static Tensor SoftmaxCrossEntropy(this Tape tape, Tensor logits, ReadOnlySpan<float> labels, ReadOnlySpan<float> weights = default, float smoothing = 0)
    {
        int rows = logits.Shape.Rows, k = logits.Shape.Columns;
        CheckRows(rows, labels.Length, weights.Length);
        var z = tape.Node(logits.Index).Value;
        float* derivative = tape.Take((nint)rows * k), logSum = tape.Take(rows);
        tape.Kernels.SoftmaxAndLogSum(z, derivative, logSum, rows, k);
        float even = smoothing / k, own = 1 - smoothing;
        var total = 0.0;
        for (nint i = 0; i < rows; i++)
        {
            var label = (int)labels[(int)i];
            if ((uint)label >= (uint)k) throw new ArgumentException($"Row {i} has the label {labels[(int)i]}; classes run from 0 to {k - 1}.", nameof(labels));
            var w = weights.IsEmpty ? 1 : weights[(int)i];
            var loss = logSum[i] - own * z[i * k + label];
            if (even > 0) loss -= even * tape.Kernels.Total(z + i * k, k);
            total += w * loss;
            var scale = w / rows;
            tape.Kernels.Affine(scale, -scale * even, derivative + i * k, derivative + i * k, k);
            derivative[i * k + label] -= scale * own;
        }
        var mean = Finish(tape, Operation.SoftmaxCrossEntropy, logits, derivative, total / rows);
        if (!weights.IsEmpty)
        {
            // A clipped pass looks whether examples count alike.
            var kept = tape.Take(rows);
            weights.CopyTo(new Span<float>(kept, rows));
            tape.Node(mean.Index).SavedToo = kept;
        }
        return mean;
    }

    /// <summary>Mean over rows of −Σ t·ln softmax(z) for given probabilities t (distillation).</summary>
    /// <param name="tape">The tape.</param>
    /// <param name="logits">Shape [rows, k].</param>
    /// <param name="targets">Shape [rows, k]; each row sums to 1.</param>
    public static Tensor SoftmaxCrossEntropyWithProbabilities(this Tape tape, Tensor logits, ReadOnlySpan<float> targets)
    {
        int rows = logits.Shape.Rows, k = logits.Shape.Columns;
        if (targets.Length != (long)rows * k) throw new ArgumentException($"{targets.Length} probabilities do not fit {rows} rows of {k} classes.", nameof(targets));
        var z = tape.Node(logits.Index).Value;
        float* derivative = tape.Take((nint)rows * k), logSum = tape.Take(rows);
        tape.Kernels.SoftmaxAndLogSum(z, derivative, logSum, rows, k);
        var total = 0.0;
        for (nint i = 0; i < rows; i++)
        {
            double loss = logSum[i];
            for (nint j = i * k; j < (i + 1) * k; j++)
            {
                loss -= (double)targets[(int)j] * z[j];
                derivative[j] = (derivative[j] - targets[(int)j]) / rows;
            }
            total += loss;
        }
        return Finish(tape, Operation.SoftmaxCrossEntropy, logits, derivative, total / rows);
    }

    /// <summary>Mean over rows of wᵢ·(max(z, 0) − z·t + ln(1 + e^−|z|)): binary cross-entropy of σ(z).</summary>
    /// <param name="tape">The tape.</param>
    /// <param name="logits">Shape [rows] or [rows, 1].</param>
    /// <param name="targets">Shape [rows]: probabilities of the positive class, in [0, 1].</param>
    /// <param name="weights">Shape [rows]; empty: 1.</param>
    public static Tensor SigmoidCrossEntropy(this Tape tape, Tensor logits, ReadOnlySpan<float> targets, ReadOnlySpan<float> weights = default)
    {
        var rows = logits.Shape.Length;
        CheckRows(rows, targets.Length, weights.Length);
        float* t = tape.Take(rows), w = tape.Take(rows), loss = tape.Take(rows), derivative = tape.Take(rows);
        targets.CopyTo(new Span<float>(t, rows));
        if (weights.IsEmpty) new Span<float>(w, rows).Fill(1);
        else weights.CopyTo(new Span<float>(w, rows));
        tape.Kernels.SigmoidCrossEntropy(tape.Node(logits.Index).Value, t, w, loss, derivative, rows);
        tape.Kernels.Affine(1f / rows, 0, derivative, derivative, rows);
        return Finish(tape, Operation.SigmoidCrossEntropy, logits, derivative, RowKernels<WideScalar>.Sum(loss, rows) / rows);
    }

    /// <summary>Mean of (y − t)².</summary>
    /// <param name="tape">The tape.</param>
    /// <param name="values">Any shape.</param>
    /// <param name="targets">As many values.</param>
    public static Tensor MeanSquaredError(this Tape tape, Tensor values, ReadOnlySpan<float> targets) => Values(tape, values, targets, float.PositiveInfinity, 2);

    /// <summary>Mean of |y − t|; the derivative at 0 is 0.</summary>
    /// <param name="tape">The tape.</param>
    /// <param name="values">Any shape.</param>
    /// <param name="targets">As many values.</param>
    public static Tensor MeanAbsoluteError(this Tape tape, Tensor values, ReadOnlySpan<float> targets) => Values(tape, values, targets, 0, 1);

    /// <summary>Mean of ½(y − t)² up to δ and δ·(|y − t| − ½δ) beyond (Huber 1964).</summary>
    /// <param name="tape">The tape.</param>
    /// <param name="values">Any shape.</param>
    /// <param name="targets">As many values.</param>
    /// <param name="delta">δ &gt; 0.</param>
    public static Tensor Huber(this Tape tape, Tensor values, ReadOnlySpan<float> targets, float delta)
    {
        if (!(delta > 0)) throw new ArgumentOutOfRangeException(nameof(delta), delta, "δ must be positive.");
        return Values(tape, values, targets, delta, 1);
    }

    // All three are Huber's: δ = ∞ doubled is the square, δ → 0 divided by δ is the absolute value.
    private static Tensor Values(Tape tape, Tensor values, ReadOnlySpan<float> targets, float delta, float factor)
    {
        var n = values.Shape.Length;
        if (targets.Length != n) throw new ArgumentException($"{targets.Length} targets do not fit {n} values.", nameof(targets));
        var y = tape.Node(values.Index).Value;
        var derivative = tape.Take(n);
        var total = 0.0;
        for (var i = 0; i < n; i++)
        {
            double difference = (double)y[i] - targets[i], size = Math.Abs(difference);
            if (delta == 0)
            {
                total += size;
                derivative[i] = double.IsNaN(difference) ? float.NaN : Math.Sign(difference) / (float)n;
            }
            else
            {
                total += size <= delta ? factor * 0.5 * difference * difference : factor * delta * (size - 0.5 * delta);
                derivative[i] = (float)(factor * (size <= delta ? difference : Math.CopySign(delta, difference)) / n);
            }
        }
        return Finish(tape, Operation.ValueLoss, values, derivative, total / n);
    }

    private static Tensor Finish(Tape tape, Operation operation, Tensor scores, float* derivative, double loss)
    {
        var value = tape.Take(1);
        *value = (float)loss;
        ref var node = ref tape.Append(operation, new Shape(1), value, scores.Index);
        node.Saved = derivative;
        node.Total = loss;
        return tape.Last;
    }

    private static void CheckRows(int rows, int labels, int weights)
    {
        if (labels != rows || (weights != 0 && weights != rows))
            throw new ArgumentException($"{rows} rows need as many labels and weights (or none of these), not {labels} and {weights}.", nameof(labels));
    }
}
