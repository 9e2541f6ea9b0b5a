using Comity.Privacy.Events;
using Comity.Privacy.Losses;

namespace Comity.Privacy.Accounting;

/// <summary>Privacy loss distributions: the tightest numerical accountant, always an upper bound.</summary>
/// <remarks>
/// Dominating pairs of one release (Zhu, Dong and Wang 2022, arXiv:2106.08567), discretised pessimistically by connect-the-dots,
/// composed by FFT. The discretisation starts from the spread of the loss and is halved until the answer moves by less than one in a thousand:
/// its error falls with the square, so about a third of that remains. Releases without sampling use the closed form.
/// </remarks>
/// <param name="relation">Which data sets count as neighbours.</param>
public sealed class PldAccountant(NeighbouringRelation relation) : IPrivacyAccountant
{
    // Below, what the transform rounds off would be a share of δ, and the answer no longer an upper bound.
    private const double SmallestDelta = 1e-10;

    // Below, squares of losses fall under the smallest double sooner or later, and no discretisation fits.
    private const double SmallestRate = 1e-12;

    private const double RelativeChange = 1e-3;
    private const int MaximalHalvings = 10;
    private const double MaximalBinsPerStep = 1 << 20;

    /// <inheritdoc/>
    public string Name => "pld";

    /// <inheritdoc/>
    public NeighbouringRelation Relation => relation;

    /// <inheritdoc/>
    /// <exception cref="ArgumentOutOfRangeException">δ below 1e-10 for releases that have no closed form.</exception>
    public double Epsilon(PrivacyEvent released, double delta)
    {
        Guard.Delta(delta);
        ArgumentNullException.ThrowIfNull(released);
        var releases = Releases.Of(released);
        if (releases.Count == 0) return 0;
        if (releases.ContainsKey(new NonPrivateEvent())) return double.PositiveInfinity;
        if (releases.Keys.All(part => part is GaussianEvent)) return new GaussianAccountant(relation).Epsilon(released, delta);
        if (delta < SmallestDelta)
            throw new ArgumentOutOfRangeException(nameof(delta), delta, $"The transform rounds at about 1e-13, so δ must be at least {SmallestDelta}; the RDP accountant takes smaller ones.");
        return Directions(releases).Max(direction => Refined(direction, delta * 1e-5, loss => loss.Epsilon(delta)));
    }

    /// <inheritdoc/>
    public double Delta(PrivacyEvent released, double epsilon)
    {
        Guard.NotNegative(epsilon);
        ArgumentNullException.ThrowIfNull(released);
        var releases = Releases.Of(released);
        if (releases.Count == 0) return 0;
        if (releases.ContainsKey(new NonPrivateEvent())) return 1;
        if (releases.Keys.All(part => part is GaussianEvent)) return new GaussianAccountant(relation).Delta(released, epsilon);
        return Directions(releases).Max(direction => Refined(direction, 1e-15, loss => loss.Delta(epsilon)));
    }

    private static double Refined(IReadOnlyList<(LossSource Source, long Count)> parts, double tail, Func<LossMass, double> answer)
    {
        var moments = parts.Select(part => (part.Source.Moments(), part.Count)).ToList();
        var steps = moments.Sum(part => (double)part.Count);
        var spread = Math.Sqrt(moments.Sum(part => part.Count * part.Item1.Variance) / steps);
        var widest = parts.Max(part => part.Source.Bounds.High - part.Source.Bounds.Low);
        var interval = Math.Max(spread / 4, widest / MaximalBinsPerStep);

        var best = double.PositiveInfinity;
        for (var halving = 0; halving <= MaximalHalvings; halving++, interval /= 2)
        {
            var fits = widest / interval <= MaximalBinsPerStep;
            var composed = fits ? LossComposition.Compose([.. parts.Select(part => (LossMass.ConnectTheDots(part.Source, interval), part.Count))], tail) : null;
            if (composed is null)
            {
                // The coarser answer is an upper bound as well; a first window that does not fit is widened instead.
                if (!double.IsInfinity(best) || halving > 0) return best;
                interval *= 8;
                halving--;
                continue;
            }
            var now = answer(composed);
            var change = Math.Abs(best - now);
            best = Math.Min(best, now);
            if (change <= RelativeChange * now || now == 0) return best;
        }
        return best;
    }

    // Adding and removing a unit are two different comparisons; each is composed on its own and the worse one counts.
    private IEnumerable<IReadOnlyList<(LossSource Source, long Count)>> Directions(IReadOnlyDictionary<PrivacyEvent, long> releases)
    {
        var pairs = releases.Select(release => (Pair: Pair(release.Key), release.Value)).ToList();
        yield return [.. pairs.Select(part => (part.Pair.Removed, part.Value))];
        if (pairs.Any(part => !ReferenceEquals(part.Pair.Removed, part.Pair.Added)))
            yield return [.. pairs.Select(part => (part.Pair.Added, part.Value))];
    }

    private (LossSource Removed, LossSource Added) Pair(PrivacyEvent part)
    {
        var replace = relation == NeighbouringRelation.ReplaceOne;
        var sensitivity = replace ? 2 : 1;
        // A unit that is sampled more often is told apart no less easily, so a rate too small for doubles is reckoned as the smallest that is not.
        if (part is PoissonSampledEvent { SamplingProbability: < SmallestRate } rare) part = new PoissonSampledEvent(SmallestRate, rare.Sampled);
        return part switch
        {
            GaussianEvent gaussian => Both(new RemovedFromSampleLoss(1, gaussian.NoiseMultiplier / sensitivity)),
            LaplaceEvent laplace => Both(new LaplaceLoss(laplace.NoiseMultiplier / sensitivity)),
            PureEvent pure => Both(new PureLoss(sensitivity * pure.Epsilon)),
            DiscreteGaussianEvent discrete => Both(new DiscreteGaussianLoss(discrete.Sigma, checked(discrete.Sensitivity * sensitivity))),
            PoissonSampledEvent { Sampled: GaussianEvent gaussian } sampled when replace =>
                Both(new ReplacedInSampleLoss(sampled.SamplingProbability, gaussian.NoiseMultiplier)),
            PoissonSampledEvent { Sampled: GaussianEvent gaussian } sampled =>
                (new RemovedFromSampleLoss(sampled.SamplingProbability, gaussian.NoiseMultiplier), new AddedToSampleLoss(sampled.SamplingProbability, gaussian.NoiseMultiplier)),
            _ => throw new UnsupportedEventException(Name, part, "no dominating pair is known here; release it through a Gaussian, Laplace or discrete Gaussian, or sample a Gaussian."),
        };

        static (LossSource, LossSource) Both(LossSource symmetric) => (symmetric, symmetric);
    }
}
