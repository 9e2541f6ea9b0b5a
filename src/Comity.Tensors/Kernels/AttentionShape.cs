namespace Comity.Tensors.Kernels;

/// <summary>What an attention reads: queries, keys and values side by side in rows of 3·<see cref="Width"/>.</summary>
/// <param name="batch">Sequences.</param>
/// <param name="steps">Rows of each.</param>
/// <param name="heads">Heads, each of <see cref="Width"/>/<see cref="Heads"/> columns.</param>
/// <param name="width">Columns of the output.</param>
/// <param name="causal">Whether a step sees only itself and earlier steps.</param>
/// <param name="lengths">Steps of each sequence that are not padding, shape [batch]; null: all.</param>
/// <param name="turns">Cosines and sines of the rotary positions, shape [steps, head width]; null: none.</param>
internal readonly unsafe struct AttentionShape(int batch, int steps, int heads, int width, bool causal, int* lengths, float* turns)
{
    public readonly int Batch = batch, Steps = steps, Heads = heads, Width = width;
    public readonly bool Causal = causal;
    public readonly int* Lengths = lengths;
    public readonly float* Turns = turns;

    public int HeadWidth => Width / Heads;

    /// <summary>Some of the sequences.</summary>
    public AttentionShape Part(int first, int count) => new(count, Steps, Heads, Width, Causal, Lengths == null ? null : Lengths + first, Turns);

    public int LengthOf(int sequence) => Lengths == null ? Steps : Lengths[sequence];
}
