using System.Runtime.CompilerServices;

namespace Comity.Tensors.Kernels;

/// <summary>y = f(x), element by element; x and y may be the same memory.</summary>
internal interface IUnary<TWide>
{
    TWide Apply(TWide x);
}

/// <summary>z = f(x, y), element by element.</summary>
internal interface IBinary<TWide>
{
    TWide Apply(TWide x, TWide y);
}

/// <summary>Runs an operator over memory. The last, partial register is computed as a whole one, so that a value's bits never depend on where it stands.</summary>
internal static unsafe class Elementwise<TWide> where TWide : unmanaged, IWide<TWide>
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization), SkipLocalsInit]
    public static void Map<TOperator>(TOperator f, float* x, float* y, nint n) where TOperator : struct, IUnary<TWide>
    {
        var w = TWide.Count;
        nint i = 0;
        for (; i + w <= n; i += w) TWide.Store(f.Apply(TWide.Load(x + i)), y + i);
        if (i == n) return;
        var part = stackalloc float[16];
        TWide.Store(TWide.Zero, part);
        for (var j = i; j < n; j++) part[j - i] = x[j];
        TWide.Store(f.Apply(TWide.Load(part)), part);
        for (var j = i; j < n; j++) y[j] = part[j - i];
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization), SkipLocalsInit]
    public static void Zip<TOperator>(TOperator f, float* x, float* y, float* z, nint n) where TOperator : struct, IBinary<TWide>
    {
        var w = TWide.Count;
        nint i = 0;
        for (; i + w <= n; i += w) TWide.Store(f.Apply(TWide.Load(x + i), TWide.Load(y + i)), z + i);
        if (i == n) return;
        float* left = stackalloc float[16], right = stackalloc float[16];
        TWide.Store(TWide.Zero, left);
        TWide.Store(TWide.Zero, right);
        for (var j = i; j < n; j++) (left[j - i], right[j - i]) = (x[j], y[j]);
        TWide.Store(f.Apply(TWide.Load(left), TWide.Load(right)), left);
        for (var j = i; j < n; j++) z[j] = left[j - i];
    }

    /// <summary>z += f(x, y).</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization), SkipLocalsInit]
    public static void ZipAdd<TOperator>(TOperator f, float* x, float* y, float* z, nint n) where TOperator : struct, IBinary<TWide>
    {
        var w = TWide.Count;
        nint i = 0;
        for (; i + w <= n; i += w) TWide.Store(TWide.Load(z + i) + f.Apply(TWide.Load(x + i), TWide.Load(y + i)), z + i);
        if (i == n) return;
        float* left = stackalloc float[16], right = stackalloc float[16];
        TWide.Store(TWide.Zero, left);
        TWide.Store(TWide.Zero, right);
        for (var j = i; j < n; j++) (left[j - i], right[j - i]) = (x[j], y[j]);
        TWide.Store(f.Apply(TWide.Load(left), TWide.Load(right)), left);
        for (var j = i; j < n; j++) z[j] += left[j - i];
    }

    /// <summary>y = gelu(x), and its derivative in the place of x: one evaluation of the normal distribution gives both.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization), SkipLocalsInit]
    public static void GeluAndRule(float* x, float* y, nint n)
    {
        var w = TWide.Count;
        nint i = 0;
        for (; i + w <= n; i += w)
        {
            var v = TWide.Load(x + i);
            var share = WideMath<TWide>.Normal(v, out var density);
            TWide.Store(v * share, y + i);
            TWide.Store(TWide.MultiplyAdd(v, density, share), x + i);
        }
        if (i == n) return;
        float* from = stackalloc float[16], to = stackalloc float[16];
        TWide.Store(TWide.Zero, from);
        for (var j = i; j < n; j++) from[j - i] = x[j];
        GeluAndRule(from, to, w);
        for (var j = i; j < n; j++) (x[j], y[j]) = (from[j - i], to[j - i]);
    }
}
