using Comity.Declarations;
using Comity.Privacy.Accounting;
using Comity.Privacy.Events;

namespace Comity.Cli.Accounting;

/// <summary>Training steps that are to be accounted: Gaussian noise on a clipped sum over a Poisson sample, step after step.</summary>
/// <param name="Rate">Chance of each unit to be in a step's sample, in (0, 1].</param>
/// <param name="Steps">Noised steps over all rounds, from 1 to <see cref="MaximalSteps"/>.</param>
/// <param name="Delta">δ in (0, 1).</param>
/// <param name="Accountant">One of <see cref="Accountants"/>, for steps that sample; without sampling the closed form is exact and is used instead.</param>
/// <param name="Relation">One of <see cref="Relations"/>.</param>
internal sealed record PlannedTraining(double Rate, long Steps, double Delta, string Accountant, string Relation)
{
    public const long MaximalSteps = 10_000_000;

    private const string ReplaceOne = "replace-one";
    private const string Rdp = "rdp";

    // Below 0.1 one step without sampling costs an ε above 90 at any δ of use, and accounts grow slow; 2³⁰ is where calibration ends.
    private const double LeastNoise = 0.1;
    private const double MostNoise = 1 << 30;

    // One in a thousand million units: smaller rates lie beyond the loss distributions' resolution.
    private const double LeastRate = 1e-9;

    // Smaller values drown in the rounding of the Fourier transform (about 1e-16 in all): the bound grows loose and slow, then is none.
    private const double LeastDeltaOfLosses = 1e-10;

    public static IReadOnlyList<string> Accountants { get; } = ["pld", Rdp];

    public static IReadOnlyList<string> Relations { get; } = ["add-remove", ReplaceOne];

    /// <summary>Whether every unit takes part in every step.</summary>
    public bool TakesAll => Rate == 1;

    // Each is written so that NaN fails it.
    public static bool IsNoise(double value) => value is >= LeastNoise and <= MostNoise;

    public static bool IsEpsilon(double value) => value > 0 && double.IsFinite(value);

    public static bool IsRate(double value) => value is >= LeastRate and <= 1;

    public static bool IsDelta(double value) => value is > 0 and < 1;

    /// <summary>Who reckons the cost.</summary>
    public IPrivacyAccountant Reckoner
    {
        get
        {
            var relation = Relation == ReplaceOne ? NeighbouringRelation.ReplaceOne : NeighbouringRelation.AddOrRemoveOne;
            return TakesAll ? new GaussianAccountant(relation) : Accountant == Rdp ? new RdpAccountant(relation) : new PldAccountant(relation);
        }
    }

    /// <summary>An upper bound of ε at a noise multiplier; infinity where the accountant knows none.</summary>
    public double Epsilon(double noise) => Reckoner.Epsilon(Released(noise), Delta);

    /// <summary>The least noise multiplier of 0.1 or more that keeps ε, never below it; null where none does.</summary>
    public double? Noise(double epsilon)
    {
        // A sampled account is itself known to a thousandth; the closed form to the last digits.
        var tolerance = TakesAll ? 1e-12 : 1e-4;
        try
        {
            // Weaker noise counts as none, so that no answer lies below what this command accepts.
            return NoiseCalibration.NoiseMultiplier(Reckoner, noise => noise < LeastNoise ? new NonPrivateEvent() : Released(noise), epsilon, Delta, tolerance);
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }

    /// <summary>Why the accountant asked for can't bound these steps, if it can't.</summary>
    public Problem? Unproved => Accountant == Rdp && Relation == ReplaceOne && !TakesAll
        ? Texts.Problem("accountant-relation", Place.InFile("--relation"), Rate)
        : Accountant != Rdp && !TakesAll && Delta < LeastDeltaOfLosses
            ? Texts.Problem("accountant-delta", Place.InFile("--delta"), Delta, LeastDeltaOfLosses)
            : null;

    /// <summary>A warning where δ allows a whole record of so many to be given away.</summary>
    public Problem? DeltaTooLarge(long rows) => Delta >= 1.0 / rows
        ? new Problem(Texts.Catalog, "delta-rows", Place.InFile("--delta"), Delta, rows, 1.0 / rows) { Severity = Severity.Warning }
        : null;

    /// <summary>No finite ε is known at this noise.</summary>
    public Problem Unbounded(double noise) => Texts.Problem("epsilon-unbounded", Place.InFile("--noise"), noise, Reckoner.Name);

    /// <summary>No noise of use keeps this ε.</summary>
    public Problem OutOfReach(double epsilon) => Texts.Problem("epsilon-out-of-reach", Place.InFile("--epsilon"), epsilon, Reckoner.Name);

    private PrivacyEvent Released(double noise) => new PoissonSampledEvent(Rate, new GaussianEvent(noise)).Times(Steps);
}
