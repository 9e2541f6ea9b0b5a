using Comity.Tensors.Threading;

namespace Comity.Tensors.Kernels;

/// <summary>The operations that a team shares when they are large enough to be worth it.</summary>
internal sealed unsafe partial class KernelSet<TWide>
{
    // About 50 µs of work: less is done sooner than a helper could begin.
    private const double LeastProducts = 2e6;
    private const nint LeastValues = 1 << 16;

    internal override void Gemm(bool transposeA, bool transposeB, int m, int n, int k, float* a, int lda, float* b, int ldb, float* c, int ldc, float* start, int ldStart) =>
        Gemm(transposeA, transposeB, m, n, k, a, lda, b, ldb, c, ldc, start, ldStart, default);

    internal override void Gemm(bool transposeA, bool transposeB, int m, int n, int k, float* a, int lda, float* b, int ldb, float* c, int ldc, float* start, int ldStart, in Passing passing)
    {
        var job = new GemmJob(transposeA, transposeB, m, n, k, (nint)a, lda, (nint)b, ldb, (nint)c, ldc, (nint)start, ldStart, passing);
        if (team is null || n == 1 || (double)m * n * k < LeastProducts) job.Do(0, 1);
        else team.Run(job, team.Threads);
    }

    internal override void GeluAndRule(float* x, float* y, nint n)
    {
        var job = new GeluJob((nint)x, (nint)y, n);
        if (team is null || n < LeastValues) job.Do(0, 1);
        else team.Run(job, team.Threads);
    }

    internal override void Apply(Function function, float* x, float* y, nint n)
    {
        var job = new ApplyJob(function, (nint)x, (nint)y, n);
        if (team is null || n < LeastValues) job.Do(0, 1);
        else team.Run(job, team.Threads);
    }

    internal override void ApplyRule(Function function, float* saved, float* gradient, float* target, nint n, bool accumulate)
    {
        var job = new ApplyRuleJob(function, (nint)saved, (nint)gradient, (nint)target, n, accumulate);
        if (team is null || n < LeastValues) job.Do(0, 1);
        else team.Run(job, team.Threads);
    }

    internal override bool Adam(float* w, float* g, float* m, float* v, nint n, float step, float beta1, float beta2, float correction, float epsilon)
    {
        if (team is null || n < LeastValues) return Updates<TWide>.RunAdam(w, g, m, v, n, step, beta1, beta2, correction, epsilon);
        var broken = 0;
        team.Run(new AdamJob((nint)w, (nint)g, (nint)m, (nint)v, n, step, beta1, beta2, correction, epsilon, (nint)(&broken)), team.Threads);
        return broken == 0;
    }

    internal override void Convolve(in ConvolutionShape shape, float* x, float* w, float* start, float* y) => Share(new ConvolveJob(shape, 0, (nint)x, (nint)w, (nint)start, (nint)y, false), shape, shape.Images);

    internal override void ConvolveInputRule(in ConvolutionShape shape, float* dy, float* w, float* start, float* dx) =>
        Share(new ConvolveJob(shape, 1, (nint)dy, (nint)w, (nint)start, (nint)dx, false), shape, shape.Images);

    internal override void ConvolveWeightRule(in ConvolutionShape shape, float* x, float* dy, float* dw, bool accumulate) =>
        Share(new ConvolveJob(shape, 2, (nint)x, (nint)dy, 0, (nint)dw, accumulate), shape, Convolution<TWide>.CanShareWeights(shape) ? (shape.Outputs + Tiles<TWide>.Width - 1) / Tiles<TWide>.Width : 1);

    internal override void ConvolveWeightNorms(in ConvolutionShape shape, int examples, float* x, float* dy, double* squares)
    {
        var job = new ConvolveNormsJob(shape, examples, (nint)x, (nint)dy, (nint)squares);
        if (team is null || (double)shape.Images * shape.OutputImage * shape.GroupInputs * shape.Taps < LeastProducts) job.Do(0, 1);
        else team.Run(job, Math.Min(examples, team.Threads));
    }

    internal override void PoolLargest(in PoolingShape shape, float* x, float* y, float* place) => Share(new PoolJob(shape, true, (nint)x, (nint)y, (nint)place, false), shape);

    internal override void PoolLargestRule(in PoolingShape shape, float* dy, float* place, float* dx, bool accumulate) => Share(new PoolJob(shape, false, (nint)dx, (nint)dy, (nint)place, accumulate), shape);

    private void Share(ConvolveJob job, in ConvolutionShape s, int most)
    {
        if (team is null || (double)s.Images * s.OutputImage * s.GroupInputs * s.Taps < LeastProducts) job.Do(0, 1);
        else team.Run(job, Math.Min(most, team.Threads));
    }

    private void Share(PoolJob job, in PoolingShape s)
    {
        if (team is null || s.Images * s.Input < LeastValues) job.Do(0, 1);
        else team.Run(job, Math.Min(s.Images, team.Threads));
    }

    // A part of n values, cut at whole registers of every width.
    private static (nint First, nint Count) Slice(nint n, int part, int parts)
    {
        nint first = n / 16 * part / parts * 16, end = part + 1 == parts ? n : n / 16 * (part + 1) / parts * 16;
        return (first, end - first);
    }

    private readonly record struct GemmJob(bool TransposeA, bool TransposeB, int M, int N, int K, nint A, int Lda, nint B, int Ldb, nint C, int Ldc, nint Start, int LdStart, Passing Passing) : IJob
    {
        public void Do(int part, int parts)
        {
            float* a = (float*)A, b = (float*)B, c = (float*)C, start = (float*)Start;
            // The longer side is cut, at whole tiles; a single column is never left over, for it would be summed in another order.
            var rows = M > N || N % Tiles<TWide>.Width == 1;
            int unit = rows ? TWide.TileRows : Tiles<TWide>.Width, size = rows ? M : N, units = (size + unit - 1) / unit;
            int first = units * part / parts * unit, count = Math.Min(size, units * (part + 1) / parts * unit) - first;
            if (count <= 0) return;
            var passing = Passing;
            // Of parts of the rows, each reads all of B: the first one sums it.
            if (passing.ColumnSums != null) passing.ColumnSums = !rows ? passing.ColumnSums + first : first == 0 ? passing.ColumnSums : null;
            if (rows)
                Gemm<TWide>.Run(TransposeA, TransposeB, count, N, K, a + (TransposeA ? first : (nint)first * Lda), Lda, b, Ldb, c + (nint)first * Ldc, Ldc, start == null ? null : start + (nint)first * LdStart, LdStart, passing);
            else
                Gemm<TWide>.Run(TransposeA, TransposeB, M, count, K, a, Lda, b + (TransposeB ? (nint)first * Ldb : first), Ldb, c + first, Ldc, start == null ? null : start + first, LdStart, passing);
        }
    }

    private readonly record struct GeluJob(nint X, nint Y, nint N) : IJob
    {
        public void Do(int part, int parts)
        {
            var (first, count) = Slice(N, part, parts);
            Elementwise<TWide>.GeluAndRule((float*)X + first, (float*)Y + first, count);
        }
    }

    private readonly record struct ApplyJob(Function Function, nint X, nint Y, nint N) : IJob
    {
        public void Do(int part, int parts)
        {
            var (first, count) = Slice(N, part, parts);
            ApplyTo(Function, (float*)X + first, (float*)Y + first, count);
        }
    }

    private readonly record struct ApplyRuleJob(Function Function, nint Saved, nint Gradient, nint Target, nint N, bool Accumulate) : IJob
    {
        public void Do(int part, int parts)
        {
            var (first, count) = Slice(N, part, parts);
            ApplyRuleTo(Function, (float*)Saved + first, (float*)Gradient + first, (float*)Target + first, count, Accumulate);
        }
    }

    private readonly record struct AdamJob(nint W, nint G, nint M, nint V, nint N, float Step, float Beta1, float Beta2, float Correction, float Epsilon, nint Broken) : IJob
    {
        public void Do(int part, int parts)
        {
            var (first, count) = Slice(N, part, parts);
            if (!Updates<TWide>.RunAdam((float*)W + first, (float*)G + first, (float*)M + first, (float*)V + first, count, Step, Beta1, Beta2, Correction, Epsilon)) Interlocked.Increment(ref *(int*)Broken);
        }
    }

    // 0: forwards, 1: derivative by the input, both cut by images; 2: by the weights, cut by output channels, whose sums over images stay in order.
    private readonly record struct ConvolveJob(ConvolutionShape Shape, int Kind, nint From, nint With, nint Start, nint To, bool Accumulate) : IJob
    {
        public void Do(int part, int parts)
        {
            float* from = (float*)From, with = (float*)With, start = (float*)Start, to = (float*)To;
            if (Kind == 2)
            {
                Convolution<TWide>.WeightRule(Shape, from, with, to, Accumulate, part, parts);
                return;
            }
            int first = Shape.Images * part / parts, count = Shape.Images * (part + 1) / parts - first;
            if (count == 0) return;
            nint read = first * (Kind == 0 ? Shape.InputImage : Shape.OutputImage), written = first * (Kind == 0 ? Shape.OutputImage : Shape.InputImage);
            var begin = start == to ? start + written : start;
            if (Kind == 0) Convolution<TWide>.Forward(Shape with { Images = count }, from + read, with, begin, to + written);
            else Convolution<TWide>.InputRule(Shape with { Images = count }, from + read, with, begin, to + written);
        }
    }

    private readonly record struct ConvolveNormsJob(ConvolutionShape Shape, int Examples, nint X, nint Dy, nint Squares) : IJob
    {
        public void Do(int part, int parts) => ConvolutionNorms<TWide>.Add(Shape, Examples, (float*)X, (float*)Dy, (double*)Squares, part, parts);
    }

    private readonly record struct PoolJob(PoolingShape Shape, bool Forward, nint X, nint Y, nint Place, bool Accumulate) : IJob
    {
        public void Do(int part, int parts)
        {
            int first = Shape.Images * part / parts, count = Shape.Images * (part + 1) / parts - first;
            if (count == 0) return;
            float* x = (float*)X + first * Shape.Input, y = (float*)Y + first * Shape.Output, place = (float*)Place + first * Shape.Output;
            if (Forward) PoolingKernels<TWide>.Largest(Shape with { Images = count }, x, y, place);
            else PoolingKernels<TWide>.LargestRule(Shape with { Images = count }, y, place, x, Accumulate);
        }
    }
}
