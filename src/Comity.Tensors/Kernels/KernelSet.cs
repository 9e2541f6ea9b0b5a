using System.Runtime.Intrinsics;
using Comity.Tensors.Threading;

namespace Comity.Tensors.Kernels;

/// <summary>All kernels at one vector width, a part for each family. Instances hold no state and may be shared.</summary>
public abstract unsafe partial class KernelSet
{
    private protected KernelSet()
    {
    }

    /// <summary>The widest that this processor runs at full speed.</summary>
    public static KernelSet Best { get; } = Of(
        Vector512.IsHardwareAccelerated ? VectorWidth.Bits512
        : Vector256.IsHardwareAccelerated ? VectorWidth.Bits256
        : Vector128.IsHardwareAccelerated ? VectorWidth.Bits128
        : VectorWidth.Scalar);

    /// <summary>The width.</summary>
    public abstract VectorWidth Width { get; }

    /// <summary>The same kernels, whose large operations are shared by a team of threads; the bits are the same for any number of them.</summary>
    /// <param name="team">The threads; null: the caller alone.</param>
    public abstract KernelSet With(Team? team);

    /// <summary>The kernels of a width; correct on every processor, fast where the processor has it.</summary>
    public static KernelSet Of(VectorWidth width) => width switch
    {
        VectorWidth.Scalar => new KernelSet<WideScalar>(width, null),
        VectorWidth.Bits128 => new KernelSet<Wide128>(width, null),
        VectorWidth.Bits256 => new KernelSet<Wide256>(width, null),
        VectorWidth.Bits512 => new KernelSet<Wide512>(width, null),
        _ => throw new ArgumentOutOfRangeException(nameof(width), width, "Choose scalar, 128, 256 or 512 bits."),
    };

    /// <summary>C = op(A)·op(B), or C += op(A)·op(B), row-major.</summary>
    /// <param name="transposeA">Whether A is stored as [k, m].</param>
    /// <param name="transposeB">Whether B is stored as [n, k].</param>
    /// <param name="m">Rows of C.</param>
    /// <param name="n">Columns of C.</param>
    /// <param name="k">Depth.</param>
    /// <param name="a">Shape [m, k], or [k, m] when transposed.</param>
    /// <param name="b">Shape [k, n], or [n, k] when transposed.</param>
    /// <param name="c">Shape [m, n].</param>
    /// <param name="accumulate">Whether the product is added to C.</param>
    /// <exception cref="ArgumentException">A length does not fit its shape.</exception>
    public void Multiply(bool transposeA, bool transposeB, int m, int n, int k, ReadOnlySpan<float> a, ReadOnlySpan<float> b, Span<float> c, bool accumulate = false)
    {
        if (a.Length != (long)m * k) throw new ArgumentException($"A holds {a.Length} floats; {m}·{k} were expected.", nameof(a));
        if (b.Length != (long)k * n) throw new ArgumentException($"B holds {b.Length} floats; {k}·{n} were expected.", nameof(b));
        if (c.Length != (long)m * n) throw new ArgumentException($"C holds {c.Length} floats; {m}·{n} were expected.", nameof(c));
        fixed (float* pa = a, pb = b, pc = c)
            Gemm(transposeA, transposeB, m, n, k, pa, transposeA ? m : k, pb, transposeB ? k : n, pc, n, accumulate ? pc : null, accumulate ? n : 0);
    }

    /// <summary>Euclidean norm, summed in a fixed order with double precision between blocks.</summary>
    public double Norm(ReadOnlySpan<float> x)
    {
        fixed (float* p = x) return Math.Sqrt(Dot(p, p, x.Length));
    }

    internal abstract void Gemm(bool transposeA, bool transposeB, int m, int n, int k, float* a, int lda, float* b, int ldb, float* c, int ldc, float* start, int ldStart);

    /// <summary>A product and what is done beside it.</summary>
    internal abstract void Gemm(bool transposeA, bool transposeB, int m, int n, int k, float* a, int lda, float* b, int ldb, float* c, int ldc, float* start, int ldStart, in Passing passing);

    /// <summary>y = gelu(x), and gelu's derivative in the place of x.</summary>
    internal abstract void GeluAndRule(float* x, float* y, nint n);

    internal abstract void Apply(Function function, float* x, float* y, nint n);

    internal abstract void ApplyRule(Function function, float* saved, float* gradient, float* target, nint n, bool accumulate);

    internal abstract void Affine(float a, float b, float* x, float* y, nint n);

    internal abstract void Add(float* x, float* y, float* z, nint n);

    internal abstract void Subtract(float* x, float* y, float* z, nint n);

    internal abstract void Multiply(float* x, float* y, float* z, nint n, bool accumulate);

    internal abstract void Divide(float* x, float* y, float* z, nint n);

    /// <summary>y += a·x.</summary>
    internal abstract void AddScaled(float a, float* x, float* y, nint n);

    internal abstract void ColumnSums(float* x, int rows, int columns, float* target, bool accumulate);

    internal abstract double Dot(float* x, float* y, nint n);

    internal abstract float Total(float* x, int n);

    internal abstract void Softmax(float* x, float* y, int rows, int columns);

    internal abstract void SoftmaxAndLogSum(float* x, float* p, float* logSum, int rows, int columns);

    internal abstract void SigmoidCrossEntropy(float* z, float* target, float* weight, float* loss, float* derivative, int rows);

    // Optimisers' updates tell whether the gradient was finite.

    /// <summary>Whether one thread does everything.</summary>
    internal abstract bool IsAlone { get; }

    internal abstract bool Descent(float* w, float* g, nint n, float rate);

    internal abstract bool Momentum(float* w, float* g, float* v, nint n, float rate, float momentum);

    internal abstract bool Nesterov(float* w, float* g, float* v, nint n, float rate, float momentum);

    internal abstract bool RmsProp(float* w, float* g, float* v, nint n, float rate, float decay, float epsilon);

    internal abstract bool Adam(float* w, float* g, float* m, float* v, nint n, float step, float beta1, float beta2, float correction, float epsilon);
}
