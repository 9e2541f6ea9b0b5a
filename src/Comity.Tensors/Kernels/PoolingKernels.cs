using System.Runtime.CompilerServices;

namespace Comity.Tensors.Kernels;

/// <summary>Sizes of a pooling over images with channels last.</summary>
/// <param name="Images">Images in the batch.</param>
/// <param name="Channels">Channels of each.</param>
/// <param name="Rows">The vertical axis.</param>
/// <param name="Columns">The horizontal axis.</param>
internal readonly record struct PoolingShape(int Images, int Channels, ConvolutionAxis Rows, ConvolutionAxis Columns)
{
    public nint Input => (nint)Rows.Size * Columns.Size * Channels;

    public nint Output => (nint)Rows.Outputs * Columns.Outputs * Channels;

    /// <summary>Whether every input lies in exactly one window.</summary>
    public bool Tiles => IsTiled(Rows) && IsTiled(Columns);

    private static bool IsTiled(ConvolutionAxis axis) => axis.Stride == axis.Taps && axis.Padding == 0 && axis.Size % axis.Taps == 0;
}

/// <summary>Largest and mean of windows over images with channels last, where the channels are the vector side. What lies beyond the edges does not count.</summary>
internal static unsafe class PoolingKernels<TWide> where TWide : unmanaged, IWide<TWide>
{
    /// <summary>The part of a window that lies within the image.</summary>
    private readonly ref struct Window
    {
        public Window(in PoolingShape s, int y, int x)
        {
            int top = y * s.Rows.Stride - s.Rows.Padding, left = x * s.Columns.Stride - s.Columns.Padding;
            (Top, Bottom) = (Math.Max(0, top), Math.Min(s.Rows.Size, top + s.Rows.Taps));
            (Left, Right) = (Math.Max(0, left), Math.Min(s.Columns.Size, left + s.Columns.Taps));
            (Line, Pixel) = ((nint)s.Columns.Size * s.Channels, s.Channels);
        }

        public readonly int Top, Bottom, Left, Right;

        public readonly nint Line, Pixel;

        public int Count => (Bottom - Top) * (Right - Left);
    }

    /// <summary>y = the largest of each window, and its place, counted over the window; the first of equal ones.</summary>
    public static void Largest(in PoolingShape s, float* x, float* y, float* place)
    {
        for (nint n = 0; n < s.Images; n++, x += s.Input)
        {
            for (var oy = 0; oy < s.Rows.Outputs; oy++)
            {
                for (var ox = 0; ox < s.Columns.Outputs; ox++, y += s.Channels, place += s.Channels) Largest(new Window(s, oy, ox), s.Channels, x, y, place);
            }
        }
    }

    /// <summary>dx (+)= dy at the place of each window's largest.</summary>
    public static void LargestRule(in PoolingShape s, float* dy, float* place, float* dx, bool accumulate)
    {
        var whole = s.Tiles && !accumulate;
        if (!whole && !accumulate) Clear(dx, s.Images * s.Input);
        for (nint n = 0; n < s.Images; n++, dx += s.Input)
        {
            for (var oy = 0; oy < s.Rows.Outputs; oy++)
            {
                for (var ox = 0; ox < s.Columns.Outputs; ox++, dy += s.Channels, place += s.Channels) LargestRule(new Window(s, oy, ox), s.Channels, dy, place, dx, !whole);
            }
        }
    }

    /// <summary>y = the mean of what a window covers of the image.</summary>
    public static void Mean(in PoolingShape s, float* x, float* y)
    {
        for (nint n = 0; n < s.Images; n++, x += s.Input)
        {
            for (var oy = 0; oy < s.Rows.Outputs; oy++)
            {
                for (var ox = 0; ox < s.Columns.Outputs; ox++, y += s.Channels) Mean(new Window(s, oy, ox), s.Channels, x, y);
            }
        }
    }

    /// <summary>dx (+)= an equal share of dy for all that a window covers.</summary>
    public static void MeanRule(in PoolingShape s, float* dy, float* dx, bool accumulate)
    {
        if (!accumulate) Clear(dx, s.Images * s.Input);
        for (nint n = 0; n < s.Images; n++, dx += s.Input)
        {
            for (var oy = 0; oy < s.Rows.Outputs; oy++)
            {
                for (var ox = 0; ox < s.Columns.Outputs; ox++, dy += s.Channels) MeanRule(new Window(s, oy, ox), s.Channels, dy, dx);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Largest(in Window window, int channels, float* x, float* y, float* place)
    {
        var j = 0;
        for (; j + TWide.Count <= channels; j += TWide.Count) Largest<TWide>(window, x + j, y + j, place + j);
        for (; j < channels; j++) Largest<WideScalar>(window, x + j, y + j, place + j);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Largest<T>(in Window window, float* x, float* y, float* place) where T : unmanaged, IWide<T>
    {
        T best = T.Create(float.NegativeInfinity), at = T.Zero;
        var count = 0f;
        for (nint row = window.Top; row < window.Bottom; row++)
        {
            var source = x + row * window.Line + window.Left * window.Pixel;
            for (var column = window.Left; column < window.Right; column++, source += window.Pixel, count++)
            {
                var value = T.Load(source);
                at = T.Select(T.GreaterThan(value, best), T.Create(count), at);
                best = T.Max(best, value);
            }
        }
        T.Store(best, y);
        T.Store(at, place);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void LargestRule(in Window window, int channels, float* dy, float* place, float* dx, bool accumulate)
    {
        var j = 0;
        for (; j + TWide.Count <= channels; j += TWide.Count) LargestRule<TWide>(window, dy + j, place + j, dx + j, accumulate);
        for (; j < channels; j++) LargestRule<WideScalar>(window, dy + j, place + j, dx + j, accumulate);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void LargestRule<T>(in Window window, float* dy, float* place, float* dx, bool accumulate) where T : unmanaged, IWide<T>
    {
        T gradient = T.Load(dy), at = T.Load(place);
        var count = 0f;
        for (nint row = window.Top; row < window.Bottom; row++)
        {
            var target = dx + row * window.Line + window.Left * window.Pixel;
            for (var column = window.Left; column < window.Right; column++, target += window.Pixel, count++)
            {
                var share = T.Select(T.GreaterThan(at, T.Create(count - 0.5f)), T.Select(T.GreaterThan(T.Create(count + 0.5f), at), gradient, T.Zero), T.Zero);
                T.Store(accumulate ? T.Load(target) + share : share, target);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Mean(in Window window, int channels, float* x, float* y)
    {
        var j = 0;
        for (; j + TWide.Count <= channels; j += TWide.Count) Mean<TWide>(window, x + j, y + j);
        for (; j < channels; j++) Mean<WideScalar>(window, x + j, y + j);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Mean<T>(in Window window, float* x, float* y) where T : unmanaged, IWide<T>
    {
        var sum = T.Zero;
        for (nint row = window.Top; row < window.Bottom; row++)
        {
            var source = x + row * window.Line + window.Left * window.Pixel;
            for (var column = window.Left; column < window.Right; column++, source += window.Pixel) sum += T.Load(source);
        }
        T.Store(sum * T.Create(1f / window.Count), y);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void MeanRule(in Window window, int channels, float* dy, float* dx)
    {
        var j = 0;
        for (; j + TWide.Count <= channels; j += TWide.Count) MeanRule<TWide>(window, dy + j, dx + j);
        for (; j < channels; j++) MeanRule<WideScalar>(window, dy + j, dx + j);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void MeanRule<T>(in Window window, float* dy, float* dx) where T : unmanaged, IWide<T>
    {
        var share = T.Load(dy) * T.Create(1f / window.Count);
        for (nint row = window.Top; row < window.Bottom; row++)
        {
            var target = dx + row * window.Line + window.Left * window.Pixel;
            for (var column = window.Left; column < window.Right; column++, target += window.Pixel) T.Store(T.Load(target) + share, target);
        }
    }

    private static void Clear(float* x, nint length) => System.Runtime.InteropServices.NativeMemory.Clear(x, (nuint)length * sizeof(float));
}
