using System.Numerics.Tensors;
using Comity.Tensors;
using Comity.Tensors.Differentiation;
using Comity.Tensors.Memory;
using Comity.Tensors.Parameters;

namespace Comity.Benchmarks.Privacy;

/// <summary>Features of an image that no data were needed for: the scattering transform (Bruna and Mallat 2013), two scales, eight angles, 81 maps of 7 × 7.</summary>
/// <remarks>
/// Filters are Kymatio's Morlet wavelets (Andreux et al. 2020), but with zeros beyond the edges. Each image's maps are normalised three by three, as Tramèr and Boneh 2021 (arXiv:2011.11660)
/// do with group normalisation, so nothing is read from any other image, and nothing is charged.
/// </remarks>
internal sealed class Scattering
{
    /// <summary>Features of an image.</summary>
    public const int Features = Maps * Small * Small;

    private const int Angles = 8, Size = 28, Small = 7, Stride = Size / Small, Maps = 1 + (2 * Angles) + (Angles * Angles), Together = 3, Batch = 16;

    private readonly float[] _fine = Wavelets(0, 6), _coarse = Wavelets(1, 11), _low = Window(1.6, 6);
    private readonly Tape _tape = new(new ParameterLayoutBuilder().Build());

    /// <summary>Transforms images of 28 × 28, shape [n, 784], into features, shape [n, 3969].</summary>
    public static float[] Of(float[] images)
    {
        var features = new float[(long)images.Length / (Size * Size) * Features];
        var batches = ((images.Length / (Size * Size)) + Batch - 1) / Batch;
        Parallel.For(0, batches, () => new Scattering(), (batch, _, own) =>
        {
            var first = batch * Batch;
            var count = Math.Min(Batch, (images.Length / (Size * Size)) - first);
            own.Transform(images.AsSpan(first * Size * Size, count * Size * Size), count, features.AsSpan(first * Features, count * Features));
            return own;
        }, _ => { });
        return features;
    }

    private void Transform(ReadOnlySpan<float> images, int count, Span<float> features)
    {
        _tape.Begin(new AlignedBuffer(0), new AlignedBuffer(0));
        var maps = new float[count * Maps * Size * Size];
        for (var i = 0; i < count; i++) images.Slice(i * Size * Size, Size * Size).CopyTo(Map(maps, i, 0));
        var first = Moduli(images, count, _fine, 6);
        var second = Moduli(images, count, _coarse, 11);
        var deeper = Moduli(first, count * Angles, _coarse, 11);
        for (var i = 0; i < count; i++)
        {
            for (var a = 0; a < Angles; a++)
            {
                Map(first, i * Angles + a).CopyTo(Map(maps, i, 1 + a));
                Map(second, i * Angles + a).CopyTo(Map(maps, i, 1 + Angles + a));
                for (var b = 0; b < Angles; b++) Map(deeper, ((i * Angles) + a) * Angles + b).CopyTo(Map(maps, i, 1 + (2 * Angles) + (a * Angles) + b));
            }
        }
        for (var m = 0; m < count * Maps; m++) Smooth(Map(maps, m), features.Slice(m * Small * Small, Small * Small));
        for (var g = 0; g < count * Maps / Together; g++) Normalise(features.Slice(g * Together * Small * Small, Together * Small * Small));
    }

    // |x ∗ ψ| for each angle: shape [n·8, 28, 28].
    private float[] Moduli(ReadOnlySpan<float> images, int count, float[] filters, int radius)
    {
        var side = (2 * radius) + 1;
        var waves = _tape.Convolution(_tape.Constant(images, new Shape(count, Size, Size, 1)), _tape.Constant(filters, new Shape(2 * Angles, 1, side, side)), window: ConvolutionWindow.Square(padding: radius)).Values;
        var moduli = new float[count * Angles * Size * Size];
        for (var i = 0; i < count; i++)
        {
            for (var p = 0; p < Size * Size; p++)
            {
                var wave = waves.Slice(((i * Size * Size) + p) * 2 * Angles, 2 * Angles);
                for (var a = 0; a < Angles; a++) moduli[(((i * Angles) + a) * Size * Size) + p] = MathF.Sqrt((wave[a] * wave[a]) + (wave[Angles + a] * wave[Angles + a]));
            }
        }
        return moduli;
    }

    private static Span<float> Map(float[] maps, int image, int map) => Map(maps, (image * Maps) + map);

    private static Span<float> Map(float[] maps, int map) => maps.AsSpan(map * Size * Size, Size * Size);

    // The low-pass window, every fourth row and column; it is a product of one over rows and one over columns.
    private void Smooth(ReadOnlySpan<float> map, Span<float> small)
    {
        Span<float> rows = stackalloc float[Small * Size];
        var radius = _low.Length / 2;
        for (var y = 0; y < Small; y++)
        {
            for (var x = 0; x < Size; x++)
            {
                var sum = 0f;
                for (var k = Math.Max(-radius, -y * Stride); k <= Math.Min(radius, Size - 1 - (y * Stride)); k++) sum += _low[k + radius] * map[(((y * Stride) + k) * Size) + x];
                rows[(y * Size) + x] = sum;
            }
        }
        for (var y = 0; y < Small; y++)
        {
            for (var x = 0; x < Small; x++)
            {
                var sum = 0f;
                for (var k = Math.Max(-radius, -x * Stride); k <= Math.Min(radius, Size - 1 - (x * Stride)); k++) sum += _low[k + radius] * rows[(y * Size) + (x * Stride) + k];
                small[(y * Small) + x] = sum;
            }
        }
    }

    private static void Normalise(Span<float> values)
    {
        TensorPrimitives.Subtract(values, TensorPrimitives.Sum<float>(values) / values.Length, values);
        TensorPrimitives.Multiply(values, 1 / MathF.Sqrt((TensorPrimitives.SumOfSquares<float>(values) / values.Length) + 1e-5f), values);
    }

    private static float[] Window(double sigma, int radius)
    {
        var values = Enumerable.Range(-radius, (2 * radius) + 1).Select(x => Math.Exp(-x * x / (2 * sigma * sigma))).ToArray();
        return [.. values.Select(v => (float)(v / values.Sum()))];
    }

    // Eight real parts, then eight imaginary ones; a Morlet wavelet has mean zero.
    private static float[] Wavelets(int scale, int radius)
    {
        double sigma = 0.8 * (1 << scale), frequency = 0.75 * Math.PI / (1 << scale), slant = 4.0 / Angles;
        var side = (2 * radius) + 1;
        var filters = new float[2 * Angles * side * side];
        for (var angle = 0; angle < Angles; angle++)
        {
            var (sin, cos) = Math.SinCos((Angles / 2 - 1 - angle) * Math.PI / Angles);
            double[] envelope = new double[side * side], real = new double[side * side], imaginary = new double[side * side];
            for (var i = 0; i < side * side; i++)
            {
                double x = (i / side) - radius, y = (i % side) - radius, along = (x * cos) + (y * sin), across = (y * cos) - (x * sin);
                envelope[i] = Math.Exp(-((along * along) + (slant * slant * across * across)) / (2 * sigma * sigma)) * slant / (2 * Math.PI * sigma * sigma);
                (imaginary[i], real[i]) = (envelope[i] * Math.Sin(frequency * along), envelope[i] * Math.Cos(frequency * along));
            }
            var mean = real.Sum() / envelope.Sum(); // the imaginary part is odd
            for (var i = 0; i < side * side; i++)
            {
                filters[(angle * side * side) + i] = (float)(real[i] - (mean * envelope[i]));
                filters[((Angles + angle) * side * side) + i] = (float)imaginary[i];
            }
        }
        return filters;
    }
}
