namespace Comity.Data.Audio;

/// <summary>The discrete Fourier transform of lengths that are powers of two, in place, in double precision (Cooley and Tukey 1965).</summary>
internal sealed class FourierTransform
{
    private readonly double[] _cos;
    private readonly double[] _sin;
    private readonly int[] _reversed;

    /// <param name="length">A power of two.</param>
    public FourierTransform(int length)
    {
        (Length, _cos, _sin, _reversed) = (length, new double[length / 2], new double[length / 2], new int[length]);
        for (var i = 0; i < length / 2; i++) (_sin[i], _cos[i]) = Math.SinCos(-2 * Math.PI * i / length);
        for (var i = 1; i < length; i++) _reversed[i] = _reversed[i >> 1] >> 1 | ((i & 1) != 0 ? length >> 1 : 0);
    }

    public int Length { get; }

    /// <summary>Transforms in place.</summary>
    /// <param name="real">Shape [length].</param>
    /// <param name="imaginary">Shape [length].</param>
    public void Forward(Span<double> real, Span<double> imaginary)
    {
        for (var i = 0; i < Length; i++)
        {
            var j = _reversed[i];
            if (j <= i) continue;
            (real[i], real[j]) = (real[j], real[i]);
            (imaginary[i], imaginary[j]) = (imaginary[j], imaginary[i]);
        }
        for (var half = 1; half < Length; half *= 2)
        {
            var stride = Length / (2 * half);
            for (var start = 0; start < Length; start += 2 * half)
            {
                for (var k = 0; k < half; k++)
                {
                    var (c, s, upper, lower) = (_cos[k * stride], _sin[k * stride], start + k, start + k + half);
                    var (re, im) = (real[lower] * c - imaginary[lower] * s, real[lower] * s + imaginary[lower] * c);
                    (real[lower], imaginary[lower]) = (real[upper] - re, imaginary[upper] - im);
                    (real[upper], imaginary[upper]) = (real[upper] + re, imaginary[upper] + im);
                }
            }
        }
    }
}
