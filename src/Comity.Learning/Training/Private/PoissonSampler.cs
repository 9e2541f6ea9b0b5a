using System.Runtime.InteropServices;
using Comity.Privacy.Noise;

namespace Comity.Learning.Training.Private;

/// <summary>Draws each row on its own with the same probability, from an unpredictable stream.</summary>
/// <param name="rows">N.</param>
/// <param name="rate">q in (0, 1], taken down to a multiple of 2⁻⁶⁴, which only lowers the cost.</param>
internal sealed class PoissonSampler(int rows, double rate)
{
    private const int DrawsAtOnce = 1024;

    private readonly ulong _below = rate >= 1 ? ulong.MaxValue : (ulong)Math.ScaleB(rate, 64);
    private readonly ulong[] _draws = new ulong[DrawsAtOnce];
    private readonly int[] _drawn = new int[rows];

    /// <summary>The rows of one lot in ascending order; perhaps none. Valid until the next draw.</summary>
    public ReadOnlySpan<int> Draw(NoiseStream stream)
    {
        var count = 0;
        for (var first = 0; first < rows; first += DrawsAtOnce)
        {
            var draws = _draws.AsSpan(0, Math.Min(DrawsAtOnce, rows - first));
            if (rate < 1) stream.Fill(MemoryMarshal.AsBytes(draws));
            else draws.Clear();
            for (var i = 0; i < draws.Length; i++)
            {
                // Every row is written, and stays only if it was drawn: no branch to guess.
                _drawn[count] = first + i;
                count += draws[i] < _below ? 1 : 0;
            }
        }
        return _drawn.AsSpan(0, count);
    }
}
