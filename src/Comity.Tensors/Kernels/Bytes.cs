using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;
using Comity.Tensors.Memory;

namespace Comity.Tensors.Kernels;

/// <summary>Limits of products of bytes.</summary>
internal static class Bytes
{
    /// <summary>The largest magnitude in B. Two products are first added in 16 bits, and 2·255·64 = 32640 still fits: so sums are exact on every processor.</summary>
    public const int Largest = 64;

    /// <summary>The greatest depth whose sums fit into 32 bits.</summary>
    public const int Deepest = int.MaxValue / (255 * Largest);
}

/// <summary>C = A·B for unsigned bytes A and signed bytes B within ±<see cref="Bytes.Largest"/>: sums of 32 bits, exact, so the same at every width.</summary>
/// <remarks>
/// <code>
/// B in panels:  for each four of the depth, two registers whose lanes hold the four bytes of a column
/// A:            read where it lies, four bytes of a row at a time; copied only where its depth is no multiple of four
/// </code>
/// Blocks of A stay in the second cache, a panel of B in the first.
/// </remarks>
internal static unsafe class Bytes<TWide> where TWide : unmanaged, IWide<TWide>
{
    private const int DepthBlock = 1024;
    private const int RowBlock = 240; // whole tiles of every height

    public static int PanelWidth => 2 * TWide.Count;

    /// <summary>Bytes of the panels of a matrix [k, n].</summary>
    public static nint Length(int k, int n) => (nint)((n + PanelWidth - 1) / PanelWidth) * PanelWidth * Padded(k);

    /// <param name="k">Rows of B.</param>
    /// <param name="n">Columns of B.</param>
    /// <param name="b">B, without gaps between its rows.</param>
    /// <param name="panels">Where the panels go.</param>
    public static void Pack(int k, int n, sbyte* b, sbyte* panels)
    {
        var width = PanelWidth;
        for (var j = 0; j < n; j += width)
        {
            var columns = Math.Min(width, n - j);
            var source = b + j;
            var d = 0;
            for (; d + 4 <= k; d += 4, source += 4 * (nint)n, panels += 4 * width)
            {
                var i = 0;
                if (Sse2.IsSupported || AdvSimd.Arm64.IsSupported)
                {
                    for (; i + 16 <= columns; i += 16) Interleave(source + i, n, panels + 4 * i);
                }
                for (; i < columns; i++)
                {
                    for (nint r = 0; r < 4; r++) panels[4 * i + r] = source[i + r * n];
                }
                new Span<sbyte>(panels + 4 * columns, 4 * (width - columns)).Clear();
            }
            if (d == k) continue;
            new Span<sbyte>(panels, 4 * width).Clear();
            for (nint r = 0; r < k - d; r++)
            {
                for (var i = 0; i < columns; i++) panels[4 * i + r] = source[i + r * n];
            }
            panels += 4 * width;
        }
    }

    /// <param name="m">Rows of A.</param>
    /// <param name="n">Columns of B.</param>
    /// <param name="k">Depth.</param>
    /// <param name="a">A, without gaps between its rows.</param>
    /// <param name="panels">B in panels.</param>
    /// <param name="columnSums">Σ of each column of B, shape [n]; read only where <see cref="IByteLanes{TVector}.Offset"/> is not zero.</param>
    /// <param name="c">C.</param>
    /// <param name="ldc">Elements from one row of C to the next.</param>
    public static void Multiply(int m, int n, int k, byte* a, sbyte* panels, int* columnSums, int* c, int ldc)
    {
        if (k == 0)
        {
            for (nint i = 0; i < m; i++) new Span<int>(c + i * ldc, n).Clear();
            return;
        }
        int padded = Padded(k), width = PanelWidth;
        for (var i = 0; i < m; i += RowBlock)
        {
            var rows = Math.Min(RowBlock, m - i);
            var block = a + (nint)i * k;
            if (padded != k) block = Copy(block, rows, k, padded);
            for (var d = 0; d < padded; d += DepthBlock)
            {
                var depth = Math.Min(DepthBlock, padded - d);
                for (var j = 0; j < n; j += width)
                    Panel(rows, Math.Min(width, n - j), depth / 4, block + d, padded, panels + (nint)j * padded + (nint)d * width, columnSums + j, c + (nint)i * ldc + j, ldc, d == 0);
            }
        }
    }

    private static void Panel(int m, int columns, int groups, byte* a, nint rowStride, sbyte* panel, int* columnSums, int* c, nint ldc, bool begins)
    {
        var width = PanelWidth;
        var tile = stackalloc int[12 * 32];
        var first = stackalloc int[32];
        if (TWide.ByteOffset != 0)
        {
            for (var j = 0; j < columns; j++) first[j] = TWide.ByteOffset * columnSums[j];
        }
        var tiles = (m + TWide.ByteTileRows - 1) / TWide.ByteTileRows;
        for (int p = 0, row = 0; p < tiles; p++)
        {
            var rows = (m - row + tiles - p - 1) / (tiles - p);
            var target = c + row * ldc;
            if (columns == width)
            {
                Tile(rows, groups, a + row * rowStride, rowStride, panel, target, ldc, begins ? first : target, begins ? 0 : ldc);
            }
            else
            {
                for (nint i = 0; !begins && i < rows; i++)
                {
                    for (var j = 0; j < columns; j++) tile[i * width + j] = target[i * ldc + j];
                }
                Tile(rows, groups, a + row * rowStride, rowStride, panel, tile, width, begins ? first : tile, begins ? 0 : width);
                for (nint i = 0; i < rows; i++)
                {
                    for (var j = 0; j < columns; j++) target[i * ldc + j] = tile[i * width + j];
                }
            }
            row += rows;
        }
    }

    private static void Tile(int rows, nint groups, byte* a, nint rowStride, sbyte* b, int* c, nint ldc, int* start, nint ldStart)
    {
        switch (rows)
        {
            case 1: TWide.ByteTile<Rows1>(groups, a, rowStride, b, c, ldc, start, ldStart); break;
            case 2: TWide.ByteTile<Rows2>(groups, a, rowStride, b, c, ldc, start, ldStart); break;
            case 3: TWide.ByteTile<Rows3>(groups, a, rowStride, b, c, ldc, start, ldStart); break;
            case 4: TWide.ByteTile<Rows4>(groups, a, rowStride, b, c, ldc, start, ldStart); break;
            case 5: TWide.ByteTile<Rows5>(groups, a, rowStride, b, c, ldc, start, ldStart); break;
            case 6: TWide.ByteTile<Rows6>(groups, a, rowStride, b, c, ldc, start, ldStart); break;
            case 7: TWide.ByteTile<Rows7>(groups, a, rowStride, b, c, ldc, start, ldStart); break;
            case 8: TWide.ByteTile<Rows8>(groups, a, rowStride, b, c, ldc, start, ldStart); break;
            case 9: TWide.ByteTile<Rows9>(groups, a, rowStride, b, c, ldc, start, ldStart); break;
            case 10: TWide.ByteTile<Rows10>(groups, a, rowStride, b, c, ldc, start, ldStart); break;
            case 11: TWide.ByteTile<Rows11>(groups, a, rowStride, b, c, ldc, start, ldStart); break;
            default: TWide.ByteTile<Rows12>(groups, a, rowStride, b, c, ldc, start, ldStart); break;
        }
    }

    // Rows of whole groups: what B holds there is zero, but the memory must be there.
    private static byte* Copy(byte* a, int rows, int k, int padded)
    {
        var copy = (byte*)Scratch.OfThread.Left((nint)RowBlock * padded / sizeof(float));
        for (nint i = 0; i < rows; i++)
        {
            Buffer.MemoryCopy(a + i * k, copy + i * padded, k, k);
            new Span<byte>(copy + i * padded + k, padded - k).Clear();
        }
        return copy;
    }

    // Sixteen columns of four rows, byte by byte.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Interleave(sbyte* source, nint ld, sbyte* target)
    {
        Vector128<sbyte> r0 = Vector128.Load(source), r1 = Vector128.Load(source + ld), r2 = Vector128.Load(source + 2 * ld), r3 = Vector128.Load(source + 3 * ld);
        Vector128<short> a = Low(r0, r1).AsInt16(), b = Low(r2, r3).AsInt16(), c = High(r0, r1).AsInt16(), d = High(r2, r3).AsInt16();
        Low(a, b).AsSByte().Store(target);
        High(a, b).AsSByte().Store(target + 16);
        Low(c, d).AsSByte().Store(target + 32);
        High(c, d).AsSByte().Store(target + 48);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<sbyte> Low(Vector128<sbyte> x, Vector128<sbyte> y) => Sse2.IsSupported ? Sse2.UnpackLow(x, y) : AdvSimd.Arm64.ZipLow(x, y);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<sbyte> High(Vector128<sbyte> x, Vector128<sbyte> y) => Sse2.IsSupported ? Sse2.UnpackHigh(x, y) : AdvSimd.Arm64.ZipHigh(x, y);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<short> Low(Vector128<short> x, Vector128<short> y) => Sse2.IsSupported ? Sse2.UnpackLow(x, y) : AdvSimd.Arm64.ZipLow(x, y);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<short> High(Vector128<short> x, Vector128<short> y) => Sse2.IsSupported ? Sse2.UnpackHigh(x, y) : AdvSimd.Arm64.ZipHigh(x, y);

    private static int Padded(int k) => checked(k + 3) & ~3;
}
