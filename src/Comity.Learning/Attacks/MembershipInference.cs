namespace Comity.Learning.Attacks;

/// <summary>Tells from a model's confidence whether a record was trained on: the likelihood-ratio attack (LiRA) with shadow models.</summary>
/// <remarks>
/// Carlini et al. 2022 (arXiv:2112.03570), Algorithm 1: of each record, the confidence φ = ln(p / (1 − p)) of its true label in shadow models that saw it is one normal distribution, in those
/// that did not another; the target's φ is scored by the logarithm of their ratio. With few shadows the variances are those of all records together, as the paper advises.
/// </remarks>
public static class MembershipInference
{
    /// <summary>φ of a probability of the true label, kept finite.</summary>
    public static double Confidence(double probability)
    {
        var p = Math.Clamp(probability, 1e-7, 1 - 1e-7);
        return Math.Log(p / (1 - p));
    }

    /// <summary>Scores records: the higher, the likelier it was trained on.</summary>
    /// <param name="target">φ of each record in the attacked model.</param>
    /// <param name="shadows">φ of each record in each shadow model: [shadow][record].</param>
    /// <param name="trainedOn">Whether each shadow saw each record: [shadow][record]. Each record needs shadows of both kinds.</param>
    public static double[] Scores(IReadOnlyList<double> target, IReadOnlyList<double[]> shadows, IReadOnlyList<bool[]> trainedOn)
    {
        ArgumentNullException.ThrowIfNull(target);
        ArgumentNullException.ThrowIfNull(shadows);
        ArgumentNullException.ThrowIfNull(trainedOn);
        var records = target.Count;
        var (inside, outside) = (new double[records], new double[records]);
        var (spreadIn, spreadOut, countIn, countOut) = (0.0, 0.0, 0, 0);
        for (var r = 0; r < records; r++)
        {
            double[] seen = [.. Enumerable.Range(0, shadows.Count).Where(s => trainedOn[s][r]).Select(s => shadows[s][r])];
            double[] unseen = [.. Enumerable.Range(0, shadows.Count).Where(s => !trainedOn[s][r]).Select(s => shadows[s][r])];
            if (seen.Length == 0 || unseen.Length == 0) throw new ArgumentException($"Record {r} needs shadow models that saw it and such that did not.", nameof(trainedOn));
            (inside[r], outside[r]) = (seen.Average(), unseen.Average());
            spreadIn += seen.Sum(v => (v - inside[r]) * (v - inside[r]));
            spreadOut += unseen.Sum(v => (v - outside[r]) * (v - outside[r]));
            (countIn, countOut) = (countIn + seen.Length - 1, countOut + unseen.Length - 1);
        }
        var (varianceIn, varianceOut) = (Math.Max(1e-9, spreadIn / Math.Max(1, countIn)), Math.Max(1e-9, spreadOut / Math.Max(1, countOut)));
        return [.. Enumerable.Range(0, records).Select(r => LogNormal(target[r], inside[r], varianceIn) - LogNormal(target[r], outside[r], varianceOut))];
    }

    /// <summary>How well scores tell members from others.</summary>
    /// <param name="scores">Of each record.</param>
    /// <param name="members">Whether it was trained on.</param>
    /// <param name="falsePositives">The rate of false alarms at which the rate of found members is wanted, such as 0.001.</param>
    /// <returns>Area under the curve (0.5: guessing), and the rate of members found.</returns>
    public static (double Auc, double TruePositives) Judge(IReadOnlyList<double> scores, IReadOnlyList<bool> members, double falsePositives)
    {
        ArgumentNullException.ThrowIfNull(scores);
        ArgumentNullException.ThrowIfNull(members);
        double[] inside = [.. scores.Where((_, i) => members[i])];
        double[] outside = [.. scores.Where((_, i) => !members[i]).OrderDescending()];
        if (inside.Length == 0 || outside.Length == 0) throw new ArgumentException("Members and others were expected.", nameof(members));
        var ordered = outside.Reverse().ToArray();
        var wins = inside.Sum(s => (Below(ordered, s) + AtOrBelow(ordered, s)) / 2.0);
        var threshold = outside[Math.Min(outside.Length - 1, (int)(falsePositives * outside.Length))];
        return (wins / ((double)inside.Length * outside.Length), inside.Count(s => s > threshold) / (double)inside.Length);
    }

    private static int Below(double[] ordered, double value)
    {
        var (low, high) = (0, ordered.Length);
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (ordered[middle] < value) low = middle + 1;
            else high = middle;
        }
        return low;
    }

    private static int AtOrBelow(double[] ordered, double value) => Below(ordered, Math.BitIncrement(value));

    private static double LogNormal(double value, double mean, double variance) => -0.5 * (((value - mean) * (value - mean) / variance) + Math.Log(variance));
}
