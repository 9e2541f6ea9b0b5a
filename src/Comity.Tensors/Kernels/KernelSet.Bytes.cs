using Comity.Tensors.Memory;
using Comity.Tensors.Threading;

namespace Comity.Tensors.Kernels;

/// <summary>Products of bytes.</summary>
public abstract unsafe partial class KernelSet
{
    /// <summary>C = A·B for unsigned bytes A and signed bytes B, row-major. Sums are exact, so the same at every width.</summary>
    /// <param name="m">Rows of C.</param>
    /// <param name="n">Columns of C.</param>
    /// <param name="k">Depth, at most 131 586, beyond which sums might not fit.</param>
    /// <param name="a">Shape [m, k].</param>
    /// <param name="b">Shape [k, n], within ±64: then two products still fit into the 16 bits in which processors first add them.</param>
    /// <param name="c">Shape [m, n].</param>
    /// <exception cref="ArgumentException">A length does not fit its shape, the depth is too great, or a value of B is beyond ±64.</exception>
    public void Multiply(int m, int n, int k, ReadOnlySpan<byte> a, ReadOnlySpan<sbyte> b, Span<int> c)
    {
        if (k > Bytes.Deepest) throw new ArgumentOutOfRangeException(nameof(k), k, $"Sums of more than {Bytes.Deepest} products may not fit into 32 bits; split the depth.");
        if (a.Length != (long)m * k) throw new ArgumentException($"A holds {a.Length} bytes; {m}·{k} were expected.", nameof(a));
        if (b.Length != (long)k * n) throw new ArgumentException($"B holds {b.Length} bytes; {k}·{n} were expected.", nameof(b));
        if (c.Length != (long)m * n) throw new ArgumentException($"C holds {c.Length} sums; {m}·{n} were expected.", nameof(c));
        if (b.ContainsAnyExceptInRange((sbyte)-Bytes.Largest, (sbyte)Bytes.Largest)) throw new ArgumentException($"B must lie within ±{Bytes.Largest}.", nameof(b));
        var panels = (sbyte*)Scratch.OfThread.Right(BytePanels(k, n) / sizeof(float) + 1);
        var sums = SumsBytes ? (int*)Scratch.OfThread.Work(n) : null;
        fixed (byte* pa = a)
        {
            fixed (sbyte* pb = b)
            {
                fixed (int* pc = c)
                {
                    PackBytes(k, n, pb, panels, sums);
                    MultiplyBytes(m, n, k, pa, panels, sums, pc);
                }
            }
        }
    }

    /// <summary>Bytes of a matrix [k, n] as <see cref="MultiplyBytes(int, int, int, byte*, sbyte*, int*, int*)"/> reads it.</summary>
    internal abstract nint BytePanels(int k, int n);

    /// <summary>Whether <see cref="MultiplyBytes(int, int, int, byte*, sbyte*, int*, int*)"/> reads the sums of columns.</summary>
    internal abstract bool SumsBytes { get; }

    /// <summary>Puts B into panels and sums its columns, unless null is given for the sums.</summary>
    internal abstract void PackBytes(int k, int n, sbyte* b, sbyte* panels, int* columnSums);

    internal abstract void MultiplyBytes(int m, int n, int k, byte* a, sbyte* panels, int* columnSums, int* c);

    /// <summary>Y = S·(A − zeros)·B·T + bias, with a scale S and a zero point for each row of A and a scale T for each column of B.</summary>
    internal abstract void MultiplyBytes(int m, int n, int k, byte* a, float* scales, int* zeros, sbyte* panels, float* columnScales, int* columnSums, float* bias, float* y);
}

/// <summary>Binds the products of bytes to a width.</summary>
internal sealed unsafe partial class KernelSet<TWide>
{
    internal override nint BytePanels(int k, int n) => Bytes<TWide>.Length(k, n);

    internal override bool SumsBytes => TWide.ByteOffset != 0;

    internal override void PackBytes(int k, int n, sbyte* b, sbyte* panels, int* columnSums)
    {
        Bytes<TWide>.Pack(k, n, b, panels);
        if (columnSums == null) return;
        new Span<int>(columnSums, n).Clear();
        for (nint d = 0; d < k; d++)
        {
            for (nint j = 0; j < n; j++) columnSums[j] += b[d * n + j];
        }
    }

    internal override void MultiplyBytes(int m, int n, int k, byte* a, sbyte* panels, int* columnSums, int* c) =>
        Share(new BytesJob(m, n, k, (nint)a, 0, 0, (nint)panels, 0, (nint)columnSums, 0, (nint)c));

    internal override void MultiplyBytes(int m, int n, int k, byte* a, float* scales, int* zeros, sbyte* panels, float* columnScales, int* columnSums, float* bias, float* y) =>
        Share(new BytesJob(m, n, k, (nint)a, (nint)scales, (nint)zeros, (nint)panels, (nint)columnScales, (nint)columnSums, (nint)bias, (nint)y));

    private void Share(BytesJob job)
    {
        if (team is null || (double)job.M * job.N * job.K < 2 * LeastProducts) job.Do(0, 1);
        else team.Run(job, Math.Min(job.M, team.Threads));
    }

    // Sums stay as they are where there are no scales; else each block of rows is turned into floats where it lies.
    private readonly record struct BytesJob(int M, int N, int K, nint A, nint Scales, nint Zeros, nint Panels, nint ColumnScales, nint ColumnSums, nint Bias, nint C) : IJob
    {
        public void Do(int part, int parts)
        {
            const int AtOnce = 240;
            int first = (int)((long)M * part / parts), end = (int)((long)M * (part + 1) / parts);
            for (nint i = first; i < end; i += AtOnce)
            {
                var count = (int)Math.Min(AtOnce, end - i);
                var c = (int*)C + i * N;
                Bytes<TWide>.Multiply(count, N, K, (byte*)A + i * K, (sbyte*)Panels, (int*)ColumnSums, c, N);
                for (var row = i; Scales != 0 && row < i + count; row++)
                    RowQuantization.Dequantize((int*)C + row * N, N, ((float*)Scales)[row], ((int*)Zeros)[row], (float*)ColumnScales, (int*)ColumnSums, (float*)Bias);
            }
        }
    }
}
