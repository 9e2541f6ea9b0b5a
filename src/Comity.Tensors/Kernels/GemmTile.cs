using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace Comity.Tensors.Kernels;

/// <summary>The innermost part of the matrix product: tiles of C with up to 12 rows and two registers of columns, one below the other.</summary>
/// <remarks>
/// Several tiles a call, for a call costs as much as a tile of a short depth.
/// No call may stand in this method: all vector registers are saved by the caller, so one cold call makes the compiler spill
/// every accumulator inside the loop. Hence accumulators are named locals, and edges are dealt with outside.
/// Each element is a chain of fused multiply-adds in the order of k, begun at the start value: the bits depend neither on the
/// width nor on tiles and blocks.
/// </remarks>
internal static unsafe class GemmTile<TLanes, TVector, TRows>
    where TLanes : struct, ILanes<TVector>
    where TVector : unmanaged
    where TRows : struct, IRows
{
    /// <summary>C = start + Σ over segments of A·B: each segment reads A at an offset of its own, and B goes on from where the last one ended.</summary>
    /// <param name="tiles">Tiles, at least 1.</param>
    /// <param name="nextTile">Floats from the first element of A of a tile to that of the next one.</param>
    /// <param name="segments">Segments of the depth, at least 1. A matrix product has one; a convolution has one for each run of taps.</param>
    /// <param name="offsets">Floats from <paramref name="a"/> to each segment, shape [segments].</param>
    /// <param name="k">Depth of a segment, at least 1.</param>
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
    public static void Run(nint tiles, nint nextTile, nint segments, nint* offsets, nint k, float* a, nint rowStride, nint depthStride, float* b, nint ldb, float* c, nint ldc, float* start, nint ldStart)
    {
        var n = TLanes.Count;
        var stride = rowStride * sizeof(float);
        var step = depthStride * sizeof(float);
        do
        {
            if (Sse.IsSupported)
            {
                // The next tile's rows of C are on their way while this one is computed.
                var next = c + TRows.Value * ldc;
                Sse.Prefetch0(next);
                if (TRows.Value > 1) Sse.Prefetch0(next + ldc);
                if (TRows.Value > 2) Sse.Prefetch0(next + 2 * ldc);
                if (TRows.Value > 3) Sse.Prefetch0(next + 3 * ldc);
                if (TRows.Value > 4) Sse.Prefetch0(next + 4 * ldc);
                if (TRows.Value > 5) Sse.Prefetch0(next + 5 * ldc);
                if (TRows.Value > 6) Sse.Prefetch0(next + 6 * ldc);
                if (TRows.Value > 7) Sse.Prefetch0(next + 7 * ldc);
                if (TRows.Value > 8) Sse.Prefetch0(next + 8 * ldc);
                if (TRows.Value > 9) Sse.Prefetch0(next + 9 * ldc);
                if (TRows.Value > 10) Sse.Prefetch0(next + 10 * ldc);
                if (TRows.Value > 11) Sse.Prefetch0(next + 11 * ldc);
            }
            TVector c00 = TLanes.Zero, c01 = TLanes.Zero, c10 = TLanes.Zero, c11 = TLanes.Zero, c20 = TLanes.Zero, c21 = TLanes.Zero,
                c30 = TLanes.Zero, c31 = TLanes.Zero, c40 = TLanes.Zero, c41 = TLanes.Zero, c50 = TLanes.Zero, c51 = TLanes.Zero,
                c60 = TLanes.Zero, c61 = TLanes.Zero, c70 = TLanes.Zero, c71 = TLanes.Zero, c80 = TLanes.Zero, c81 = TLanes.Zero,
                c90 = TLanes.Zero, c91 = TLanes.Zero, cA0 = TLanes.Zero, cA1 = TLanes.Zero, cB0 = TLanes.Zero, cB1 = TLanes.Zero;
            if (start != null)
            {
                var from = start;
                c00 = TLanes.Load(from); c01 = TLanes.Load(from + n);
                if (TRows.Value > 1) { from += ldStart; c10 = TLanes.Load(from); c11 = TLanes.Load(from + n); }
                if (TRows.Value > 2) { from += ldStart; c20 = TLanes.Load(from); c21 = TLanes.Load(from + n); }
                if (TRows.Value > 3) { from += ldStart; c30 = TLanes.Load(from); c31 = TLanes.Load(from + n); }
                if (TRows.Value > 4) { from += ldStart; c40 = TLanes.Load(from); c41 = TLanes.Load(from + n); }
                if (TRows.Value > 5) { from += ldStart; c50 = TLanes.Load(from); c51 = TLanes.Load(from + n); }
                if (TRows.Value > 6) { from += ldStart; c60 = TLanes.Load(from); c61 = TLanes.Load(from + n); }
                if (TRows.Value > 7) { from += ldStart; c70 = TLanes.Load(from); c71 = TLanes.Load(from + n); }
                if (TRows.Value > 8) { from += ldStart; c80 = TLanes.Load(from); c81 = TLanes.Load(from + n); }
                if (TRows.Value > 9) { from += ldStart; c90 = TLanes.Load(from); c91 = TLanes.Load(from + n); }
                if (TRows.Value > 10) { from += ldStart; cA0 = TLanes.Load(from); cA1 = TLanes.Load(from + n); }
                if (TRows.Value > 11) { from += ldStart; cB0 = TLanes.Load(from); cB1 = TLanes.Load(from + n); }
            }
            float* panel = b, target = c;
            var offset = offsets;
            var left = segments;
            do
            {
                byte* r0 = (byte*)(a + *offset++), r3 = r0 + 3 * stride, r6 = r3 + 3 * stride, r9 = r6 + 3 * stride;
                var depth = k;
                do
                {
                    var b0 = TLanes.Load(panel);
                    var b1 = TLanes.Load(panel + n);
                    TVector x;
                    x = TLanes.Create(*(float*)(r0)); c00 = TLanes.MultiplyAdd(x, b0, c00); c01 = TLanes.MultiplyAdd(x, b1, c01);
                    if (TRows.Value > 1) { x = TLanes.Create(*(float*)(r0 + stride)); c10 = TLanes.MultiplyAdd(x, b0, c10); c11 = TLanes.MultiplyAdd(x, b1, c11); }
                    if (TRows.Value > 2) { x = TLanes.Create(*(float*)(r0 + 2 * stride)); c20 = TLanes.MultiplyAdd(x, b0, c20); c21 = TLanes.MultiplyAdd(x, b1, c21); }
                    if (TRows.Value > 3) { x = TLanes.Create(*(float*)(r3)); c30 = TLanes.MultiplyAdd(x, b0, c30); c31 = TLanes.MultiplyAdd(x, b1, c31); }
                    if (TRows.Value > 4) { x = TLanes.Create(*(float*)(r3 + stride)); c40 = TLanes.MultiplyAdd(x, b0, c40); c41 = TLanes.MultiplyAdd(x, b1, c41); }
                    if (TRows.Value > 5) { x = TLanes.Create(*(float*)(r3 + 2 * stride)); c50 = TLanes.MultiplyAdd(x, b0, c50); c51 = TLanes.MultiplyAdd(x, b1, c51); }
                    if (TRows.Value > 6) { x = TLanes.Create(*(float*)(r6)); c60 = TLanes.MultiplyAdd(x, b0, c60); c61 = TLanes.MultiplyAdd(x, b1, c61); }
                    if (TRows.Value > 7) { x = TLanes.Create(*(float*)(r6 + stride)); c70 = TLanes.MultiplyAdd(x, b0, c70); c71 = TLanes.MultiplyAdd(x, b1, c71); }
                    if (TRows.Value > 8) { x = TLanes.Create(*(float*)(r6 + 2 * stride)); c80 = TLanes.MultiplyAdd(x, b0, c80); c81 = TLanes.MultiplyAdd(x, b1, c81); }
                    if (TRows.Value > 9) { x = TLanes.Create(*(float*)(r9)); c90 = TLanes.MultiplyAdd(x, b0, c90); c91 = TLanes.MultiplyAdd(x, b1, c91); }
                    if (TRows.Value > 10) { x = TLanes.Create(*(float*)(r9 + stride)); cA0 = TLanes.MultiplyAdd(x, b0, cA0); cA1 = TLanes.MultiplyAdd(x, b1, cA1); }
                    if (TRows.Value > 11) { x = TLanes.Create(*(float*)(r9 + 2 * stride)); cB0 = TLanes.MultiplyAdd(x, b0, cB0); cB1 = TLanes.MultiplyAdd(x, b1, cB1); }
                    r0 += step;
                    if (TRows.Value > 3) r3 += step;
                    if (TRows.Value > 6) r6 += step;
                    if (TRows.Value > 9) r9 += step;
                    panel += ldb;
                }
                while (--depth != 0);
            }
            while (--left != 0);
            TLanes.Store(c00, target); TLanes.Store(c01, target + n);
            if (TRows.Value > 1) { target += ldc; TLanes.Store(c10, target); TLanes.Store(c11, target + n); }
            if (TRows.Value > 2) { target += ldc; TLanes.Store(c20, target); TLanes.Store(c21, target + n); }
            if (TRows.Value > 3) { target += ldc; TLanes.Store(c30, target); TLanes.Store(c31, target + n); }
            if (TRows.Value > 4) { target += ldc; TLanes.Store(c40, target); TLanes.Store(c41, target + n); }
            if (TRows.Value > 5) { target += ldc; TLanes.Store(c50, target); TLanes.Store(c51, target + n); }
            if (TRows.Value > 6) { target += ldc; TLanes.Store(c60, target); TLanes.Store(c61, target + n); }
            if (TRows.Value > 7) { target += ldc; TLanes.Store(c70, target); TLanes.Store(c71, target + n); }
            if (TRows.Value > 8) { target += ldc; TLanes.Store(c80, target); TLanes.Store(c81, target + n); }
            if (TRows.Value > 9) { target += ldc; TLanes.Store(c90, target); TLanes.Store(c91, target + n); }
            if (TRows.Value > 10) { target += ldc; TLanes.Store(cA0, target); TLanes.Store(cA1, target + n); }
            if (TRows.Value > 11) { target += ldc; TLanes.Store(cB0, target); TLanes.Store(cB1, target + n); }
            a += nextTile;
            c += TRows.Value * ldc;
            if (start != null) start += TRows.Value * ldStart;
        }
        while (--tiles != 0);
    }
}
