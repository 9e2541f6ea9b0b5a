using Comity.Tensors.Kernels;

namespace Comity.Tensors.Differentiation;

/// <summary>Normalisations over the values of each row.</summary>
public static unsafe class Normalizations
{
    /// <summary>scale·(x − mean)/√(variance + 10⁻⁵) + shift over the values of each row (Ba et al. 2016, arXiv:1607.06450).</summary>
    /// <param name="tape">The tape.</param>
    /// <param name="x">Shape […, n].</param>
    /// <param name="scale">Shape [n].</param>
    /// <param name="shift">Shape [n].</param>
    public static Tensor LayerNorm(this Tape tape, Tensor x, Tensor scale, Tensor shift)
    {
        var shape = x.Shape;
        int rows = shape.Rows, n = shape.Columns;
        if (scale.Shape.Length != n || shift.Shape.Length != n) throw new ArgumentException($"Scale {scale.Shape} and shift {shift.Shape} do not fit rows of {n}.", nameof(scale));
        float* value = tape.Take(shape.Length), mean = tape.Take(rows), inverse = tape.Take(rows);
        tape.Kernels.LayerNorm(tape.Node(x.Index).Value, tape.Node(scale.Index).Value, tape.Node(shift.Index).Value, value, mean, inverse, rows, n);
        ref var node = ref tape.Append(Operation.LayerNorm, shape, value, x.Index, scale.Index, shift.Index);
        node.Saved = mean;
        node.SavedToo = inverse;
        return tape.Last;
    }

    /// <summary>scale·x/√(mean(x²) + 10⁻⁵) over the values of each row (Zhang and Sennrich 2019, arXiv:1910.07467).</summary>
    /// <param name="tape">The tape.</param>
    /// <param name="x">Shape […, n].</param>
    /// <param name="scale">Shape [n].</param>
    public static Tensor RmsNorm(this Tape tape, Tensor x, Tensor scale)
    {
        var shape = x.Shape;
        int rows = shape.Rows, n = shape.Columns;
        if (scale.Shape.Length != n) throw new ArgumentException($"A scale {scale.Shape} does not fit rows of {n}.", nameof(scale));
        float* value = tape.Take(shape.Length), inverse = tape.Take(rows);
        tape.Kernels.RmsNorm(tape.Node(x.Index).Value, tape.Node(scale.Index).Value, value, inverse, rows, n);
        tape.Append(Operation.RmsNorm, shape, value, x.Index, scale.Index).Saved = inverse;
        return tape.Last;
    }
}
