using Comity.Tensors.Threading;

namespace Comity.Tensors.Kernels;

/// <summary>The operations over sequences and rows that a team shares: what belongs to one sequence or row is computed by one thread.</summary>
internal sealed unsafe partial class KernelSet<TWide>
{
    internal override void Attend(in AttentionShape shape, float* qkv, float* output, float* logSums) =>
        Share(new AttendJob(shape, (nint)qkv, (nint)output, (nint)logSums, 0, 0, false), shape);

    internal override void AttendRule(in AttentionShape shape, float* qkv, float* output, float* logSums, float* gradient, float* target, bool accumulate) =>
        Share(new AttendJob(shape, (nint)qkv, (nint)output, (nint)logSums, (nint)gradient, (nint)target, accumulate), shape);

    internal override void LayerNorm(float* x, float* scale, float* shift, float* y, float* mean, float* inverse, int rows, int n) =>
        Share(new NormJob((nint)x, (nint)scale, (nint)shift, (nint)y, (nint)mean, (nint)inverse, rows, n), rows, n);

    internal override void RmsNorm(float* x, float* scale, float* y, float* inverse, int rows, int n) =>
        Share(new NormJob((nint)x, (nint)scale, 0, (nint)y, 0, (nint)inverse, rows, n), rows, n);

    internal override void SwiGlu(float* x, float* y, int rows, int n) => Share(new GateJob((nint)x, 0, (nint)y, rows, n, false), rows, n);

    internal override void SwiGluRule(float* x, float* gradient, float* dx, int rows, int n, bool accumulate) =>
        Share(new GateJob((nint)x, (nint)gradient, (nint)dx, rows, n, accumulate), rows, n);

    internal override void SoftmaxAndLogSum(float* x, float* p, float* logSum, int rows, int columns) =>
        Share(new SoftmaxJob((nint)x, (nint)p, (nint)logSum, rows, columns), rows, columns);

    private void Share(AttendJob job, in AttentionShape s)
    {
        if (team is null || (double)s.Batch * s.Width * s.Steps * s.Steps < LeastProducts) job.Do(0, 1);
        else team.Run(job, Math.Min(s.Batch, team.Threads));
    }

    private void Share<TJob>(TJob job, int rows, int n) where TJob : unmanaged, IJob
    {
        if (team is null || (nint)rows * n < LeastValues) job.Do(0, 1);
        else team.Run(job, Math.Min(rows, team.Threads));
    }

    // Forwards where there is no target; cut by sequences.
    private readonly record struct AttendJob(AttentionShape Shape, nint Qkv, nint Output, nint LogSums, nint Gradient, nint Target, bool Accumulate) : IJob
    {
        public void Do(int part, int parts)
        {
            int first = Shape.Batch * part / parts, count = Shape.Batch * (part + 1) / parts - first;
            if (count == 0) return;
            nint rows = (nint)first * Shape.Steps;
            var shape = Shape.Part(first, count);
            float* qkv = (float*)Qkv + 3 * rows * Shape.Width, output = (float*)Output + rows * Shape.Width, sums = (float*)LogSums + rows * Shape.Heads;
            if (Target == 0) Attention<TWide>.Run(shape, qkv, output, sums);
            else Attention<TWide>.Rule(shape, qkv, output, sums, (float*)Gradient + rows * Shape.Width, (float*)Target + 3 * rows * Shape.Width, Accumulate);
        }
    }

    // Layer norm, or RMS norm where there is no shift.
    private readonly record struct NormJob(nint X, nint Scale, nint Shift, nint Y, nint Mean, nint Inverse, int Rows, int N) : IJob
    {
        public void Do(int part, int parts)
        {
            nint first = (nint)Rows * part / parts;
            var count = (int)((nint)Rows * (part + 1) / parts - first);
            float* x = (float*)X + first * N, y = (float*)Y + first * N;
            if (Shift == 0) NormKernels<TWide>.Rms(x, (float*)Scale, y, (float*)Inverse + first, count, N);
            else NormKernels<TWide>.Layer(x, (float*)Scale, (float*)Shift, y, (float*)Mean + first, (float*)Inverse + first, count, N);
        }
    }

    // Forwards where there is no gradient.
    private readonly record struct GateJob(nint X, nint Gradient, nint To, int Rows, int N, bool Accumulate) : IJob
    {
        public void Do(int part, int parts)
        {
            nint first = (nint)Rows * part / parts, end = (nint)Rows * (part + 1) / parts;
            var x = (float*)X + 2 * first * N;
            if (Gradient == 0) Gated(x, (float*)To + first * N, (int)(end - first), N);
            else GatedRule(x, (float*)Gradient + first * N, (float*)To + 2 * first * N, (int)(end - first), N, Accumulate);
        }
    }

    private readonly record struct SoftmaxJob(nint X, nint P, nint LogSum, int Rows, int N) : IJob
    {
        public void Do(int part, int parts)
        {
            nint first = (nint)Rows * part / parts, end = (nint)Rows * (part + 1) / parts;
            RowKernels<TWide>.SoftmaxAndLogSum((float*)X + first * N, (float*)P + first * N, (float*)LogSum + first, (int)(end - first), N);
        }
    }
}
