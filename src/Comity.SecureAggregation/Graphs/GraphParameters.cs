namespace Comity.SecureAggregation.Graphs;

/// <summary>What the coordinator may do beyond reading what it gets.</summary>
public enum AdversaryModel
{
    /// <summary>It follows the protocol and may collude with sites.</summary>
    SemiHonest,

    /// <summary>It may lie about who dropped: survivors sign the list of survivors before anything is unmasked.</summary>
    LyingCoordinator,
}

/// <summary>Who masks with whom.</summary>
public enum GraphChoice
{
    /// <summary>Everybody with everybody up to a hundred sites, above that a sparse graph.</summary>
    BySize,

    /// <summary>Everybody with everybody.</summary>
    Complete,

    /// <summary>A k-regular graph.</summary>
    Sparse,
}

/// <summary>Degree and threshold of a k-regular graph that stays connected and secret for all but one round in 2⁴⁰, and ends for all but one in 2²⁰.</summary>
/// <param name="Degree">k, even: with how many others a site masks.</param>
/// <param name="Threshold">t: how many neighbours' shares put a secret together.</param>
/// <remarks>
/// Bell et al. 2020 (ePrint 2020/704), in the form of Google's federated-compute: enough shares never lie with colluding sites alone,
/// enough stay with survivors, and the honest survivors' graph is connected.
/// </remarks>
public readonly record struct GraphParameters(int Degree, int Threshold)
{
    private const double LogSecurity = -41 * 0.69314718055994531;
    private const double LogCorrectness = -20 * 0.69314718055994531;

    /// <summary>Up to this many sites everybody masks with everybody: below it a sparse graph saves nothing.</summary>
    public const int CompleteGraphSites = 100;

    /// <summary>The graph for a cohort where a third may collude and a third may drop (three tenths each against a lying coordinator); null for the complete one.</summary>
    /// <param name="sites">n, at least 3.</param>
    /// <param name="adversary">What the coordinator may do.</param>
    /// <param name="choice">Complete up to <see cref="CompleteGraphSites"/> sites, or as it says. Where a sparse one would not save anything it is complete all the same.</param>
    public static GraphParameters? ForCohort(int sites, AdversaryModel adversary, GraphChoice choice = GraphChoice.BySize)
    {
        if (choice == GraphChoice.Complete || (choice == GraphChoice.BySize && sites <= CompleteGraphSites)) return null;
        var fraction = adversary == AdversaryModel.LyingCoordinator ? 0.3 : 0.33;
        return Find(sites, fraction, fraction, adversary) is { } found && found.Degree < sites - 1
            ? found with { Threshold = Math.Max(found.Threshold, Protocol.SecureRoundPlan.LeastThreshold(found.Degree + 1, adversary)) }
            : null;
    }

    /// <summary>The smallest degree that will do; null where even the complete graph is too small for these fractions.</summary>
    /// <param name="sites">n, at least 3.</param>
    /// <param name="colluding">Largest fraction of sites that collude with the coordinator, in [0, 1).</param>
    /// <param name="dropping">Largest fraction of sites that drop out, in [0, 1).</param>
    /// <param name="adversary">What the coordinator may do.</param>
    public static GraphParameters? Find(int sites, double colluding, double dropping, AdversaryModel adversary)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(sites, 3);
        if (!(colluding >= 0 && colluding < 1)) throw new ArgumentOutOfRangeException(nameof(colluding), colluding, "Must lie in [0, 1).");
        if (!(dropping >= 0 && dropping < 1)) throw new ArgumentOutOfRangeException(nameof(dropping), dropping, "Must lie in [0, 1).");
        var colluders = (int)Math.Floor(colluding * sites);
        var droppers = (int)Math.Floor(dropping * sites);
        var survivors = sites - droppers;
        var logFactorial = LogFactorials(sites);
        for (var degree = 2; degree < sites; degree += 2)
        {
            if (!StaysConnected(sites, degree, colluders + droppers, logFactorial)) continue;

            var secret = UpperTailBelow(sites, colluders, degree, LogSecurity - Math.Log(sites), logFactorial);
            if (adversary == AdversaryModel.LyingCoordinator) secret = (int)Math.Ceiling((secret + degree - 1.25) / 2);
            var reached = LowerTailReaches(sites, survivors, degree, LogCorrectness - Math.Log(sites), logFactorial);
            if (secret < reached) return new(degree, Math.Max(secret + 1, 2));
        }
        return null;
    }

    // A cut needs k sites gone in two places of the circle.
    private static bool StaysConnected(int sites, int degree, int gone, double[] logFactorial)
    {
        if (degree > gone) return true;
        var places = (double)sites * (sites - degree - 1) / 2;
        if (places <= 0) return true;
        var log = Math.Log(places) + logFactorial[gone] + logFactorial[sites - degree] - logFactorial[sites] - logFactorial[gone - degree];
        return log < LogSecurity;
    }

    // The smallest x with P[Hypergeometric > x] at most the bound.
    private static int UpperTailBelow(int population, int marked, int draws, double logBound, double[] logFactorial)
    {
        var tail = 0.0;
        for (var x = Math.Min(marked, draws); x >= 0; x--)
        {
            tail += Math.Exp(LogProbability(population, marked, draws, x, logFactorial));
            if (Math.Log(tail) > logBound) return x;
        }
        return 0;
    }

    // The smallest x with P[Hypergeometric ≤ x] at least the bound.
    private static int LowerTailReaches(int population, int marked, int draws, double logBound, double[] logFactorial)
    {
        var tail = 0.0;
        for (var x = 0; x <= draws; x++)
        {
            tail += Math.Exp(LogProbability(population, marked, draws, x, logFactorial));
            if (Math.Log(tail) >= logBound) return x;
        }
        return draws;
    }

    private static double LogProbability(int population, int marked, int draws, int x, double[] logFactorial)
    {
        if (x > marked || draws - x > population - marked || x < 0) return double.NegativeInfinity;
        return Choose(marked, x) + Choose(population - marked, draws - x) - Choose(population, draws);

        double Choose(int n, int k) => logFactorial[n] - logFactorial[k] - logFactorial[n - k];
    }

    private static double[] LogFactorials(int n)
    {
        var logs = new double[n + 1];
        for (var i = 2; i <= n; i++) logs[i] = logs[i - 1] + Math.Log(i);
        return logs;
    }
}
