using Comity.Federation.Runs;
using Comity.Federation.Studies;

namespace Comity.Federation.Trials;

/// <summary>Whether the rounds of a federation are divided among workers, and into which groups.</summary>
/// <remarks>
/// <code>
/// cannot be divided       records or sites are protected (one ledger, one secret), or updates are masked (one set of keys): whole
/// fewer than 4 sites      whole
/// measured                the first sites of the first round are trained for the time that it takes, the rest is reckoned from it
///   short                 one worker would end the round in less than 2 s: whole
///   mostly transfer       the round's vectors take more than a quarter as long (50 MB/s and 0.2 s a group): whole
/// otherwise               groups of neighbouring sites of about the same cost: twice as many as the workers, the slowest as the measure, are worth; none shorter than 0.25 s
/// </code>
/// Groups of a size that the slowest worker ends soon, and more of them than workers: whoever is faster takes more, and nobody waits long for the last one.
/// </remarks>
internal static class DivisionRule
{
    public const int FewestSites = 4;
    public const double ShortestRoundSeconds = 2;
    public const double MeasuredSeconds = 0.5;
    public const int MeasuredSites = 8;
    public const double ShortestGroupSeconds = 0.25;
    public const double BytesPerSecond = 50e6;
    public const double SecondsPerGroup = 0.2;
    public const double TransferAtMost = 0.25;
    public const int MostGroups = 64;

    /// <summary>Why a federation can't be divided whatever its rounds take, as a code; null: it can.</summary>
    public static string? WholeBecause(RunContext run, FederationSection section) =>
        run.Privacy is not null ? "private"
        : run.Masking is not null ? "masked"
        : run.Input.Vault is not null || run.Input.Shared is not null || run.Input.Channels is not null ? "elsewhere"
        : section.Cohort.Of(run.TrainingSites.Count) < FewestSites ? "few-sites"
        : null;

    /// <summary>Why it is not worth it, as a code; null: it is.</summary>
    /// <param name="roundSeconds">What one slot would take for a round.</param>
    /// <param name="slots">The most sites that one worker trains at the same time.</param>
    /// <param name="roundBytes">What passes through the store in a round.</param>
    public static string? NotWorth(double roundSeconds, int slots, double roundBytes)
    {
        var atOneWorker = roundSeconds / Math.Max(1, slots);
        return atOneWorker < ShortestRoundSeconds ? "short"
            : (roundBytes / BytesPerSecond) + SecondsPerGroup > TransferAtMost * atOneWorker ? "mostly-transfer"
            : null;
    }

    /// <summary>Into how many groups a round is cut.</summary>
    /// <param name="workers">Who is there.</param>
    /// <param name="roundSeconds">What one slot would take for the round; NaN: nobody asks.</param>
    /// <param name="sites">Sites to be trained.</param>
    public static int Groups(IReadOnlyList<GroupWorker> workers, double roundSeconds, int sites)
    {
        var known = workers.Select(w => w.Speed).OfType<double>().Order().ToArray();
        var unknown = known.Length > 0 ? known[known.Length / 2] : 1;
        var worth = workers.Select(w => (w.Speed ?? unknown) * Math.Max(w.FreeShare, 0.05) * w.Slots).ToArray();
        var wanted = worth.Length == 0 ? 1 : (int)Math.Min(MostGroups, Math.Ceiling((2 * worth.Sum() / worth.Min()) - 1e-9));
        var longEnough = double.IsNaN(roundSeconds) ? MostGroups : (int)Math.Clamp(roundSeconds / ShortestGroupSeconds, 1, MostGroups);
        return Math.Clamp(Math.Min(wanted, longEnough), 1, Math.Max(1, sites));
    }

    /// <summary>Cuts sites into groups of neighbours of about the same cost.</summary>
    /// <param name="costs">Cost of each site, in site order.</param>
    /// <param name="groups">How many groups, at most as many as sites.</param>
    /// <returns>Where each group begins and ends.</returns>
    public static IReadOnlyList<Range> Cut(IReadOnlyList<double> costs, int groups)
    {
        var total = costs.Sum();
        var cut = new List<Range>(groups);
        var (begin, done) = (0, 0.0);
        for (var i = 0; i < costs.Count; i++)
        {
            done += costs[i];
            var left = groups - cut.Count - 1; // groups that are still to come
            if (left == 0) break;
            if (done >= total * (cut.Count + 1) / groups || costs.Count - i - 1 == left)
            {
                cut.Add(begin..(i + 1));
                begin = i + 1;
            }
        }
        cut.Add(begin..costs.Count);
        return cut;
    }
}
