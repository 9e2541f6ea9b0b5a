using Comity.Tensors.Randomness;

namespace Comity.Learning.Evaluation;

/// <summary>Draws how often each row counts in a bootstrap resample of rows (Efron 1979).</summary>
internal sealed class Resampler(int rows, SeededRandom random)
{
    private readonly int[] _weights = new int[rows];

    /// <summary>The next resample's multiplicities, shape [n]; they sum to n. Overwritten by the next call.</summary>
    /// <remarks>
    /// Two draws from each 64 random bits. Scaling 32 bits to n favours no row by more than n·2⁻³² of its chance, far below
    /// anything a resample could show.
    /// </remarks>
    public ReadOnlySpan<int> Next()
    {
        Array.Clear(_weights);
        var n = (ulong)_weights.Length;
        for (var i = 0; i < _weights.Length - 1; i += 2)
        {
            var bits = random.NextUInt64();
            _weights[(int)((bits & 0xFFFFFFFF) * n >> 32)]++;
            _weights[(int)((bits >> 32) * n >> 32)]++;
        }
        if ((_weights.Length & 1) == 1) _weights[(int)((random.NextUInt64() >> 32) * n >> 32)]++;
        return _weights;
    }
}
