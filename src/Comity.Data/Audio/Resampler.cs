using System.Numerics;

namespace Comity.Data.Audio;

/// <summary>Changes the rate of a waveform by a ratio of whole numbers, through a low-pass filter without delay.</summary>
/// <remarks>Polyphase with a Kaiser window (β = 5, ten zero crossings to either side), the usual compromise of scipy.signal.resample_poly.</remarks>
internal sealed class Resampler
{
    private const double Beta = 5;
    private readonly int _up;
    private readonly int _down;
    private readonly int _half;
    private readonly double[] _filter;

    /// <param name="from">Samples a second that arrive.</param>
    /// <param name="to">Samples a second that are wanted.</param>
    public Resampler(int from, int to)
    {
        var common = (int)BigInteger.GreatestCommonDivisor(from, to);
        (_up, _down) = (to / common, from / common);
        var largest = Math.Max(_up, _down);
        _half = 10 * largest;
        _filter = new double[2 * _half + 1];
        for (var i = 0; i < _filter.Length; i++)
        {
            var x = (double)(i - _half);
            var sinc = x == 0 ? 1 : Math.Sin(Math.PI * x / largest) / (Math.PI * x / largest);
            _filter[i] = sinc * Bessel(Beta * Math.Sqrt(1 - x / _half * (x / _half)));
        }
        var sum = _filter.Sum();
        for (var i = 0; i < _filter.Length; i++) _filter[i] *= _up / sum;
    }

    /// <summary>The waveform at the new rate.</summary>
    public float[] Resample(ReadOnlySpan<float> samples)
    {
        if (_up == _down) return samples.ToArray();
        var to = new float[(int)(((long)samples.Length * _up + _down - 1) / _down)];
        for (var k = 0; k < to.Length; k++)
        {
            var centre = (long)k * _down;
            var first = Math.Max(0, (centre - _half + _up - 1) / _up);
            var last = Math.Min(samples.Length - 1, (centre + _half) / _up);
            var sum = 0.0;
            for (var m = first; m <= last; m++) sum += samples[(int)m] * _filter[centre + _half - m * _up];
            to[k] = (float)sum;
        }
        return to;
    }

    // The modified Bessel function I₀ by its power series.
    private static double Bessel(double x)
    {
        var (sum, term) = (1.0, 1.0);
        for (var k = 1; term > 1e-17 * sum; k++)
        {
            term *= x * x / (4.0 * k * k);
            sum += term;
        }
        return sum;
    }
}
