using System.Runtime.CompilerServices;
using Comity.Tensors.Memory;

namespace Comity.Tensors.Kernels;

/// <summary>Runs a cell through time, and its derivative back (Werbos 1990). The weights are packed once for all steps.</summary>
/// <remarks>
/// Arrays are time-major: [steps, batch, …]. The product with the input, over all steps at once, was taken before.
/// A sequence that is over hands its state on, so the last step holds everyone's last state; a reversed run begins each at its own end.
/// </remarks>
internal static unsafe class Recurrence<TWide, TCell>
    where TWide : unmanaged, IWide<TWide>
    where TCell : struct, ICell
{
    /// <param name="shape">The shape.</param>
    /// <param name="input">[steps, batch, gates·H].</param>
    /// <param name="weight">[H, gates·H].</param>
    /// <param name="bias">[gates·H], added to the product; null: none.</param>
    /// <param name="state">[steps, batch, H], written.</param>
    /// <param name="cell">[steps, batch, H], written where the cell has one.</param>
    /// <param name="kept">[steps, batch, kept·H], written; null: nothing will be differentiated.</param>
    public static void Run(in RecurrentShape shape, float* input, float* weight, float* bias, float* state, float* cell, float* kept)
    {
        int n = shape.Hidden, wide = TCell.Gates * n, batch = shape.Batch;
        var packed = PackedMatrix<TWide>.Length(n, wide);
        nint products = (nint)batch * wide, states = (nint)batch * n;
        var memory = Scratch.OfThread.Work(packed + products + states + (nint)TCell.Kept * n);
        float* panels = memory, product = panels + packed, zeros = product + products, spare = zeros + states;
        PackedMatrix<TWide>.Pack(false, n, wide, weight, panels);
        new Span<float>(zeros, (int)states).Clear();
        for (var s = 0; s < shape.Steps; s++)
        {
            var t = shape.Reverse ? shape.Steps - 1 - s : s;
            var back = (shape.Reverse ? 1 : -1) * states;
            float* h = state + t * states, before = s == 0 ? zeros : h + back;
            float* c = TCell.HasCell ? cell + t * states : zeros, cellBefore = s == 0 || !TCell.HasCell ? zeros : c + back;
            if (s > 0) PackedMatrix<TWide>.Multiply(batch, wide, n, before, panels, product, bias, 0);
            else Repeat(bias, batch, wide, product);
            for (nint b = 0; b < batch; b++)
            {
                if (shape.IsPadding(t, (int)b))
                {
                    Copy(before + b * n, h + b * n, n);
                    if (TCell.HasCell) Copy(cellBefore + b * n, c + b * n, n);
                    continue;
                }
                Forward(n, new CellRow(
                    (nint)(input + (t * (nint)batch + b) * wide), (nint)(product + b * wide), (nint)(kept == null ? spare : kept + (t * (nint)batch + b) * TCell.Kept * n),
                    (nint)(before + b * n), (nint)(h + b * n), (nint)(cellBefore + b * n), (nint)(c + b * n)));
            }
        }
    }

    /// <param name="shape">The shape.</param>
    /// <param name="weight">[H, gates·H].</param>
    /// <param name="state">What the run gave.</param>
    /// <param name="cell">What it gave.</param>
    /// <param name="kept">What it kept.</param>
    /// <param name="gradient">∂L/∂state, [steps, batch, H].</param>
    /// <param name="dInput">∂L/∂input, [steps, batch, gates·H]; overwritten.</param>
    /// <param name="dProduct">∂L by the product with the weights; the same memory where the cell does not tell them apart.</param>
    public static void Rule(in RecurrentShape shape, float* weight, float* state, float* cell, float* kept, float* gradient, float* dInput, float* dProduct)
    {
        int n = shape.Hidden, wide = TCell.Gates * n, batch = shape.Batch;
        var packed = PackedMatrix<TWide>.Length(wide, n);
        var states = (nint)batch * n;
        var memory = Scratch.OfThread.Work(packed + 3 * states);
        float* panels = memory, dh = panels + packed, dc = dh + states, zeros = dc + states;
        PackedMatrix<TWide>.Pack(true, wide, n, weight, panels);
        new Span<float>(dh, (int)(3 * states)).Clear();
        for (var s = shape.Steps - 1; s >= 0; s--)
        {
            var t = shape.Reverse ? shape.Steps - 1 - s : s;
            var back = (shape.Reverse ? 1 : -1) * states;
            float* before = s == 0 ? zeros : state + t * states + back, cellBefore = s == 0 || !TCell.HasCell ? zeros : cell + t * states + back;
            float* dx = dInput + (nint)t * batch * wide, dp = dProduct + (nint)t * batch * wide;
            Elementwise<TWide>.Zip(default(Operators<TWide>.Add), gradient + t * states, dh, dh, states);
            for (nint b = 0; b < batch; b++)
            {
                if (shape.IsPadding(t, (int)b))
                {
                    new Span<float>(dx + b * wide, wide).Clear();
                    if (dp != dx) new Span<float>(dp + b * wide, wide).Clear();
                    continue;
                }
                Backward(n, new CellRow(
                    (nint)(dx + b * wide), (nint)(dp + b * wide), (nint)(kept + (t * (nint)batch + b) * TCell.Kept * n),
                    (nint)(before + b * n), (nint)(dh + b * n), (nint)(cellBefore + b * n), (nint)(dc + b * n)));
            }
            if (s > 0) PackedMatrix<TWide>.Multiply(batch, n, wide, dp, panels, dh, dh, n);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Forward(int n, in CellRow row)
    {
        var j = 0;
        for (; j + TWide.Count <= n; j += TWide.Count) TCell.Forward<TWide>(n, row.At(j));
        for (; j < n; j++) TCell.Forward<WideScalar>(n, row.At(j));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Backward(int n, in CellRow row)
    {
        var j = 0;
        for (; j + TWide.Count <= n; j += TWide.Count) TCell.Backward<TWide>(n, row.At(j));
        for (; j < n; j++) TCell.Backward<WideScalar>(n, row.At(j));
    }

    private static void Repeat(float* row, int rows, int n, float* target)
    {
        for (nint i = 0; i < rows; i++)
        {
            if (row == null) new Span<float>(target + i * n, n).Clear();
            else Copy(row, target + i * n, n);
        }
    }

    private static void Copy(float* source, float* target, int n) => Buffer.MemoryCopy(source, target, n * sizeof(float), n * sizeof(float));
}
