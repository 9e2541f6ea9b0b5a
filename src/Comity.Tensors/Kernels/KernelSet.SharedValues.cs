using Comity.Tensors.Threading;

namespace Comity.Tensors.Kernels;

/// <summary>Arithmetic over values that a team shares, cut at whole registers; sums over rows are cut by columns, each of which keeps its order.</summary>
internal sealed unsafe partial class KernelSet<TWide>
{
    private const int ColumnsTogether = 64; // whole groups of four registers at every width

    internal override void Affine(float a, float b, float* x, float* y, nint n) => Share(new ValuesJob(Arithmetic.Affine, a, b, (nint)x, 0, (nint)y, n));

    internal override void Add(float* x, float* y, float* z, nint n) => Share(new ValuesJob(Arithmetic.Add, 0, 0, (nint)x, (nint)y, (nint)z, n));

    internal override void Multiply(float* x, float* y, float* z, nint n, bool accumulate) =>
        Share(new ValuesJob(accumulate ? Arithmetic.AddProduct : Arithmetic.Multiply, 0, 0, (nint)x, (nint)y, (nint)z, n));

    internal override void AddScaled(float a, float* x, float* y, nint n) => Share(new ValuesJob(Arithmetic.AddScaled, a, 0, (nint)x, (nint)y, (nint)y, n));

    internal override void ColumnSums(float* x, int rows, int columns, float* target, bool accumulate)
    {
        var job = new ColumnsJob((nint)x, rows, columns, (nint)target, accumulate);
        if (team is null || (nint)rows * columns < LeastValues) job.Do(0, 1);
        else team.Run(job, Math.Clamp(columns / ColumnsTogether, 1, team.Threads));
    }

    private void Share(in ValuesJob job)
    {
        if (team is null || job.N < LeastValues) job.Do(0, 1);
        else team.Run(job, team.Threads);
    }

    private enum Arithmetic
    {
        Affine,
        Add,
        Multiply,
        AddProduct,
        AddScaled,
    }

    private readonly record struct ValuesJob(Arithmetic Kind, float A, float B, nint X, nint Y, nint Z, nint N) : IJob
    {
        public void Do(int part, int parts)
        {
            var (first, n) = Slice(N, part, parts);
            float* x = (float*)X + first, y = (float*)Y + first, z = (float*)Z + first;
            switch (Kind)
            {
                case Arithmetic.Affine: Elementwise<TWide>.Map(new Operators<TWide>.Affine(A, B), x, z, n); break;
                case Arithmetic.Add: Elementwise<TWide>.Zip(default(Operators<TWide>.Add), x, y, z, n); break;
                case Arithmetic.Multiply: Elementwise<TWide>.Zip(default(Operators<TWide>.Multiply), x, y, z, n); break;
                case Arithmetic.AddProduct: Elementwise<TWide>.ZipAdd(default(Operators<TWide>.Multiply), x, y, z, n); break;
                default: Elementwise<TWide>.Zip(new Operators<TWide>.AddScaled(A), x, y, z, n); break;
            }
        }
    }

    private readonly record struct ColumnsJob(nint X, int Rows, int Columns, nint Target, bool Accumulate) : IJob
    {
        public void Do(int part, int parts)
        {
            int groups = Columns / ColumnsTogether, first = groups * part / parts * ColumnsTogether, end = part + 1 == parts ? Columns : groups * (part + 1) / parts * ColumnsTogether;
            RowKernels<TWide>.ColumnSums((float*)X + first, Rows, end - first, Columns, (float*)Target + first, Accumulate);
        }
    }
}
