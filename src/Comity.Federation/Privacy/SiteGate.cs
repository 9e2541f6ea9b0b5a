using Comity.Federation.AtRest;
using Comity.Federation.Rounds;
using Comity.Federation.Sites;
using Comity.Federation.Spool;
using Comity.Privacy.Events;
using Comity.Privacy.Mechanisms;
using Comity.Privacy.Noise;

namespace Comity.Federation.Privacy;

/// <summary>The protected part of one site's way out: adds noise where it is the gate's to add, checks that training was as private as promised, keeps the final bytes, charges.</summary>
/// <remarks>
/// <code>
/// noise or proof of it ─► final bytes stored ─► charged (flushed to the disk) ─► sent
/// </code>
/// Killed before the charge, the answer never left and is made anew. Killed after it, the stored bytes are sent and nothing is charged
/// again; if they are lost, the site counts as absent, for a second draw of noise would be a second release.
/// </remarks>
internal sealed class SiteGate(PrivacyLedger ledger, LedgerAccount account, PrivacyPlan plan, string folder, Func<string, NoiseStream> noise, Action<string>? beforeWrite, StateVault? vault = null)
{
    /// <summary>What the site's training must keep.</summary>
    public RecordPrivacy Asked { get; } = new(plan.Section.Clip, plan.Sites[account.Site].NoiseMultiplier);

    /// <summary>Adds noise to the counts of a judging: discrete Laplace noise, drawn exactly.</summary>
    /// <exception cref="SiteBarredException">A part is no count of which a row falls into one, or the budget does not allow it.</exception>
    public Statistics Release(CountTask task, Statistics raw)
    {
        var answer = AnswerOf(task);
        var metrics = plan.Metrics ?? throw new SiteBarredException(account.Site, answer, RefusalReason.Unprotected);
        if (raw.Parts.Count != 1 || raw.Parts[0] is not { Merge: MergeRule.Sum, Whole: true, Bound: { Norm: 1 } bound } part || bound.Largest.Any(l => l != 1)) throw new SiteBarredException(account.Site, answer, raw.Parts.FirstOrDefault()?.Name ?? "-");
        var path = Path.Combine(folder, FormattableString.Invariant($"{task.Id.Replace('/', '~')}~{task.Judged.Repeat}.f32"));
        if (ledger.Charged(account, answer) is { } earlier)
        {
            var kept = FloatFile.Read(vault ?? StateVault.Plain, path, 1, part.Values.Count, earlier)?[0] ?? throw new SiteBarredException(account.Site, answer, RefusalReason.AnswerLost);
            return Noised(part, kept);
        }
        if (metrics.Numerator < 1) throw new SiteBarredException(account.Site, answer, RefusalReason.BudgetSpent);
        var (sampler, released) = (new DiscreteLaplace(MetricsPlan.Denominator, metrics.Numerator), new float[part.Values.Count]);
        using (var stream = noise(answer))
        {
            for (var i = 0; i < released.Length; i++) released[i] = (long)part.Values[i] + sampler.Sample(stream);
        }
        Directory.CreateDirectory(folder);
        beforeWrite?.Invoke("gate-store");
        var digest = FloatFile.Write(vault ?? StateVault.Plain, path, [released]);
        return ledger.Charge(account, answer, metrics.Event, digest) ? Noised(part, released) : throw new SiteBarredException(account.Site, answer, RefusalReason.BudgetSpent);
    }

    /// <summary>Adds noise to raw sums, in proportion to what one record can change in each.</summary>
    /// <exception cref="SiteBarredException">A statistic has no bound, or the budget does not allow it.</exception>
    public Statistics Release(StatisticsTask task, Statistics raw)
    {
        var answer = AnswerOf(task);
        if (raw.Parts.FirstOrDefault(p => p.Merge != MergeRule.Sum || p.Bound is null) is { } unbounded) throw new SiteBarredException(account.Site, answer, unbounded.Name);
        var path = Path.Combine(folder, FormattableString.Invariant($"statistics~{task.Repeat}~{task.Step}.f32"));
        if (ledger.Charged(account, answer) is { } earlier)
        {
            // What left must be what leaves again.
            var kept = FloatFile.Read(vault ?? StateVault.Plain, path, 1, raw.Parts.Sum(p => p.Values.Count), earlier)?[0] ?? throw new SiteBarredException(account.Site, answer, RefusalReason.AnswerLost);
            return Filled(raw, kept);
        }
        var released = Noised(raw, answer);
        Directory.CreateDirectory(folder);
        beforeWrite?.Invoke("gate-store");
        var digest = FloatFile.Write(vault ?? StateVault.Plain, path, [released]);
        return ledger.Charge(account, answer, new GaussianEvent(plan.Statistics), digest) ? Filled(raw, released) : throw new SiteBarredException(account.Site, answer, RefusalReason.BudgetSpent);
    }

    /// <summary>An update that was charged before: the bytes to send again, or why there are none. Null: it was not charged yet.</summary>
    public (UpdateHeader? Header, float[] Body, string? Refusal)? Again(RoundOffer offer)
    {
        if (Charged(offer) is not { } sha256) return null;
        using var spool = UpdateSpool.Open(FileOf(offer, offer.Round), vault);
        if (spool.Headers.FirstOrDefault(h => h.Sha256 == sha256) is not { } header) return (null, [], RefusalReason.AnswerLost);
        var body = new float[header.Length];
        spool.InOrder([header.Site]).Read(0, 0, body);
        return (header, body, null);
    }

    /// <summary>SHA-256 (hex) of a round's update that was charged; null: none was.</summary>
    public string? Charged(RoundOffer offer) => ledger.Charged(account, AnswerOf(offer));

    /// <summary>Lets an update out: null; else why it must stay.</summary>
    public string? Pass(RoundOffer offer, UpdateHeader header, ReadOnlySpan<float> body)
    {
        if (header.Released is not { } released || !Keeps(released, Asked)) return RefusalReason.Unprotected;
        var path = FileOf(offer, offer.Round);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        UpdateSpool.Delete(path); // stored and never charged: it never left
        beforeWrite?.Invoke("gate-store");
        using (var spool = UpdateSpool.Open(path, vault)) spool.Append(header, body);
        if (!ledger.Charge(account, AnswerOf(offer), released.Event, header.Sha256)) return RefusalReason.BudgetSpent;
        // The round before was acknowledged, or there would be no next one.
        UpdateSpool.Delete(FileOf(offer, offer.Round - 1));
        return null;
    }

    /// <summary>Whether a mechanism is at least as private as what was asked for.</summary>
    public static bool Keeps(PrivateGradientDescent released, RecordPrivacy asked) =>
        released.ClipNorm <= asked.ClipNorm && released.NoiseMultiplier >= asked.NoiseMultiplier;

    /// <summary>What tells the counts of a judging from all other answers of a run.</summary>
    public static string AnswerOf(CountTask task) => FormattableString.Invariant($"{task.Id}/{task.Judged.Repeat}");

    /// <summary>What tells a step of the statistics from all other answers of a run.</summary>
    public static string AnswerOf(StatisticsTask task) => FormattableString.Invariant($"statistics/{task.Repeat}/{task.Step}");

    /// <summary>What tells a round's update from all other answers of a run.</summary>
    public static string AnswerOf(RoundOffer offer) => FormattableString.Invariant($"{offer.Model}/{offer.Repeat}/{offer.Round}");

    private string FileOf(RoundOffer offer, int round) => Path.Combine(folder, FormattableString.Invariant($"{offer.Model.Replace('/', '~')}~{offer.Repeat}~{round}.update"));

    // All parts of a step are one vector. Each part is scaled so that a record moves it by at most 1/√(parts), hence all of it by at most 1.
    private float[] Noised(Statistics raw, string answer)
    {
        var scaled = new float[raw.Parts.Sum(p => p.Values.Count)];
        if (scaled.Length == 0) return scaled;
        Each(raw, (at, value, unit) => scaled[at] = (float)(value / unit));
        using (var stream = noise(answer)) new GridGaussian(plan.Statistics, 1, scaled.Length).AddInPlace(scaled, stream);
        Each(raw, (at, _, unit) => scaled[at] = (float)(scaled[at] * unit));
        return scaled;
    }

    private static void Each(Statistics raw, Action<int, double, double> visit)
    {
        var (at, parts) = (0, Math.Sqrt(raw.Parts.Count));
        foreach (var part in raw.Parts)
        {
            for (var i = 0; i < part.Values.Count; i++) visit(at++, part.Values[i], part.Bound!.Largest[i] * part.Bound.Norm * parts);
        }
    }

    private static Statistics Noised(StatisticPart part, float[] values) => new([part with { Values = [.. values.Select(v => (double)v)], Bound = null }]);

    private static Statistics Filled(Statistics raw, float[] values)
    {
        var at = 0;
        return new Statistics([.. raw.Parts.Select(p =>
        {
            var filled = p with { Values = [.. values.AsSpan(at, p.Values.Count).ToArray().Select(v => (double)v)], Bound = null };
            at += p.Values.Count;
            return filled;
        })]);
    }
}

/// <summary>A site's gate lets something not out that the study can't do without.</summary>
internal sealed class SiteBarredException(string site, string answer, string reason) : Exception($"The gate of site '{site}' bars {answer}: {reason}.")
{
    public string Site { get; } = site;

    public string Answer { get; } = answer;

    public string Reason { get; } = reason;
}
