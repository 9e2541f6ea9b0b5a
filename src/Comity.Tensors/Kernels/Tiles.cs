namespace Comity.Tensors.Kernels;

/// <summary>Tiles of any height up to that of the width, see <see cref="GemmTile{TLanes, TVector, TRows}"/> for the parameters.</summary>
internal static unsafe class Tiles<TWide> where TWide : unmanaged, IWide<TWide>
{
    /// <summary>Columns of a whole tile.</summary>
    public static int Width => 2 * TWide.Count;

    /// <summary>All rows of one panel of B: tiles of even heights, the higher ones first. Where the next tile of A is zero floats away, rows follow one another.</summary>
    public static void Column(int m, int tiles, nint nextTile, nint segments, nint* offsets, nint k, float* a, nint aRow, nint aDepth, float* b, nint ldb, float* c, nint ldc, float* start, nint ldStart)
    {
        var (rows, higher) = Math.DivRem(m, tiles);
        if (higher > 0)
        {
            var step = nextTile == 0 ? (rows + 1) * aRow : nextTile;
            Run(rows + 1, higher, step, segments, offsets, k, a, aRow, aDepth, b, ldb, c, ldc, start, ldStart);
            nint above = (nint)higher * (rows + 1);
            a += higher * step;
            c += above * ldc;
            if (start != null) start += above * ldStart;
        }
        Run(rows, tiles - higher, nextTile == 0 ? rows * aRow : nextTile, segments, offsets, k, a, aRow, aDepth, b, ldb, c, ldc, start, ldStart);
    }

    /// <summary>Whole tiles of one height, one below the other.</summary>
    public static void Run(int rows, nint tiles, nint nextTile, nint segments, nint* offsets, nint k, float* a, nint aRow, nint aDepth, float* b, nint ldb, float* c, nint ldc, float* start, nint ldStart)
    {
        switch (rows)
        {
            case 1: TWide.Tile<Rows1>(tiles, nextTile, segments, offsets, k, a, aRow, aDepth, b, ldb, c, ldc, start, ldStart); break;
            case 2: TWide.Tile<Rows2>(tiles, nextTile, segments, offsets, k, a, aRow, aDepth, b, ldb, c, ldc, start, ldStart); break;
            case 3: TWide.Tile<Rows3>(tiles, nextTile, segments, offsets, k, a, aRow, aDepth, b, ldb, c, ldc, start, ldStart); break;
            case 4: TWide.Tile<Rows4>(tiles, nextTile, segments, offsets, k, a, aRow, aDepth, b, ldb, c, ldc, start, ldStart); break;
            case 5: TWide.Tile<Rows5>(tiles, nextTile, segments, offsets, k, a, aRow, aDepth, b, ldb, c, ldc, start, ldStart); break;
            case 6: TWide.Tile<Rows6>(tiles, nextTile, segments, offsets, k, a, aRow, aDepth, b, ldb, c, ldc, start, ldStart); break;
            case 7: TWide.Tile<Rows7>(tiles, nextTile, segments, offsets, k, a, aRow, aDepth, b, ldb, c, ldc, start, ldStart); break;
            case 8: TWide.Tile<Rows8>(tiles, nextTile, segments, offsets, k, a, aRow, aDepth, b, ldb, c, ldc, start, ldStart); break;
            case 9: TWide.Tile<Rows9>(tiles, nextTile, segments, offsets, k, a, aRow, aDepth, b, ldb, c, ldc, start, ldStart); break;
            case 10: TWide.Tile<Rows10>(tiles, nextTile, segments, offsets, k, a, aRow, aDepth, b, ldb, c, ldc, start, ldStart); break;
            case 11: TWide.Tile<Rows11>(tiles, nextTile, segments, offsets, k, a, aRow, aDepth, b, ldb, c, ldc, start, ldStart); break;
            default: TWide.Tile<Rows12>(tiles, nextTile, segments, offsets, k, a, aRow, aDepth, b, ldb, c, ldc, start, ldStart); break;
        }
    }

    /// <summary>A tile whose last columns are not there: computed in full beside C, of which only what is there is copied. B's rows are whole.</summary>
    public static void Edge(int rows, int columns, nint segments, nint* offsets, nint k, float* a, nint aRow, nint aDepth, float* b, nint ldb, float* c, nint ldc, float* start, nint ldStart, float* tile)
    {
        var width = Width;
        if (start != null)
        {
            for (nint i = 0; i < rows; i++)
            {
                for (nint j = 0; j < columns; j++) tile[i * width + j] = start[i * ldStart + j];
                for (nint j = columns; j < width; j++) tile[i * width + j] = 0;
            }
        }
        Run(rows, 1, 0, segments, offsets, k, a, aRow, aDepth, b, ldb, tile, width, start == null ? null : tile, width);
        for (nint i = 0; i < rows; i++)
        {
            for (nint j = 0; j < columns; j++) c[i * ldc + j] = tile[i * width + j];
        }
    }
}
