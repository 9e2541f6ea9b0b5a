namespace Comity.Federation.Aggregation;

/// <summary>Krum and Multi-Krum (Blanchard et al. 2017, arXiv:1703.02757): the plain mean of the updates with the lowest scores.</summary>
/// <remarks>A score is the sum of the n − f − 2 smallest squared distances to others. Distances are added up in double over slices of the true differences.</remarks>
internal sealed class KrumRule(int faulty, Func<int, int> keep) : WeightedRule
{
    /// <summary>Scores of the last round, in site order.</summary>
    public double[] Scores { get; private set; } = [];

    public override void Prepare(RoundUpdates updates)
    {
        base.Prepare(updates);
        var n = updates.Count;
        if (n < (2 * faulty) + 3) throw new ArgumentException($"Krum survives {faulty} faulty sites among at least {(2 * faulty) + 3}; there are {n}.", nameof(updates));
        Scores = Score(Distances(updates), n, n - faulty - 2);
        var kept = Scores.Select((score, site) => (score, site)).OrderBy(x => x.score).ThenBy(x => x.site).Take(keep(n)).Select(x => x.site).ToHashSet();
        // Statistics of the sites left out are left out too.
        Plain = Coefficients = [.. Enumerable.Range(0, n).Select(i => kept.Contains(i) ? 1.0 / kept.Count : 0)];
    }

    private static double[,] Distances(RoundUpdates updates)
    {
        var n = updates.Count;
        var slice = Math.Min(updates.SliceOfAll, Math.Max(1, updates.Parameters));
        var all = new float[slice * n];
        var distances = new double[n, n];
        for (var offset = 0; offset < updates.Parameters; offset += slice)
        {
            var length = Math.Min(slice, updates.Parameters - offset);
            for (var i = 0; i < n; i++) updates.Read(i, offset, all.AsSpan(i * length, length));
            for (var i = 0; i < n; i++)
            {
                for (var j = i + 1; j < n; j++)
                    distances[i, j] += Widened.SquaredDistance(all.AsSpan(i * length, length), all.AsSpan(j * length, length));
            }
        }
        return distances;
    }

    private static double[] Score(double[,] distances, int n, int neighbours)
    {
        var scores = new double[n];
        var toOthers = new double[n - 1];
        for (var i = 0; i < n; i++)
        {
            for (var j = 0; j < n - 1; j++)
            {
                var other = j < i ? j : j + 1;
                toOthers[j] = distances[Math.Min(i, other), Math.Max(i, other)];
            }
            Array.Sort(toOthers);
            for (var k = 0; k < neighbours; k++) scores[i] += toOthers[k];
        }
        return scores;
    }
}
