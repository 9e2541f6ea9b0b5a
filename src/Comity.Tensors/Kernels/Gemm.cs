using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;
using Comity.Tensors.Memory;

namespace Comity.Tensors.Kernels;

/// <summary>C = start + op(A)·op(B) for row-major matrices in all transpositions, on one thread.</summary>
/// <remarks>
/// Small products read A and B where they are. Larger ones are cut into blocks that fit the caches (Goto and van de Geijn 2008),
/// packed, and multiplied tile by tile. A later block of the depth starts from what the earlier ones left in C, which is the
/// same chain of operations as without blocks.
/// </remarks>
internal static unsafe class Gemm<TWide> where TWide : unmanaged, IWide<TWide>
{
    // A block of A stays in the second cache, a block of B in the third, a panel of B mostly in the first. Measured: deep blocks, which
    // touch C less often, gain more than a panel of B that fits entirely.
    private const int DepthBlock = 512;
    private const int ColumnBlock = 1024;
    private const int RowBlock = 72;
    private const int CacheWay = 1024; // floats that have different places in the first cache

    /// <param name="transposeA">Whether A is stored as [k, m].</param>
    /// <param name="transposeB">Whether B is stored as [n, k].</param>
    /// <param name="m">Rows of C.</param>
    /// <param name="n">Columns of C.</param>
    /// <param name="k">Depth.</param>
    /// <param name="a">A.</param>
    /// <param name="lda">Floats from one stored row of A to the next.</param>
    /// <param name="b">B.</param>
    /// <param name="ldb">Floats from one stored row of B to the next.</param>
    /// <param name="c">C, shape [m, n].</param>
    /// <param name="ldc">Floats from one row of C to the next.</param>
    /// <param name="start">Null: zero; C itself: accumulate; or a row of n values for every row (a bias).</param>
    /// <param name="ldStart">Floats from one row of the start to the next; 0: one row for all.</param>
    /// <param name="passing">What is done beside.</param>
    public static void Run(bool transposeA, bool transposeB, int m, int n, int k, float* a, int lda, float* b, int ldb, float* c, int ldc, float* start, int ldStart, in Passing passing)
    {
        Debug.Assert(passing.ColumnSums == null || !transposeB);
        if (m > 2 * TWide.TileRows && n > 1 && (long)n * k > 8192)
        {
            Blocked(transposeA ? 1 : lda, transposeA ? lda : 1, transposeB, m, n, k, a, b, ldb, c, ldc, start, ldStart, passing);
            return;
        }
        Run(transposeA, transposeB, m, n, k, a, lda, b, ldb, c, ldc, start, ldStart);
        Finish(passing, c, ldc, m, n);
        if (passing.ColumnSums != null) RowKernels<TWide>.ColumnSums(b, k, n, ldb, passing.ColumnSums, passing.AddsSums);
    }

    /// <summary>The product and nothing beside.</summary>
    public static void Run(bool transposeA, bool transposeB, int m, int n, int k, float* a, int lda, float* b, int ldb, float* c, int ldc, float* start, int ldStart)
    {
        if (m == 0 || n == 0) return;
        if (k == 0)
        {
            Fill(m, n, c, ldc, start, ldStart);
            return;
        }
        if (n == 1 && GemmColumn<TWide>.Fits(transposeA, ldc, start, ldStart))
        {
            GemmColumn<TWide>.Run(transposeA, m, k, a, lda, b, transposeB ? 1 : ldb, c, ldc, start, ldStart);
            return;
        }
        if (transposeB && k == 1 && ldb == 1) transposeB = false; // a column read as a row
        if (m == 1 && !transposeB)
        {
            GemmRow<TWide>.Run(n, k, a, transposeA ? lda : 1, b, ldb, c, start);
            return;
        }
        nint aRow = transposeA ? 1 : lda, aDepth = transposeA ? lda : 1;
        if (transposeB || (long)n * k > 8192 && m > 2 * TWide.TileRows)
            Blocked(aRow, aDepth, transposeB, m, n, k, a, b, ldb, c, ldc, start, ldStart, default);
        else
            Direct(aRow, aDepth, m, n, k, a, b, ldb, c, ldc, start, ldStart);
    }

    // B is small enough to be read where it is; only the last, partial columns are copied to a padded panel.
    private static void Direct(nint aRow, nint aDepth, int m, int n, int k, float* a, float* b, int ldb, float* c, int ldc, float* start, int ldStart)
    {
        var width = Tiles<TWide>.Width;
        var scratch = Scratch.OfThread;
        nint here = 0;
        var whole = n / width * width;
        var tail = n - whole;
        float* padded = null;
        if (tail > 0)
        {
            padded = scratch.Right((nint)k * width);
            PackRows(b + whole, ldb, tail, k, padded, width);
        }
        var panels = (m + TWide.TileRows - 1) / TWide.TileRows;
        for (var j = 0; j < whole; j += width)
            Tiles<TWide>.Column(m, panels, 0, 1, &here, k, a, aRow, aDepth, b + j, ldb, c + j, ldc, start == null ? null : start + j, ldStart);
        if (tail == 0) return;
        for (int p = 0, row = 0; p < panels; p++)
        {
            var rows = (m - row + panels - p - 1) / (panels - p);
            Tiles<TWide>.Edge(rows, tail, 1, &here, k, a + row * aRow, aRow, aDepth, padded, width, c + (nint)row * ldc + whole, ldc, start == null ? null : start + (nint)row * ldStart + whole, ldStart, scratch.Tile);
            row += rows;
        }
    }

    private static void Blocked(nint aRow, nint aDepth, bool transposeB, int m, int n, int k, float* a, float* b, int ldb, float* c, int ldc, float* start, int ldStart, in Passing passing)
    {
        var width = Tiles<TWide>.Width;
        var scratch = Scratch.OfThread;
        var depthBlock = Even(k, DepthBlock);
        var columnBlock = (Even(n, ColumnBlock) + width - 1) / width * width;
        for (var j0 = 0; j0 < n; j0 += columnBlock)
        {
            var columns = Math.Min(columnBlock, n - j0);
            var columnPanels = (columns + width - 1) / width;
            for (var k0 = 0; k0 < k; k0 += depthBlock)
            {
                var depth = Math.Min(depthBlock, k - k0);
                var packedB = scratch.Right((nint)columnPanels * width * depth);
                for (var p = 0; p < columnPanels; p++)
                {
                    var wide = Math.Min(width, columns - p * width);
                    var panel = packedB + (nint)p * width * depth;
                    var sums = passing.ColumnSums == null ? null : passing.ColumnSums + j0 + p * width;
                    var addsSums = k0 > 0 || passing.AddsSums;
                    if (transposeB)
                    {
                        GemmPacking.Columns(b + (nint)(j0 + p * width) * ldb + k0, ldb, wide, depth, panel, width);
                    }
                    else if (columns - p * width >= 4 * width)
                    {
                        var source = b + (nint)k0 * ldb + j0 + p * width;
                        if (sums == null) PackFour(source, ldb, depth, panel, width);
                        else PackFourAndSum(source, ldb, depth, panel, width, sums, addsSums);
                        p += 3;
                    }
                    else
                    {
                        var source = b + (nint)k0 * ldb + j0 + p * width;
                        PackRows(source, ldb, wide, depth, panel, width);
                        if (sums != null) RowKernels<TWide>.ColumnSums(source, depth, wide, ldb, sums, addsSums);
                    }
                }
                // Later blocks of the depth go on from what the earlier ones left in C.
                var from = k0 == 0 ? start : c;
                var ldFrom = k0 == 0 ? ldStart : ldc;
                Rows(m, a + k0 * aDepth, aRow, aDepth, depth, packedB, columns, c + j0, ldc, from == null ? null : from + j0, ldFrom, scratch, k0 + depth == k ? passing : default);
            }
        }
    }

    private static void Rows(int m, float* a, nint aRow, nint aDepth, int depth, float* packedB, int columns, float* c, int ldc, float* start, int ldStart, Scratch scratch, in Passing passing)
    {
        var width = Tiles<TWide>.Width;
        // Packed, a panel of A streams; worth it when it is read often. A deep panel of a transposed A has a line for each row,
        // more than the first cache holds: that pays sooner.
        var pack = columns > (aDepth == 1 || depth <= DepthBlock / 2 ? 12 : 3) * width;
        var panels = (m + TWide.TileRows - 1) / TWide.TileRows;
        var atOnce = RowBlock / TWide.TileRows;
        // Panels that are filled side by side begin in different places of the first cache.
        var pitch = ((nint)TWide.TileRows * depth + CacheWay - 1) / CacheWay * CacheWay + CacheLines.Line;
        var heights = new Heights(m, panels);
        for (var first = 0; first < panels; first += atOnce)
        {
            var last = Math.Min(first + atOnce, panels);
            var packedA = pack ? scratch.Left(atOnce * pitch) : null;
            if (pack && aDepth != 1) GemmPacking.Side(a + heights.Begin(first), aDepth, depth, Math.Clamp(heights.Higher - first, 0, last - first), last - first, heights.Rows, packedA, pitch, TWide.TileRows);
            for (var p = first; pack && aDepth == 1 && p < last; p++)
            {
                int row = heights.Begin(p), rows = heights.Begin(p + 1) - row;
                GemmPacking.Columns(a + row * aRow, (int)aRow, rows, depth, packedA + (p - first) * pitch, TWide.TileRows);
            }
            nint here = 0, above = heights.Begin(first);
            var count = heights.Begin(last) - (int)above;
            var block = pack ? packedA : a + above * aRow;
            nint blockRow = pack ? 1 : aRow, blockDepth = pack ? TWide.TileRows : aDepth, nextTile = pack ? pitch : 0;
            for (var j = 0; j < columns; j += width)
            {
                var panelB = packedB + (nint)j * depth;
                float* target = c + above * ldc + j, from = start == null ? null : start + above * ldStart + j;
                if (columns - j >= width)
                {
                    Tiles<TWide>.Column(count, last - first, nextTile, 1, &here, depth, block, blockRow, blockDepth, panelB, width, target, ldc, from, ldStart);
                    continue;
                }
                for (var p = first; p < last; p++)
                {
                    int begin = heights.Begin(p) - (int)above, rows = heights.Begin(p + 1) - (int)above - begin;
                    Tiles<TWide>.Edge(rows, columns - j, 1, &here, depth, pack ? block + (p - first) * nextTile : block + begin * aRow, blockRow, blockDepth, panelB, width,
                        target + (nint)begin * ldc, ldc, from == null ? null : from + (nint)begin * ldStart, ldStart, scratch.Tile);
                }
            }
            Finish(passing, c + above * ldc, ldc, count, columns);
        }
    }

    // Rows of C that are whole go through what follows.
    private static void Finish(in Passing passing, float* c, int ldc, int rows, int columns)
    {
        if (passing.Function == Function.Identity && passing.Added == null) return;
        var (count, length) = columns == ldc ? (1, (nint)rows * columns) : (rows, columns);
        for (; count > 0; count--, c += ldc)
        {
            var place = c - passing.C;
            if (passing.Added != null) Elementwise<TWide>.Zip(default(Operators<TWide>.Add), passing.Added + place, c, c, length);
            else if (passing.Saved != null) KernelSet<TWide>.PassRule(passing.Function, passing.Saved + place, c, length);
            else KernelSet<TWide>.PassActivation(passing.Function, c, passing.Values + place, length);
        }
    }

    // Panels differ by one row at most, the higher ones first: divided once, for a division takes as long as many products.
    private readonly struct Heights(int m, int panels)
    {
        public readonly int Rows = m / panels, Higher = m % panels;

        // First row of a panel.
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public int Begin(int panel) => panel * Rows + Math.Min(panel, Higher);
    }

    // Blocks of about the same size, so that none is a small rest.
    private static int Even(int size, int block)
    {
        var blocks = (size + block - 1) / block;
        return (size + blocks - 1) / blocks;
    }

    private static void Fill(int m, int n, float* c, int ldc, float* start, int ldStart)
    {
        for (var i = 0; i < m; i++)
        {
            for (var j = 0; j < n; j++) c[(nint)i * ldc + j] = start == null ? 0 : start[(nint)i * ldStart + j];
        }
    }

    // Four whole panels at once, so that whole lines are read one after the other.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void PackFour(float* source, int ld, int depth, float* panel, int width)
    {
        const int Ahead = 12;
        nint one = (nint)width * depth;
        var n = TWide.Count;
        for (var d = 0; d < depth; d++, source += ld, panel += width)
        {
            if (Sse.IsSupported)
            {
                var later = source + (nint)Ahead * ld;
                Sse.Prefetch0(later);
                Sse.Prefetch0(later + 2 * n);
                Sse.Prefetch0(later + 4 * n);
                Sse.Prefetch0(later + 6 * n);
            }
            var target = panel;
            TWide.Store(TWide.Load(source), target);
            TWide.Store(TWide.Load(source + n), target + n);
            target += one;
            TWide.Store(TWide.Load(source + 2 * n), target);
            TWide.Store(TWide.Load(source + 3 * n), target + n);
            target += one;
            TWide.Store(TWide.Load(source + 4 * n), target);
            TWide.Store(TWide.Load(source + 5 * n), target + n);
            target += one;
            TWide.Store(TWide.Load(source + 6 * n), target);
            TWide.Store(TWide.Load(source + 7 * n), target + n);
        }
    }

    // As above, and the sums of the columns, each in the order of the rows.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void PackFourAndSum(float* source, int ld, int depth, float* panel, int width, float* sums, bool adds)
    {
        const int Ahead = 12;
        nint one = (nint)width * depth;
        var n = TWide.Count;
        TWide s0 = TWide.Zero, s1 = TWide.Zero, s2 = TWide.Zero, s3 = TWide.Zero, s4 = TWide.Zero, s5 = TWide.Zero, s6 = TWide.Zero, s7 = TWide.Zero;
        if (adds)
        {
            (s0, s1, s2, s3) = (TWide.Load(sums), TWide.Load(sums + n), TWide.Load(sums + 2 * n), TWide.Load(sums + 3 * n));
            (s4, s5, s6, s7) = (TWide.Load(sums + 4 * n), TWide.Load(sums + 5 * n), TWide.Load(sums + 6 * n), TWide.Load(sums + 7 * n));
        }
        for (var d = 0; d < depth; d++, source += ld, panel += width)
        {
            if (Sse.IsSupported)
            {
                var later = source + (nint)Ahead * ld;
                Sse.Prefetch0(later);
                Sse.Prefetch0(later + 2 * n);
                Sse.Prefetch0(later + 4 * n);
                Sse.Prefetch0(later + 6 * n);
            }
            var target = panel;
            TWide x = TWide.Load(source), y = TWide.Load(source + n);
            (s0, s1) = (s0 + x, s1 + y);
            TWide.Store(x, target);
            TWide.Store(y, target + n);
            target += one;
            (x, y) = (TWide.Load(source + 2 * n), TWide.Load(source + 3 * n));
            (s2, s3) = (s2 + x, s3 + y);
            TWide.Store(x, target);
            TWide.Store(y, target + n);
            target += one;
            (x, y) = (TWide.Load(source + 4 * n), TWide.Load(source + 5 * n));
            (s4, s5) = (s4 + x, s5 + y);
            TWide.Store(x, target);
            TWide.Store(y, target + n);
            target += one;
            (x, y) = (TWide.Load(source + 6 * n), TWide.Load(source + 7 * n));
            (s6, s7) = (s6 + x, s7 + y);
            TWide.Store(x, target);
            TWide.Store(y, target + n);
        }
        TWide.Store(s0, sums);
        TWide.Store(s1, sums + n);
        TWide.Store(s2, sums + 2 * n);
        TWide.Store(s3, sums + 3 * n);
        TWide.Store(s4, sums + 4 * n);
        TWide.Store(s5, sums + 5 * n);
        TWide.Store(s6, sums + 6 * n);
        TWide.Store(s7, sums + 7 * n);
    }

    // panel[d, j] = source[d, j]; what is missing of the width is zero.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void PackRows(float* source, int ld, int columns, int depth, float* panel, int width)
    {
        if (columns == width)
        {
            for (var d = 0; d < depth; d++, source += ld, panel += width)
            {
                TWide.Store(TWide.Load(source), panel);
                TWide.Store(TWide.Load(source + TWide.Count), panel + TWide.Count);
            }
            return;
        }
        for (var d = 0; d < depth; d++, source += ld, panel += width)
        {
            for (var j = 0; j < columns; j++) panel[j] = source[j];
            for (var j = columns; j < width; j++) panel[j] = 0;
        }
    }
}
