using System.Runtime.CompilerServices;
using Comity.Tensors.Differentiation;
using Comity.Tensors.Memory;

namespace Comity.Tensors.Kernels;

/// <summary>Normalisations over the values of a row. A row is read from memory once; its later passes run in the first cache.</summary>
internal static unsafe class NormKernels<TWide> where TWide : unmanaged, IWide<TWide>
{
    private const float Epsilon = Layers.NormalizationEpsilon;

    /// <summary>y = scale·(x − mean)·r + shift with r = 1/√(variance + ε).</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Layer(float* x, float* scale, float* shift, float* y, float* mean, float* inverse, int rows, int n)
    {
        var w = TWide.Count;
        for (var i = 0; i < rows; i++, x += n, y += n)
        {
            // Four sums at a time: a single one is a chain that takes longer than the work.
            TWide s0 = TWide.Zero, s1 = TWide.Zero, s2 = TWide.Zero, s3 = TWide.Zero;
            var j = 0;
            for (; j + 4 * w <= n; j += 4 * w)
            {
                s0 += TWide.Load(x + j);
                s1 += TWide.Load(x + j + w);
                s2 += TWide.Load(x + j + 2 * w);
                s3 += TWide.Load(x + j + 3 * w);
            }
            for (; j + w <= n; j += w) s0 += TWide.Load(x + j);
            var m = TWide.Sum(s0 + s1 + (s2 + s3));
            for (; j < n; j++) m += x[j];
            m /= n;
            var middle = TWide.Create(m);
            s0 = s1 = s2 = s3 = TWide.Zero;
            for (j = 0; j + 4 * w <= n; j += 4 * w)
            {
                TWide d0 = TWide.Load(x + j) - middle, d1 = TWide.Load(x + j + w) - middle, d2 = TWide.Load(x + j + 2 * w) - middle, d3 = TWide.Load(x + j + 3 * w) - middle;
                s0 = TWide.MultiplyAdd(d0, d0, s0);
                s1 = TWide.MultiplyAdd(d1, d1, s1);
                s2 = TWide.MultiplyAdd(d2, d2, s2);
                s3 = TWide.MultiplyAdd(d3, d3, s3);
            }
            for (; j + w <= n; j += w)
            {
                var d = TWide.Load(x + j) - middle;
                s0 = TWide.MultiplyAdd(d, d, s0);
            }
            var sum = TWide.Sum(s0 + s1 + (s2 + s3));
            for (; j < n; j++) sum = MathF.FusedMultiplyAdd(x[j] - m, x[j] - m, sum);
            var r = (float)(1 / Math.Sqrt((double)sum / n + Epsilon));
            (mean[i], inverse[i]) = (m, r);
            var factor = TWide.Create(r);
            for (j = 0; j + w <= n; j += w)
                TWide.Store(TWide.MultiplyAdd((TWide.Load(x + j) - middle) * factor, TWide.Load(scale + j), TWide.Load(shift + j)), y + j);
            for (; j < n; j++) y[j] = MathF.FusedMultiplyAdd((x[j] - m) * r, scale[j], shift[j]);
        }
    }

    /// <summary>With d = g·scale and the normalised row k: dx = r·(d − mean(d) − k·mean(d·k)), dScale += Σ g·k, dShift += Σ g. A null dx is left out.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void LayerRule(float* x, float* scale, float* mean, float* inverse, float* gradient, float* dx, float* dScale, float* dShift, int rows, int n, bool accumulate)
    {
        var w = TWide.Count;
        var normal = Scratch.OfThread.Work(n);
        for (var i = 0; i < rows; i++, x += n, gradient += n)
        {
            float m = mean[i], r = inverse[i];
            TWide middle = TWide.Create(m), factor = TWide.Create(r), sums = TWide.Zero, products = TWide.Zero;
            var j = 0;
            for (; j + w <= n; j += w)
            {
                TWide g = TWide.Load(gradient + j), k = (TWide.Load(x + j) - middle) * factor, d = g * TWide.Load(scale + j);
                TWide.Store(k, normal + j);
                sums += d;
                products = TWide.MultiplyAdd(d, k, products);
                TWide.Store(TWide.MultiplyAdd(g, k, TWide.Load(dScale + j)), dScale + j);
                TWide.Store(TWide.Load(dShift + j) + g, dShift + j);
            }
            float sum = TWide.Sum(sums), along = TWide.Sum(products);
            for (; j < n; j++)
            {
                float g = gradient[j], k = (x[j] - m) * r, d = g * scale[j];
                normal[j] = k;
                sum += d;
                along = MathF.FusedMultiplyAdd(d, k, along);
                dScale[j] = MathF.FusedMultiplyAdd(g, k, dScale[j]);
                dShift[j] += g;
            }
            if (dx == null) continue;
            float average = sum / n, slope = along / n;
            TWide level = TWide.Create(average), tilt = TWide.Create(slope);
            for (j = 0; j + w <= n; j += w)
            {
                var d = TWide.Load(gradient + j) * TWide.Load(scale + j) - level;
                d = factor * TWide.MultiplySubtractFrom(TWide.Load(normal + j), tilt, d);
                TWide.Store(accumulate ? TWide.Load(dx + j) + d : d, dx + j);
            }
            for (; j < n; j++)
            {
                var d = r * MathF.FusedMultiplyAdd(-normal[j], slope, gradient[j] * scale[j] - average);
                dx[j] = accumulate ? dx[j] + d : d;
            }
            dx += n;
        }
    }

    /// <summary>y = scale·x·r with r = 1/√(mean(x²) + ε).</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Rms(float* x, float* scale, float* y, float* inverse, int rows, int n)
    {
        var w = TWide.Count;
        for (var i = 0; i < rows; i++, x += n, y += n)
        {
            var r = (float)(1 / Math.Sqrt(RowKernels<TWide>.Dot(x, x, n) / n + Epsilon));
            inverse[i] = r;
            var factor = TWide.Create(r);
            var j = 0;
            for (; j + w <= n; j += w) TWide.Store(TWide.Load(x + j) * factor * TWide.Load(scale + j), y + j);
            for (; j < n; j++) y[j] = x[j] * r * scale[j];
        }
    }

    /// <summary>With d = g·scale: dx = r·d − x·r³·mean(d·x), dScale += Σ g·x·r. A null dx is left out.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void RmsRule(float* x, float* scale, float* inverse, float* gradient, float* dx, float* dScale, int rows, int n, bool accumulate)
    {
        var w = TWide.Count;
        for (var i = 0; i < rows; i++, x += n, gradient += n)
        {
            var r = inverse[i];
            TWide factor = TWide.Create(r), products = TWide.Zero;
            var j = 0;
            for (; j + w <= n; j += w)
            {
                TWide g = TWide.Load(gradient + j), v = TWide.Load(x + j);
                products = TWide.MultiplyAdd(g * TWide.Load(scale + j), v, products);
                TWide.Store(TWide.MultiplyAdd(g, v * factor, TWide.Load(dScale + j)), dScale + j);
            }
            var along = TWide.Sum(products);
            for (; j < n; j++)
            {
                along = MathF.FusedMultiplyAdd(gradient[j] * scale[j], x[j], along);
                dScale[j] = MathF.FusedMultiplyAdd(gradient[j], x[j] * r, dScale[j]);
            }
            if (dx == null) continue;
            var slope = along / n * r * r;
            var tilt = TWide.Create(slope);
            for (j = 0; j + w <= n; j += w)
            {
                var d = factor * TWide.MultiplySubtractFrom(TWide.Load(x + j), tilt, TWide.Load(gradient + j) * TWide.Load(scale + j));
                TWide.Store(accumulate ? TWide.Load(dx + j) + d : d, dx + j);
            }
            for (; j < n; j++)
            {
                var d = r * MathF.FusedMultiplyAdd(-x[j], slope, gradient[j] * scale[j]);
                dx[j] = accumulate ? dx[j] + d : d;
            }
            dx += n;
        }
    }
}
