using Comity.Privacy.Events;

namespace Comity.Privacy.Accounting;

/// <summary>The closed form for releases without sampling: any number of different Gaussians is exactly one Gaussian.</summary>
/// <param name="relation">Which data sets count as neighbours.</param>
/// <remarks>Exact, not a bound; see <see cref="AnalyticGaussian"/>.</remarks>
public sealed class GaussianAccountant(NeighbouringRelation relation) : IPrivacyAccountant
{
    /// <inheritdoc/>
    public string Name => "gaussian";

    /// <inheritdoc/>
    public NeighbouringRelation Relation => relation;

    /// <inheritdoc/>
    public double Epsilon(PrivacyEvent released, double delta)
    {
        Guard.Delta(delta);
        return Composed(released) is var noise && double.IsPositiveInfinity(noise) ? 0 : noise == 0 ? double.PositiveInfinity : AnalyticGaussian.Epsilon(noise, delta);
    }

    /// <inheritdoc/>
    public double Delta(PrivacyEvent released, double epsilon)
    {
        Guard.NotNegative(epsilon);
        return Composed(released) is var noise && double.IsPositiveInfinity(noise) ? 0 : noise == 0 ? 1 : AnalyticGaussian.Delta(noise, epsilon);
    }

    // The noise multiplier of everything together: 0 where something went out unprotected, infinity where nothing went out.
    private double Composed(PrivacyEvent released)
    {
        ArgumentNullException.ThrowIfNull(released);
        var precision = 0.0;
        foreach (var (part, count) in Releases.Of(released))
        {
            precision += part switch
            {
                GaussianEvent gaussian => count / (gaussian.NoiseMultiplier * gaussian.NoiseMultiplier),
                NonPrivateEvent => double.PositiveInfinity,
                _ => throw new UnsupportedEventException(Name, part, "only Gaussian releases without sampling have this closed form; use the pld or rdp accountant."),
            };
        }

        // Replacing a unit moves a sum twice as far as removing one.
        var sensitivity = relation == NeighbouringRelation.ReplaceOne ? 2 : 1;
        return 1 / (sensitivity * Math.Sqrt(precision));
    }
}
