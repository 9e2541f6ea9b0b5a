using System.Buffers;

namespace Comity.Tensors.Kernels;

/// <summary>Sums of whole models.</summary>
public abstract unsafe partial class KernelSet
{
    /// <summary>target = Σ weight·vector, element by element in the order of the vectors, eight of them in one pass over memory.</summary>
    /// <param name="weights">One a vector.</param>
    /// <param name="vectors">Vectors as long as the target, at least one; none of them is the target.</param>
    /// <param name="target">Shape [n]; overwritten.</param>
    /// <exception cref="ArgumentException">The counts or lengths do not fit.</exception>
    public void WeightedSum(ReadOnlySpan<float> weights, ReadOnlySpan<ReadOnlyMemory<float>> vectors, Span<float> target)
    {
        if (weights.Length != vectors.Length || vectors.IsEmpty) throw new ArgumentException($"{weights.Length} weights do not fit {vectors.Length} vectors.", nameof(weights));
        foreach (var vector in vectors)
        {
            if (vector.Length != target.Length) throw new ArgumentException($"A vector of {vector.Length} floats does not fit a sum of {target.Length}.", nameof(vectors));
        }
        const int AtOnce = WeightedSums<WideScalar>.AtOnce;
        float** x = stackalloc float*[AtOnce];
        Span<MemoryHandle> pins = new MemoryHandle[Math.Min(AtOnce, vectors.Length)];
        fixed (float* w = weights, y = target)
        {
            for (var first = 0; first < vectors.Length; first += AtOnce)
            {
                var count = Math.Min(AtOnce, vectors.Length - first);
                for (var v = 0; v < count; v++)
                {
                    pins[v] = vectors[first + v].Pin();
                    x[v] = (float*)pins[v].Pointer;
                }
                SumWeighted(x, w + first, count, y, target.Length, first > 0);
                for (var v = 0; v < count; v++) pins[v].Dispose();
            }
        }
    }

    internal abstract void SumWeighted(float** x, float* weights, int count, float* y, nint n, bool accumulate);
}

/// <summary>Binds the sums of whole models to a width.</summary>
internal sealed unsafe partial class KernelSet<TWide>
{
    internal override void SumWeighted(float** x, float* weights, int count, float* y, nint n, bool accumulate) => WeightedSums<TWide>.Run(x, weights, count, y, n, accumulate);
}
