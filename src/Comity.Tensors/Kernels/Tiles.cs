namespace Comity.Tensors.Kernels;

/// <summary>Tiles of any height up to that of the width, see <see cref="GemmTile{TLanes, TVector, TRows}"/> for the parameters.</summary>
internal static unsafe class Tiles<TWide> where TWide : unmanaged, IWide<TWide>
{
    /// <summary>Columns of a whole tile.</summary>
    public static int Width => 2 * TWide.Count;

    /// <summary>A whole tile.</summary>
    public static void Run(int rows, nint segments, nint* offsets, nint k, float* a, nint aRow, nint aDepth, float* b, nint ldb, float* c, nint ldc, float* start, nint ldStart)
    {
        switch (rows)
        {
            case 1: TWide.Tile<Rows1>(segments, offsets, k, a, aRow, aDepth, b, ldb, c, ldc, start, ldStart); break;
            case 2: TWide.Tile<Rows2>(segments, offsets, k, a, aRow, aDepth, b, ldb, c, ldc, start, ldStart); break;
            case 3: TWide.Tile<Rows3>(segments, offsets, k, a, aRow, aDepth, b, ldb, c, ldc, start, ldStart); break;
            case 4: TWide.Tile<Rows4>(segments, offsets, k, a, aRow, aDepth, b, ldb, c, ldc, start, ldStart); break;
            case 5: TWide.Tile<Rows5>(segments, offsets, k, a, aRow, aDepth, b, ldb, c, ldc, start, ldStart); break;
            case 6: TWide.Tile<Rows6>(segments, offsets, k, a, aRow, aDepth, b, ldb, c, ldc, start, ldStart); break;
            case 7: TWide.Tile<Rows7>(segments, offsets, k, a, aRow, aDepth, b, ldb, c, ldc, start, ldStart); break;
            case 8: TWide.Tile<Rows8>(segments, offsets, k, a, aRow, aDepth, b, ldb, c, ldc, start, ldStart); break;
            case 9: TWide.Tile<Rows9>(segments, offsets, k, a, aRow, aDepth, b, ldb, c, ldc, start, ldStart); break;
            case 10: TWide.Tile<Rows10>(segments, offsets, k, a, aRow, aDepth, b, ldb, c, ldc, start, ldStart); break;
            case 11: TWide.Tile<Rows11>(segments, offsets, k, a, aRow, aDepth, b, ldb, c, ldc, start, ldStart); break;
            default: TWide.Tile<Rows12>(segments, offsets, k, a, aRow, aDepth, b, ldb, c, ldc, start, ldStart); break;
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
        Run(rows, segments, offsets, k, a, aRow, aDepth, b, ldb, tile, width, start == null ? null : tile, width);
        for (nint i = 0; i < rows; i++)
        {
            for (nint j = 0; j < columns; j++) c[i * ldc + j] = tile[i * width + j];
        }
    }
}
