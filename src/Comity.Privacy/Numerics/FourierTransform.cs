using System.Numerics;

namespace Comity.Privacy.Numerics;

/// <summary>A complex fast Fourier transform of a power-of-two length, in place, on separate real and imaginary parts.</summary>
/// <remarks>Cooley and Tukey 1965, decimation in time; twiddle factors from a table, so that errors grow with log n only.</remarks>
internal sealed class FourierTransform
{
    private readonly double[] _cos;
    private readonly double[] _sin;

    /// <param name="length">A power of two, at least 2.</param>
    public FourierTransform(int length)
    {
        if (length < 2 || !BitOperations.IsPow2(length)) throw new ArgumentOutOfRangeException(nameof(length), length, "Must be a power of two, at least 2.");
        Length = length;
        (_cos, _sin) = (new double[length / 2], new double[length / 2]);
        for (var i = 0; i < length / 2; i++) (_sin[i], _cos[i]) = Math.SinCos(-2 * Math.PI * i / length);
    }

    /// <summary>The length n.</summary>
    public int Length { get; }

    /// <summary>X[k] = Σ x[j]·exp(−2πi·jk/n).</summary>
    public void Forward(Span<double> real, Span<double> imaginary)
    {
        Permute(real, imaginary);
        for (var half = 1; half < Length; half *= 2)
        {
            var stride = Length / (2 * half);
            for (var start = 0; start < Length; start += 2 * half)
            {
                for (var k = 0; k < half; k++)
                {
                    var (c, s) = (_cos[k * stride], _sin[k * stride]);
                    var (even, odd) = (start + k, start + k + half);
                    var re = real[odd] * c - imaginary[odd] * s;
                    var im = real[odd] * s + imaginary[odd] * c;
                    (real[odd], imaginary[odd]) = (real[even] - re, imaginary[even] - im);
                    (real[even], imaginary[even]) = (real[even] + re, imaginary[even] + im);
                }
            }
        }
    }

    /// <summary>The inverse, scaled by 1/n.</summary>
    public void Inverse(Span<double> real, Span<double> imaginary)
    {
        // Swapping the parts conjugates on the way in and out.
        Forward(imaginary, real);
        for (var i = 0; i < Length; i++) (real[i], imaginary[i]) = (real[i] / Length, imaginary[i] / Length);
    }

    private void Permute(Span<double> real, Span<double> imaginary)
    {
        for (int i = 1, j = 0; i < Length; i++)
        {
            var bit = Length >> 1;
            for (; (j & bit) != 0; bit >>= 1) j ^= bit;
            j ^= bit;
            if (i < j)
            {
                (real[i], real[j]) = (real[j], real[i]);
                (imaginary[i], imaginary[j]) = (imaginary[j], imaginary[i]);
            }
        }
    }
}
