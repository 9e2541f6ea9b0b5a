using System.Runtime.CompilerServices;

namespace Comity.Tensors.Kernels;

/// <summary>The innermost part of the matrix product: a tile of C with up to 12 rows and two registers of columns.</summary>
/// <remarks>
/// No call may stand in this method: all vector registers are saved by the caller, so one cold call makes the compiler spill
/// every accumulator inside the loop. Hence accumulators are named locals, and edges are dealt with outside.
/// Each element is a chain of fused multiply-adds in the order of k, begun at the start value: the bits depend neither on the
/// width nor on tiles and blocks.
/// </remarks>
internal static unsafe class GemmTile<TWide, TRows>
    where TWide : unmanaged, IWide<TWide>
    where TRows : struct, IRows
{
    /// <summary>C += A·B for one tile, where C already holds its start value, or C = A·B.</summary>
    /// <param name="k">Depth, at least 1.</param>
    /// <param name="a">First element of the tile's rows of A.</param>
    /// <param name="rowStride">Floats from one row of A to the next.</param>
    /// <param name="depthStride">Floats from one column of A to the next.</param>
    /// <param name="b">First element of the tile's columns of B; rows are contiguous over two registers.</param>
    /// <param name="ldb">Floats from one row of B to the next.</param>
    /// <param name="c">First element of the tile in C.</param>
    /// <param name="ldc">Floats from one row of C to the next.</param>
    /// <param name="start">Null: zero; otherwise what to start from.</param>
    /// <param name="ldStart">Floats from one row of the start to the next; 0: the same row for all (a bias).</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization), SkipLocalsInit]
    public static void Run(nint k, float* a, nint rowStride, nint depthStride, float* b, nint ldb, float* c, nint ldc, float* start, nint ldStart)
    {
        var n = TWide.Count;
        TWide c00 = TWide.Zero, c01 = TWide.Zero, c10 = TWide.Zero, c11 = TWide.Zero, c20 = TWide.Zero, c21 = TWide.Zero,
            c30 = TWide.Zero, c31 = TWide.Zero, c40 = TWide.Zero, c41 = TWide.Zero, c50 = TWide.Zero, c51 = TWide.Zero,
            c60 = TWide.Zero, c61 = TWide.Zero, c70 = TWide.Zero, c71 = TWide.Zero, c80 = TWide.Zero, c81 = TWide.Zero,
            c90 = TWide.Zero, c91 = TWide.Zero, cA0 = TWide.Zero, cA1 = TWide.Zero, cB0 = TWide.Zero, cB1 = TWide.Zero;
        if (start != null)
        {
            var from = start;
            c00 = TWide.Load(from); c01 = TWide.Load(from + n);
            if (TRows.Value > 1) { from += ldStart; c10 = TWide.Load(from); c11 = TWide.Load(from + n); }
            if (TRows.Value > 2) { from += ldStart; c20 = TWide.Load(from); c21 = TWide.Load(from + n); }
            if (TRows.Value > 3) { from += ldStart; c30 = TWide.Load(from); c31 = TWide.Load(from + n); }
            if (TRows.Value > 4) { from += ldStart; c40 = TWide.Load(from); c41 = TWide.Load(from + n); }
            if (TRows.Value > 5) { from += ldStart; c50 = TWide.Load(from); c51 = TWide.Load(from + n); }
            if (TRows.Value > 6) { from += ldStart; c60 = TWide.Load(from); c61 = TWide.Load(from + n); }
            if (TRows.Value > 7) { from += ldStart; c70 = TWide.Load(from); c71 = TWide.Load(from + n); }
            if (TRows.Value > 8) { from += ldStart; c80 = TWide.Load(from); c81 = TWide.Load(from + n); }
            if (TRows.Value > 9) { from += ldStart; c90 = TWide.Load(from); c91 = TWide.Load(from + n); }
            if (TRows.Value > 10) { from += ldStart; cA0 = TWide.Load(from); cA1 = TWide.Load(from + n); }
            if (TRows.Value > 11) { from += ldStart; cB0 = TWide.Load(from); cB1 = TWide.Load(from + n); }
        }
        var stride = rowStride * sizeof(float);
        var step = depthStride * sizeof(float);
        byte* r0 = (byte*)a, r3 = r0 + 3 * stride, r6 = r3 + 3 * stride, r9 = r6 + 3 * stride;
        do
        {
            var b0 = TWide.Load(b);
            var b1 = TWide.Load(b + n);
            TWide x;
            x = TWide.Create(*(float*)(r0)); c00 = TWide.MultiplyAdd(x, b0, c00); c01 = TWide.MultiplyAdd(x, b1, c01);
            if (TRows.Value > 1) { x = TWide.Create(*(float*)(r0 + stride)); c10 = TWide.MultiplyAdd(x, b0, c10); c11 = TWide.MultiplyAdd(x, b1, c11); }
            if (TRows.Value > 2) { x = TWide.Create(*(float*)(r0 + 2 * stride)); c20 = TWide.MultiplyAdd(x, b0, c20); c21 = TWide.MultiplyAdd(x, b1, c21); }
            if (TRows.Value > 3) { x = TWide.Create(*(float*)(r3)); c30 = TWide.MultiplyAdd(x, b0, c30); c31 = TWide.MultiplyAdd(x, b1, c31); }
            if (TRows.Value > 4) { x = TWide.Create(*(float*)(r3 + stride)); c40 = TWide.MultiplyAdd(x, b0, c40); c41 = TWide.MultiplyAdd(x, b1, c41); }
            if (TRows.Value > 5) { x = TWide.Create(*(float*)(r3 + 2 * stride)); c50 = TWide.MultiplyAdd(x, b0, c50); c51 = TWide.MultiplyAdd(x, b1, c51); }
            if (TRows.Value > 6) { x = TWide.Create(*(float*)(r6)); c60 = TWide.MultiplyAdd(x, b0, c60); c61 = TWide.MultiplyAdd(x, b1, c61); }
            if (TRows.Value > 7) { x = TWide.Create(*(float*)(r6 + stride)); c70 = TWide.MultiplyAdd(x, b0, c70); c71 = TWide.MultiplyAdd(x, b1, c71); }
            if (TRows.Value > 8) { x = TWide.Create(*(float*)(r6 + 2 * stride)); c80 = TWide.MultiplyAdd(x, b0, c80); c81 = TWide.MultiplyAdd(x, b1, c81); }
            if (TRows.Value > 9) { x = TWide.Create(*(float*)(r9)); c90 = TWide.MultiplyAdd(x, b0, c90); c91 = TWide.MultiplyAdd(x, b1, c91); }
            if (TRows.Value > 10) { x = TWide.Create(*(float*)(r9 + stride)); cA0 = TWide.MultiplyAdd(x, b0, cA0); cA1 = TWide.MultiplyAdd(x, b1, cA1); }
            if (TRows.Value > 11) { x = TWide.Create(*(float*)(r9 + 2 * stride)); cB0 = TWide.MultiplyAdd(x, b0, cB0); cB1 = TWide.MultiplyAdd(x, b1, cB1); }
            r0 += step;
            if (TRows.Value > 3) r3 += step;
            if (TRows.Value > 6) r6 += step;
            if (TRows.Value > 9) r9 += step;
            b += ldb;
        }
        while (--k != 0);
        TWide.Store(c00, c); TWide.Store(c01, c + n);
        if (TRows.Value > 1) { c += ldc; TWide.Store(c10, c); TWide.Store(c11, c + n); }
        if (TRows.Value > 2) { c += ldc; TWide.Store(c20, c); TWide.Store(c21, c + n); }
        if (TRows.Value > 3) { c += ldc; TWide.Store(c30, c); TWide.Store(c31, c + n); }
        if (TRows.Value > 4) { c += ldc; TWide.Store(c40, c); TWide.Store(c41, c + n); }
        if (TRows.Value > 5) { c += ldc; TWide.Store(c50, c); TWide.Store(c51, c + n); }
        if (TRows.Value > 6) { c += ldc; TWide.Store(c60, c); TWide.Store(c61, c + n); }
        if (TRows.Value > 7) { c += ldc; TWide.Store(c70, c); TWide.Store(c71, c + n); }
        if (TRows.Value > 8) { c += ldc; TWide.Store(c80, c); TWide.Store(c81, c + n); }
        if (TRows.Value > 9) { c += ldc; TWide.Store(c90, c); TWide.Store(c91, c + n); }
        if (TRows.Value > 10) { c += ldc; TWide.Store(cA0, c); TWide.Store(cA1, c + n); }
        if (TRows.Value > 11) { c += ldc; TWide.Store(cB0, c); TWide.Store(cB1, c + n); }
    }
}
