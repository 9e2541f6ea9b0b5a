using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace Comity.Tensors.Kernels;

/// <summary>Copies parts of a matrix into panels that the product then streams. Moves only: no bits change at any width.</summary>
internal static unsafe class GemmPacking
{
    /// <summary>panel[d, i] = source[d, i] for panels of some neighbouring columns each, of a transposed A the rows of tiles.</summary>
    /// <param name="source">First element of the first panel's columns.</param>
    /// <param name="ld">Floats from one row of the source to the next.</param>
    /// <param name="depth">Rows.</param>
    /// <param name="higher">Panels of one column more than the others, which stand first.</param>
    /// <param name="panels">Panels in all.</param>
    /// <param name="rows">Columns of the other panels.</param>
    /// <param name="packed">Where the first panel goes.</param>
    /// <param name="pitch">Floats from one panel to the next.</param>
    /// <param name="width">Floats from one row of a panel to the next.</param>
    /// <remarks>Row by row of the source: rows a large power of two apart share so few places of the first cache that a line would be gone before the next panel reads it.</remarks>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static void Side(float* source, nint ld, int depth, int higher, int panels, int rows, float* packed, nint pitch, int width)
    {
        const int Ahead = 8, Line = 16;
        nint high = higher * (rows + 1), all = high + (panels - higher) * rows;
        var most = higher > 0 ? rows + 1 : rows;
        // A whole register reaches into the next rows of source and panel, of which the latter is written afterwards.
        var whole = ld < 8 ? 0 : most <= 8 && Vector256.IsHardwareAccelerated ? 8 : most <= 16 && Vector512.IsHardwareAccelerated ? 16 : 0;
        for (var d = 0; d < depth; d++, source += ld, packed += width)
        {
            if (Sse.IsSupported)
            {
                for (nint i = 0; i < all; i += Line) Sse.Prefetch0(source + Ahead * ld + i);
            }
            float* target = packed, from = source, middle = source + high, end = source + all;
            if (whole == 8 && d + 2 < depth)
            {
                for (; from < middle; from += rows + 1, target += pitch) Vector256.Load(from).Store(target);
                for (; from < end; from += rows, target += pitch) Vector256.Load(from).Store(target);
            }
            else if (whole == 16 && d + 2 < depth)
            {
                for (; from < middle; from += rows + 1, target += pitch) Vector512.Load(from).Store(target);
                for (; from < end; from += rows, target += pitch) Vector512.Load(from).Store(target);
            }
            else
            {
                for (; from < middle; from += rows + 1, target += pitch) Few(from, rows + 1, target);
                for (; from < end; from += rows, target += pitch) Few(from, rows, target);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Few(float* source, int count, float* target)
    {
        var i = 0;
        for (; i + 4 <= count; i += 4) Vector128.Load(source + i).Store(target + i);
        for (; i < count; i++) target[i] = source[i];
    }

    /// <summary>panel[d, j] = source[j, d]: a transposition; what is missing of the width is zero.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Columns(float* source, int ld, int columns, int depth, float* panel, int width)
    {
        var j = 0;
        for (; j + 4 <= columns; j += 4) Four(source + (nint)j * ld, ld, depth, panel + j, width);
        if (j < columns && columns >= 4)
        {
            // The last four once more rather than one, two or three by themselves.
            j = columns - 4;
            Four(source + (nint)j * ld, ld, depth, panel + j, width);
            j = columns;
        }
        for (; j < columns; j++)
        {
            for (var d = 0; d < depth; d++) panel[(nint)d * width + j] = source[(nint)j * ld + d];
        }
        for (; j < width; j++)
        {
            for (var d = 0; d < depth; d++) panel[(nint)d * width + j] = 0;
        }
    }

    // Four rows become four columns, a square of 4 × 4 at a time.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Four(float* s0, nint ld, int depth, float* target, int width)
    {
        float* s1 = s0 + ld, s2 = s1 + ld, s3 = s2 + ld;
        var d = 0;
        if (Sse2.IsSupported || AdvSimd.Arm64.IsSupported)
        {
            for (; d + 4 <= depth; d += 4)
            {
                Vector128<float> r0 = Vector128.Load(s0 + d), r1 = Vector128.Load(s1 + d), r2 = Vector128.Load(s2 + d), r3 = Vector128.Load(s3 + d);
                Vector128<float> a = Low(r0, r1), b = High(r0, r1), c = Low(r2, r3), e = High(r2, r3);
                LowPairs(a, c).Store(target);
                HighPairs(a, c).Store(target + width);
                LowPairs(b, e).Store(target + 2 * width);
                HighPairs(b, e).Store(target + 3 * width);
                target += 4 * width;
            }
        }
        for (; d < depth; d++, target += width)
        {
            target[0] = s0[d];
            target[1] = s1[d];
            target[2] = s2[d];
            target[3] = s3[d];
        }
    }

    // x0 y0 x1 y1
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> Low(Vector128<float> x, Vector128<float> y) => Sse.IsSupported ? Sse.UnpackLow(x, y) : AdvSimd.Arm64.ZipLow(x, y);

    // x2 y2 x3 y3
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> High(Vector128<float> x, Vector128<float> y) => Sse.IsSupported ? Sse.UnpackHigh(x, y) : AdvSimd.Arm64.ZipHigh(x, y);

    // x0 x1 y0 y1; halves taken by GetLower would go through memory
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> LowPairs(Vector128<float> x, Vector128<float> y) => Sse2.IsSupported
        ? Sse2.UnpackLow(x.AsDouble(), y.AsDouble()).AsSingle()
        : AdvSimd.Arm64.ZipLow(x.AsDouble(), y.AsDouble()).AsSingle();

    // x2 x3 y2 y3
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> HighPairs(Vector128<float> x, Vector128<float> y) => Sse2.IsSupported
        ? Sse2.UnpackHigh(x.AsDouble(), y.AsDouble()).AsSingle()
        : AdvSimd.Arm64.ZipHigh(x.AsDouble(), y.AsDouble()).AsSingle();
}
