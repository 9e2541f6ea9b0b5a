namespace Comity.Tensors.Differentiation;

/// <summary>A value on a <see cref="Tape"/>. Valid until the tape begins anew.</summary>
public readonly unsafe struct Tensor
{
    internal Tensor(Tape tape, int index) => (Tape, Index) = (tape, index);

    internal Tape Tape { get; }

    internal int Index { get; }

    /// <summary>Its sizes.</summary>
    public Shape Shape => Tape.Node(Index).Shape;

    /// <summary>Its elements, row-major.</summary>
    public ReadOnlySpan<float> Values => new(Tape.Node(Index).Value, Shape.Length);

    /// <summary>The derivative of the last <see cref="Tape.Backward"/>'s loss by each element; empty when none was needed.</summary>
    public ReadOnlySpan<float> Gradient => Tape.Node(Index).Gradient == null ? [] : new(Tape.Node(Index).Gradient, Shape.Length);

    /// <summary>The only element.</summary>
    /// <exception cref="InvalidOperationException">There are several.</exception>
    public float Scalar => Shape.Length == 1 ? *Tape.Node(Index).Value : throw new InvalidOperationException($"A tensor of shape {Shape} is not a scalar.");

    /// <summary>The only element, in double precision where the operation kept it (the losses did).</summary>
    internal double PreciseScalar => Tape.Node(Index).Total is not 0 and var total ? total : Scalar;
}
