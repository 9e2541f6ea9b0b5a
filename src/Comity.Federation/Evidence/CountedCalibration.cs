using Comity.Federation.Sites;
using Comity.Tensors.Randomness;

namespace Comity.Federation.Evidence;

/// <summary>Calibration from sums over the rows of each bin of the judged probability: exactly that of the rows, as nothing else enters it.</summary>
/// <remarks>
/// ECE = Σ |Σq − Σh| / n and MCE = max |Σq − Σh| / rows of the bin (Naeini et al. 2015). Chance makes both larger, so their intervals are basic ones, as those of the rows are
/// (Davison and Hinkley 1997, section 5.2): resampled here as normal draws of each bin's gap, with the variance that Σ(q − h)² gives it. An error that a calibrated model would
/// show by chance in one of forty samples or more has an interval that begins at 0.
/// </remarks>
/// <param name="sums">Rows, rows where it came true (h), Σq and Σ(q − h)² by bin, shape [4·B].</param>
internal sealed class CountedCalibration(double[] sums)
{
    private const int Draws = 4000;

    private readonly int _bins = sums.Length / 4;

    /// <summary>Mean probability and observed share of each bin that holds rows.</summary>
    public IReadOnlyList<CurvePoint> Curve => [.. Filled().Select(b => new CurvePoint(sums[(2 * _bins) + b] / sums[b], sums[_bins + b] / sums[b], (int)sums[b]))];

    /// <summary>Expected and maximal calibration error; not a number without rows.</summary>
    public (Estimate Expected, Estimate Maximal) Errors()
    {
        var bins = Filled().ToArray();
        if (bins.Length == 0) return (Nothing, Nothing);
        var rows = bins.Sum(b => sums[b]);
        var gaps = Array.ConvertAll(bins, b => sums[(2 * _bins) + b] - sums[_bins + b]);
        var (expected, maximal) = (gaps.Sum(Math.Abs) / rows, bins.Select((b, i) => Math.Abs(gaps[i]) / sums[b]).Max());
        var (drawnExpected, drawnMaximal) = (new double[Draws], new double[Draws]);
        var (chanceExpected, chanceMaximal) = (new double[Draws], new double[Draws]);
        var random = Seed.Of(0).For("calibration").ToRandom();
        for (var draw = 0; draw < Draws; draw++)
        {
            for (var i = 0; i < bins.Length; i++)
            {
                var (count, squares, z) = (sums[bins[i]], sums[(3 * _bins) + bins[i]], random.NextGaussian());
                var chance = Math.Abs(z) * Math.Sqrt(squares); // of a gap of none
                chanceExpected[draw] += chance / rows;
                chanceMaximal[draw] = Math.Max(chanceMaximal[draw], chance / count);
                // How many rows fall into the bin is chance as well for its part of the whole, and given for its own mean.
                drawnExpected[draw] += Math.Abs(gaps[i] + (z * Math.Sqrt(Math.Max(0, squares - (gaps[i] * gaps[i] / rows))))) / rows;
                drawnMaximal[draw] = Math.Max(drawnMaximal[draw], Math.Abs(gaps[i] + (z * Math.Sqrt(Math.Max(0, squares - (gaps[i] * gaps[i] / count))))) / count);
            }
        }
        return (Reflected(expected, drawnExpected, chanceExpected), Reflected(maximal, drawnMaximal, chanceMaximal));
    }

    private static Estimate Nothing { get; } = new(double.NaN, double.NaN, double.NaN);

    private IEnumerable<int> Filled() => Enumerable.Range(0, _bins).Where(b => sums[b] > 0);

    private static Estimate Reflected(double value, double[] drawn, double[] chance)
    {
        Array.Sort(drawn);
        Array.Sort(chance);
        var (low, high) = ((2 * value) - drawn[At(0.975)], (2 * value) - drawn[At(0.025)]);
        if (value <= chance[At(0.975)]) low = 0;
        return new Estimate(value, Math.Min(value, Math.Clamp(low, 0, 1)), Math.Max(value, Math.Clamp(high, 0, 1)));
    }

    private static int At(double share) => (int)(share * (Draws - 1));
}
