using Comity.Tensors.Threading;

namespace Comity.Tensors.Kernels;

/// <summary>Products of many matrices, and with matrices stored in bf16.</summary>
public abstract unsafe partial class KernelSet
{
    /// <summary>Cᵢ = op(Aᵢ)·op(Bᵢ), or Cᵢ += op(Aᵢ)·op(Bᵢ), for a batch of row-major matrices that lie one after another.</summary>
    /// <param name="batch">Number of products.</param>
    /// <param name="transposeA">Whether each A is stored as [k, m].</param>
    /// <param name="transposeB">Whether each B is stored as [n, k].</param>
    /// <param name="m">Rows of a C.</param>
    /// <param name="n">Columns of a C.</param>
    /// <param name="k">Depth.</param>
    /// <param name="a">Shape [batch, m, k], or [batch, k, m] when transposed.</param>
    /// <param name="b">Shape [batch, k, n], or [batch, n, k] when transposed; a single matrix serves the whole batch.</param>
    /// <param name="c">Shape [batch, m, n].</param>
    /// <param name="accumulate">Whether the products are added to C.</param>
    /// <exception cref="ArgumentException">A length does not fit its shape.</exception>
    public void MultiplyBatch(int batch, bool transposeA, bool transposeB, int m, int n, int k, ReadOnlySpan<float> a, ReadOnlySpan<float> b, Span<float> c, bool accumulate = false)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(batch);
        if (a.Length != (long)batch * m * k) throw new ArgumentException($"A holds {a.Length} floats; {batch}·{m}·{k} were expected.", nameof(a));
        if (b.Length != (long)batch * k * n && b.Length != (long)k * n) throw new ArgumentException($"B holds {b.Length} floats; {batch}·{k}·{n} or {k}·{n} were expected.", nameof(b));
        if (c.Length != (long)batch * m * n) throw new ArgumentException($"C holds {c.Length} floats; {batch}·{m}·{n} were expected.", nameof(c));
        fixed (float* pa = a, pb = b, pc = c)
            GemmBatch(batch, transposeA, transposeB, m, n, k, pa, pb, b.Length == (long)k * n ? 0 : (nint)k * n, pc, accumulate);
    }

    /// <summary>squares[e] += ‖Xᵀ·D‖² over the rows of example e, shape [examples].</summary>
    internal abstract void ProductNorms(in ProductNormsShape shape, float* x, float* d, double* squares);

    internal abstract void GemmBatch(int batch, bool transposeA, bool transposeB, int m, int n, int k, float* a, float* b, nint bStride, float* c, bool accumulate);

    /// <summary>Words of a matrix [k, n] in bf16 as <see cref="MultiplyHalf"/> reads it.</summary>
    internal abstract int HalfWords(int k, int n);

    internal abstract void PackHalf(int k, int n, float* b, uint* panels);

    /// <summary>c = start + a·B for one row a of k values.</summary>
    internal abstract void MultiplyHalf(int k, int n, float* a, uint* panels, float* c, float* start);
}

/// <summary>Binds these products to a width.</summary>
internal sealed unsafe partial class KernelSet<TWide>
{
    internal override void ProductNorms(in ProductNormsShape shape, float* x, float* d, double* squares)
    {
        var job = new NormsJob(shape, (nint)x, (nint)d, (nint)squares);
        if (team is null || (double)shape.Rows * (shape.Inputs + shape.Outputs) * Math.Max(1, shape.Rows / shape.Examples) < LeastProducts) job.Do(0, 1);
        else team.Run(job, Math.Min(shape.Examples, team.Threads));
    }

    internal override void GemmBatch(int batch, bool transposeA, bool transposeB, int m, int n, int k, float* a, float* b, nint bStride, float* c, bool accumulate)
    {
        var job = new BatchJob(batch, transposeA, transposeB, m, n, k, (nint)a, (nint)b, bStride, (nint)c, accumulate);
        if (team is null || (double)batch * m * n * k < LeastProducts) job.Do(0, 1);
        else team.Run(job, Math.Min(batch, team.Threads));
    }

    internal override int HalfWords(int k, int n) => HalfRow<TWide>.Words(k, n);

    internal override void PackHalf(int k, int n, float* b, uint* panels) => HalfRow<TWide>.Pack(k, n, b, panels);

    internal override void MultiplyHalf(int k, int n, float* a, uint* panels, float* c, float* start) => HalfRow<TWide>.Run(k, n, a, panels, c, start);

    private readonly record struct NormsJob(ProductNormsShape Shape, nint X, nint D, nint Squares) : IJob
    {
        public void Do(int part, int parts) => ProductNorms<TWide>.Add(Shape, (float*)X, (float*)D, (double*)Squares, part, parts);
    }

    // Whole products go to a thread, so that their sums do not depend on how many there are.
    private readonly record struct BatchJob(int Batch, bool TransposeA, bool TransposeB, int M, int N, int K, nint A, nint B, nint BStride, nint C, bool Accumulate) : IJob
    {
        public void Do(int part, int parts)
        {
            int first = (int)((long)Batch * part / parts), end = (int)((long)Batch * (part + 1) / parts);
            for (nint i = first; i < end; i++)
            {
                float* a = (float*)A + i * M * K, b = (float*)B + i * BStride, c = (float*)C + i * M * N;
                Gemm<TWide>.Run(TransposeA, TransposeB, M, N, K, a, TransposeA ? M : K, b, TransposeB ? K : N, c, N, Accumulate ? c : null, Accumulate ? N : 0);
            }
        }
    }
}
