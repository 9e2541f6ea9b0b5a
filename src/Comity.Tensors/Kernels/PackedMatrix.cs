namespace Comity.Tensors.Kernels;

/// <summary>A matrix B cut into panels of the product's width once, for products with many A.</summary>
internal static unsafe class PackedMatrix<TWide> where TWide : unmanaged, IWide<TWide>
{
    private const int LargestPanel = 8192; // above it the product would pack the panel again

    public static int PanelWidth => 2 * TWide.Count;

    /// <summary>Floats of the panels of a matrix [k, n].</summary>
    public static nint Length(int k, int n) => (nint)(n + PanelWidth - 1) / PanelWidth * PanelWidth * k;

    /// <param name="transposed">Whether B is stored as [n, k].</param>
    /// <param name="k">Rows of B.</param>
    /// <param name="n">Columns of B.</param>
    /// <param name="b">B, without gaps between its rows.</param>
    /// <param name="panels">Where the panels go.</param>
    public static void Pack(bool transposed, int k, int n, float* b, float* panels)
    {
        var width = PanelWidth;
        for (var j = 0; j < n; j += width, panels += (nint)width * k)
        {
            var columns = Math.Min(width, n - j);
            if (transposed)
            {
                GemmPacking.Columns(b + (nint)j * k, k, columns, k, panels, width);
                continue;
            }
            for (nint d = 0; d < k; d++)
            {
                Buffer.MemoryCopy(b + d * n + j, panels + d * width, columns * sizeof(float), columns * sizeof(float));
                new Span<float>(panels + d * width + columns, width - columns).Clear();
            }
        }
    }

    /// <summary>C = start + A·B for A of shape [m, k], rows without gaps.</summary>
    public static void Multiply(int m, int n, int k, float* a, float* panels, float* c, float* start, int ldStart)
    {
        var width = PanelWidth;
        var depth = Math.Max(1, LargestPanel / width);
        for (var j = 0; j < n; j += width, panels += (nint)width * k)
        {
            var columns = Math.Min(width, n - j);
            for (var d = 0; d < k; d += depth)
            {
                float* from = d > 0 ? c + j : start == null ? null : start + j;
                Gemm<TWide>.Run(false, false, m, columns, Math.Min(depth, k - d), a + d, k, panels + (nint)d * width, width, c + j, n, from, d > 0 ? n : ldStart);
            }
        }
    }
}
