using System.Runtime.CompilerServices;
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
    private const int DepthBlock = 256;
    private const int ColumnBlock = 512;
    private const int RowBlock = 144;

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
        nint aRow = transposeA ? 1 : lda, aDepth = transposeA ? lda : 1;
        if (transposeB || (long)n * k > 8192 && m > 2 * TWide.TileRows)
            Blocked(aRow, aDepth, transposeB, m, n, k, a, b, ldb, c, ldc, start, ldStart);
        else
            Direct(aRow, aDepth, m, n, k, a, b, ldb, c, ldc, start, ldStart);
    }

    // B is small enough to be read where it is; only the last, partial columns are copied to a padded panel.
    private static void Direct(nint aRow, nint aDepth, int m, int n, int k, float* a, float* b, int ldb, float* c, int ldc, float* start, int ldStart)
    {
        var width = 2 * TWide.Count;
        var scratch = Scratch.OfThread;
        var whole = n / width * width;
        var tail = n - whole;
        float* padded = null;
        if (tail > 0)
        {
            padded = scratch.Right((nint)k * width);
            PackRows(b + whole, ldb, tail, k, padded, width);
        }
        var panels = (m + TWide.TileRows - 1) / TWide.TileRows;
        for (int p = 0, row = 0; p < panels; p++)
        {
            var rows = (m - row + panels - p - 1) / (panels - p);
            var aTile = a + row * aRow;
            var cTile = c + (nint)row * ldc;
            var startTile = start == null ? null : start + (nint)row * ldStart;
            for (var j = 0; j < whole; j += width)
                Tile(rows, k, aTile, aRow, aDepth, b + j, ldb, cTile + j, ldc, startTile == null ? null : startTile + j, ldStart);
            if (tail > 0)
                Edge(rows, tail, k, aTile, aRow, aDepth, padded, cTile + whole, ldc, startTile == null ? null : startTile + whole, ldStart, scratch.Tile);
            row += rows;
        }
    }

    private static void Blocked(nint aRow, nint aDepth, bool transposeB, int m, int n, int k, float* a, float* b, int ldb, float* c, int ldc, float* start, int ldStart)
    {
        var width = 2 * TWide.Count;
        var scratch = Scratch.OfThread;
        for (var j0 = 0; j0 < n; j0 += ColumnBlock)
        {
            var columns = Math.Min(ColumnBlock, n - j0);
            var columnPanels = (columns + width - 1) / width;
            for (var k0 = 0; k0 < k; k0 += DepthBlock)
            {
                var depth = Math.Min(DepthBlock, k - k0);
                var packedB = scratch.Right((nint)columnPanels * width * depth);
                for (var p = 0; p < columnPanels; p++)
                {
                    var wide = Math.Min(width, columns - p * width);
                    var panel = packedB + (nint)p * width * depth;
                    if (transposeB) GemmPacking.Columns(b + (nint)(j0 + p * width) * ldb + k0, ldb, wide, depth, panel, width);
                    else PackRows(b + (nint)k0 * ldb + j0 + p * width, ldb, wide, depth, panel, width);
                }
                // Later blocks of the depth go on from what the earlier ones left in C.
                var from = k0 == 0 ? start : c;
                var ldFrom = k0 == 0 ? ldStart : ldc;
                for (var i0 = 0; i0 < m; i0 += RowBlock)
                    Rows(i0, Math.Min(RowBlock, m - i0), a + k0 * aDepth, aRow, aDepth, depth, packedB, j0, columns, c, ldc, from, ldFrom, scratch);
            }
        }
    }

    private static void Rows(int i0, int m, float* a, nint aRow, nint aDepth, int depth, float* packedB, int j0, int columns, float* c, int ldc, float* start, int ldStart, Scratch scratch)
    {
        var width = 2 * TWide.Count;
        var panels = (m + TWide.TileRows - 1) / TWide.TileRows;
        // Rows of A that are far apart share few sets of the first cache; packed, a panel streams. Worth it when it is read often,
        // and for a transposed A, whose tiles are contiguous anyway, when it is read more often still.
        var pack = columns > (aDepth == 1 ? 4 : 12) * width;
        for (int p = 0, row = 0; p < panels; p++)
        {
            var rows = (m - row + panels - p - 1) / (panels - p);
            var aTile = a + (i0 + row) * aRow;
            nint tileRow = aRow, tileDepth = aDepth;
            if (pack)
            {
                var panel = scratch.Left((nint)TWide.TileRows * DepthBlock);
                if (aDepth == 1) GemmPacking.Columns(aTile, (int)aRow, rows, depth, panel, TWide.TileRows);
                else GemmPacking.Short(aTile, aDepth, rows, depth, panel, TWide.TileRows);
                aTile = panel;
                (tileRow, tileDepth) = (1, TWide.TileRows);
            }
            for (var j = 0; j < columns; j += width)
            {
                var cTile = c + (nint)(i0 + row) * ldc + j0 + j;
                var startTile = start == null ? null : start + (nint)(i0 + row) * ldStart + j0 + j;
                var wide = columns - j;
                if (wide >= width) Tile(rows, depth, aTile, tileRow, tileDepth, packedB + (nint)j * depth, width, cTile, ldc, startTile, ldStart);
                else Edge(rows, wide, depth, aTile, tileRow, tileDepth, packedB + (nint)j * depth, cTile, ldc, startTile, ldStart, scratch.Tile);
            }
            row += rows;
        }
    }

    // A tile whose last columns are not there: computed in full beside C, of which only what is there is copied.
    private static void Edge(int rows, int columns, nint k, float* a, nint aRow, nint aDepth, float* panel, float* c, int ldc, float* start, int ldStart, float* tile)
    {
        var width = 2 * TWide.Count;
        if (start != null)
        {
            for (var i = 0; i < rows; i++)
            {
                for (var j = 0; j < columns; j++) tile[i * width + j] = start[(nint)i * ldStart + j];
                for (var j = columns; j < width; j++) tile[i * width + j] = 0;
            }
        }
        Tile(rows, k, a, aRow, aDepth, panel, width, tile, width, start == null ? null : tile, width);
        for (var i = 0; i < rows; i++)
        {
            for (var j = 0; j < columns; j++) c[(nint)i * ldc + j] = tile[i * width + j];
        }
    }

    private static void Fill(int m, int n, float* c, int ldc, float* start, int ldStart)
    {
        for (var i = 0; i < m; i++)
        {
            for (var j = 0; j < n; j++) c[(nint)i * ldc + j] = start == null ? 0 : start[(nint)i * ldStart + j];
        }
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

    private static void Tile(int rows, nint k, float* a, nint aRow, nint aDepth, float* b, nint ldb, float* c, nint ldc, float* start, nint ldStart)
    {
        switch (rows)
        {
            case 1: TWide.Tile<Rows1>(k, a, aRow, aDepth, b, ldb, c, ldc, start, ldStart); break;
            case 2: TWide.Tile<Rows2>(k, a, aRow, aDepth, b, ldb, c, ldc, start, ldStart); break;
            case 3: TWide.Tile<Rows3>(k, a, aRow, aDepth, b, ldb, c, ldc, start, ldStart); break;
            case 4: TWide.Tile<Rows4>(k, a, aRow, aDepth, b, ldb, c, ldc, start, ldStart); break;
            case 5: TWide.Tile<Rows5>(k, a, aRow, aDepth, b, ldb, c, ldc, start, ldStart); break;
            case 6: TWide.Tile<Rows6>(k, a, aRow, aDepth, b, ldb, c, ldc, start, ldStart); break;
            case 7: TWide.Tile<Rows7>(k, a, aRow, aDepth, b, ldb, c, ldc, start, ldStart); break;
            case 8: TWide.Tile<Rows8>(k, a, aRow, aDepth, b, ldb, c, ldc, start, ldStart); break;
            case 9: TWide.Tile<Rows9>(k, a, aRow, aDepth, b, ldb, c, ldc, start, ldStart); break;
            case 10: TWide.Tile<Rows10>(k, a, aRow, aDepth, b, ldb, c, ldc, start, ldStart); break;
            case 11: TWide.Tile<Rows11>(k, a, aRow, aDepth, b, ldb, c, ldc, start, ldStart); break;
            default: TWide.Tile<Rows12>(k, a, aRow, aDepth, b, ldb, c, ldc, start, ldStart); break;
        }
    }
}
