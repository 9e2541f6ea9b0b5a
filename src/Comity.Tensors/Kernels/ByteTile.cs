using System.Runtime.CompilerServices;

namespace Comity.Tensors.Kernels;

/// <summary>The innermost part of the product of bytes: a tile of C with up to 12 rows and two registers of columns.</summary>
/// <remarks>As in <see cref="GemmTile{TLanes, TVector, TRows}"/>, no call may stand in this method.</remarks>
internal static unsafe class ByteTile<TLanes, TVector, TRows>
    where TLanes : struct, IByteLanes<TVector>
    where TVector : unmanaged
    where TRows : struct, IRows
{
    /// <summary>C = start + A·B.</summary>
    /// <param name="groups">Depth in groups of four, at least 1.</param>
    /// <param name="a">First byte of the tile's rows of A, which can be read to the end of the last group.</param>
    /// <param name="rowStride">Bytes from one row of A to the next.</param>
    /// <param name="b">A panel of B: for each group two registers, in each lane the four bytes of a column.</param>
    /// <param name="c">First element of the tile in C.</param>
    /// <param name="ldc">Elements from one row of C to the next.</param>
    /// <param name="start">What to start from.</param>
    /// <param name="ldStart">Elements from one row of the start to the next; 0: the same row for all.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization), SkipLocalsInit]
    public static void Run(nint groups, byte* a, nint rowStride, sbyte* b, int* c, nint ldc, int* start, nint ldStart)
    {
        var n = TLanes.Count;
        TVector c00 = TLanes.Load(start), c01 = TLanes.Load(start + n), c10 = TLanes.Zero, c11 = TLanes.Zero, c20 = TLanes.Zero, c21 = TLanes.Zero,
            c30 = TLanes.Zero, c31 = TLanes.Zero, c40 = TLanes.Zero, c41 = TLanes.Zero, c50 = TLanes.Zero, c51 = TLanes.Zero,
            c60 = TLanes.Zero, c61 = TLanes.Zero, c70 = TLanes.Zero, c71 = TLanes.Zero, c80 = TLanes.Zero, c81 = TLanes.Zero,
            c90 = TLanes.Zero, c91 = TLanes.Zero, cA0 = TLanes.Zero, cA1 = TLanes.Zero, cB0 = TLanes.Zero, cB1 = TLanes.Zero;
        if (TRows.Value > 1) { start += ldStart; c10 = TLanes.Load(start); c11 = TLanes.Load(start + n); }
        if (TRows.Value > 2) { start += ldStart; c20 = TLanes.Load(start); c21 = TLanes.Load(start + n); }
        if (TRows.Value > 3) { start += ldStart; c30 = TLanes.Load(start); c31 = TLanes.Load(start + n); }
        if (TRows.Value > 4) { start += ldStart; c40 = TLanes.Load(start); c41 = TLanes.Load(start + n); }
        if (TRows.Value > 5) { start += ldStart; c50 = TLanes.Load(start); c51 = TLanes.Load(start + n); }
        if (TRows.Value > 6) { start += ldStart; c60 = TLanes.Load(start); c61 = TLanes.Load(start + n); }
        if (TRows.Value > 7) { start += ldStart; c70 = TLanes.Load(start); c71 = TLanes.Load(start + n); }
        if (TRows.Value > 8) { start += ldStart; c80 = TLanes.Load(start); c81 = TLanes.Load(start + n); }
        if (TRows.Value > 9) { start += ldStart; c90 = TLanes.Load(start); c91 = TLanes.Load(start + n); }
        if (TRows.Value > 10) { start += ldStart; cA0 = TLanes.Load(start); cA1 = TLanes.Load(start + n); }
        if (TRows.Value > 11) { start += ldStart; cB0 = TLanes.Load(start); cB1 = TLanes.Load(start + n); }
        byte* r0 = a, r3 = r0 + 3 * rowStride, r6 = r3 + 3 * rowStride, r9 = r6 + 3 * rowStride;
        do
        {
            TVector b0 = TLanes.Load(b), b1 = TLanes.Load((int*)b + n), x;
            x = TLanes.Create(*(int*)r0); c00 = TLanes.Dot(c00, x, b0); c01 = TLanes.Dot(c01, x, b1);
            if (TRows.Value > 1) { x = TLanes.Create(*(int*)(r0 + rowStride)); c10 = TLanes.Dot(c10, x, b0); c11 = TLanes.Dot(c11, x, b1); }
            if (TRows.Value > 2) { x = TLanes.Create(*(int*)(r0 + 2 * rowStride)); c20 = TLanes.Dot(c20, x, b0); c21 = TLanes.Dot(c21, x, b1); }
            if (TRows.Value > 3) { x = TLanes.Create(*(int*)r3); c30 = TLanes.Dot(c30, x, b0); c31 = TLanes.Dot(c31, x, b1); }
            if (TRows.Value > 4) { x = TLanes.Create(*(int*)(r3 + rowStride)); c40 = TLanes.Dot(c40, x, b0); c41 = TLanes.Dot(c41, x, b1); }
            if (TRows.Value > 5) { x = TLanes.Create(*(int*)(r3 + 2 * rowStride)); c50 = TLanes.Dot(c50, x, b0); c51 = TLanes.Dot(c51, x, b1); }
            if (TRows.Value > 6) { x = TLanes.Create(*(int*)r6); c60 = TLanes.Dot(c60, x, b0); c61 = TLanes.Dot(c61, x, b1); }
            if (TRows.Value > 7) { x = TLanes.Create(*(int*)(r6 + rowStride)); c70 = TLanes.Dot(c70, x, b0); c71 = TLanes.Dot(c71, x, b1); }
            if (TRows.Value > 8) { x = TLanes.Create(*(int*)(r6 + 2 * rowStride)); c80 = TLanes.Dot(c80, x, b0); c81 = TLanes.Dot(c81, x, b1); }
            if (TRows.Value > 9) { x = TLanes.Create(*(int*)r9); c90 = TLanes.Dot(c90, x, b0); c91 = TLanes.Dot(c91, x, b1); }
            if (TRows.Value > 10) { x = TLanes.Create(*(int*)(r9 + rowStride)); cA0 = TLanes.Dot(cA0, x, b0); cA1 = TLanes.Dot(cA1, x, b1); }
            if (TRows.Value > 11) { x = TLanes.Create(*(int*)(r9 + 2 * rowStride)); cB0 = TLanes.Dot(cB0, x, b0); cB1 = TLanes.Dot(cB1, x, b1); }
            r0 += 4;
            if (TRows.Value > 3) r3 += 4;
            if (TRows.Value > 6) r6 += 4;
            if (TRows.Value > 9) r9 += 4;
            b += 8 * n;
        }
        while (--groups != 0);
        TLanes.Store(c00, c); TLanes.Store(c01, c + n);
        if (TRows.Value > 1) { c += ldc; TLanes.Store(c10, c); TLanes.Store(c11, c + n); }
        if (TRows.Value > 2) { c += ldc; TLanes.Store(c20, c); TLanes.Store(c21, c + n); }
        if (TRows.Value > 3) { c += ldc; TLanes.Store(c30, c); TLanes.Store(c31, c + n); }
        if (TRows.Value > 4) { c += ldc; TLanes.Store(c40, c); TLanes.Store(c41, c + n); }
        if (TRows.Value > 5) { c += ldc; TLanes.Store(c50, c); TLanes.Store(c51, c + n); }
        if (TRows.Value > 6) { c += ldc; TLanes.Store(c60, c); TLanes.Store(c61, c + n); }
        if (TRows.Value > 7) { c += ldc; TLanes.Store(c70, c); TLanes.Store(c71, c + n); }
        if (TRows.Value > 8) { c += ldc; TLanes.Store(c80, c); TLanes.Store(c81, c + n); }
        if (TRows.Value > 9) { c += ldc; TLanes.Store(c90, c); TLanes.Store(c91, c + n); }
        if (TRows.Value > 10) { c += ldc; TLanes.Store(cA0, c); TLanes.Store(cA1, c + n); }
        if (TRows.Value > 11) { c += ldc; TLanes.Store(cB0, c); TLanes.Store(cB1, c + n); }
    }
}
