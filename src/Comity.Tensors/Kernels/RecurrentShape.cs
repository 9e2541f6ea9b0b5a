namespace Comity.Tensors.Kernels;

/// <summary>A recurrent layer over time-major sequences.</summary>
/// <param name="kind">The cell.</param>
/// <param name="steps">Steps in time.</param>
/// <param name="batch">Sequences.</param>
/// <param name="hidden">Values of the state.</param>
/// <param name="reverse">Whether it runs from the last step to the first.</param>
/// <param name="lengths">Steps of each sequence that are not padding, shape [batch]; null: all. Padding hands the state on unchanged.</param>
internal readonly unsafe struct RecurrentShape(RecurrentKind kind, int steps, int batch, int hidden, bool reverse, int* lengths)
{
    public readonly RecurrentKind Kind = kind;
    public readonly int Steps = steps, Batch = batch, Hidden = hidden;
    public readonly bool Reverse = reverse;
    public readonly int* Lengths = lengths;

    public bool IsPadding(int step, int sequence) => Lengths != null && step >= Lengths[sequence];
}
