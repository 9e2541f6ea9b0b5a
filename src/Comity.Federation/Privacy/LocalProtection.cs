using System.Collections.Concurrent;
using System.Security.Cryptography;
using Comity.Declarations;
using Comity.Federation.Aggregation;
using Comity.Federation.Audit;
using Comity.Federation.Masking;
using Comity.Federation.Rounds;
using Comity.Federation.Runs;
using Comity.Federation.Sites;
using Comity.Federation.Studies;
using Comity.Privacy.Events;
using Comity.Privacy.Noise;
using Comity.Tensors.Parameters;
using SiteIdentity = Comity.SecureAggregation.Keys.SiteIdentity;

namespace Comity.Federation.Privacy;

/// <summary>A site's own side of what a study promises, for a process that is a site: its budget, its gate, its keys.</summary>
/// <remarks>
/// Everything is worked out from the site's own copy of the study: how much noise, which clip, which ring, whose keys. What the coordinator says
/// besides (the attempt, the cohort, an adapted clip) is judged against that copy, so that it can't talk a site into less than was promised.
/// </remarks>
public sealed class LocalProtection : IDisposable
{
    private readonly LocalProtectionInput _input;
    private readonly PrivacyPlan? _plan;
    private readonly LedgerAccount _account;
    private readonly SiteGate? _gate;
    private readonly SiteIdentity? _identity;
    private readonly AuditCharges? _charges;
    private readonly ConcurrentDictionary<string, SiteMasks> _masks = new(StringComparer.Ordinal);

    private LocalProtection(LocalProtectionInput input, PrivacyPlan? plan, LedgerAccount account)
    {
        (_input, _plan, _account) = (input, plan, account);
        if (plan is not null)
        {
            _charges = new AuditCharges(plan.Section.Delta);
            if (plan.Section.Unit == PrivacyUnit.Record) _gate = new SiteGate(input.Ledger!, account, plan, Path.Combine(input.Folder, "gate"), NoiseOf, null, input.Vault);
        }
        if (Masking is null) return;
        var key = ECDsa.Create(input.Identity!.ExportParameters(includePrivateParameters: true));
        _identity = new SiteIdentity(key);
    }

    /// <summary>What one step of the statistics costs; null: nothing.</summary>
    public AuditCharge? StatisticsCharge => _gate is null ? null : _charges!.Of(new GaussianEvent(_plan!.Statistics));

    /// <summary>Whether losses and the site's own models stay at home: nobody has noised or masked them.</summary>
    public bool HidesRecords => _plan is not null;

    private SecureAggregationSection? Masking => _input.Study.Privacy?.SecureAggregation;

    private bool HidesSites => _plan is { Section.Unit: PrivacyUnit.Site };

    /// <summary>Works out what the study costs this site and sets it aside, before anything is released. Opened again it is the same.</summary>
    /// <returns>Null: the study promises nothing.</returns>
    /// <exception cref="InvalidDeclarationException">The budget does not allow it, the records changed since it was set aside, or a partner's key is not known.</exception>
    public static async Task<LocalProtection?> OpenAsync(LocalProtectionInput input, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(input);
        if (input.Study.Privacy is not { } privacy) return null;
        var (site, place) = (input.Work.Site, Place.InFile(input.Work.Site));
        if (privacy.SecureAggregation is not null)
        {
            if (input.Identity is null) throw new ArgumentException("Masked rounds need the site's key.", nameof(input));
            var unknown = input.Study.Sites.Where(s => input.KeyOf(s.Id) is null).Select(s => Messages.Problem("masks-key-unknown", place, s.Id)).ToList();
            if (unknown.Count > 0) throw new InvalidDeclarationException(unknown);
        }
        var account = new LedgerAccount(input.Run, input.Study.Study, site, input.DataSet);
        if (privacy.DifferentialPrivacy is not { } section) return new LocalProtection(input, null, account);
        if (input.Ledger is not { } ledger) throw new ArgumentException("Differential privacy needs a ledger.", nameof(input));
        var plan = await PrivacyPlan.MakeAsync(input.Study, input.StatisticsSteps, [input.Work], section, place, cancellationToken).ConfigureAwait(false);
        try
        {
            if (ledger.Reserve(account, plan.Sites[site].Releases, PrivacyPlan.AccountantOf(section)) is { } exceeded) throw new InvalidDeclarationException([exceeded.ToProblem(site, place)]);
        }
        catch (InvalidOperationException)
        {
            throw new InvalidDeclarationException([Messages.Problem("privacy-plan-changed", place, site)]);
        }
        return new LocalProtection(input, plan, account);
    }

    /// <summary>The study is over: what was set aside and not released is free again.</summary>
    /// <param name="ledger">The site's ledger.</param>
    /// <param name="run">The run.</param>
    /// <param name="site">The site.</param>
    public static void Close(PrivacyLedger ledger, string run, string site)
    {
        ArgumentNullException.ThrowIfNull(ledger);
        ledger.Close(new LedgerAccount(run, "", site, ""));
    }

    /// <summary>Overwrites the keys of masked rounds below a folder, before it is deleted.</summary>
    public static void WipeKeys(string folder)
    {
        if (!Directory.Exists(folder)) return;
        foreach (var kept in Directory.EnumerateFiles(folder, "*.keys", SearchOption.AllDirectories)) PrivateFile.Overwrite(kept);
    }

    /// <summary>Lets one step of the statistics out, with its noise where the study says so.</summary>
    /// <exception cref="InvalidDeclarationException">The gate bars it.</exception>
    public Statistics Release(StatisticsTask task, Statistics raw)
    {
        try
        {
            return _gate is null ? raw : _gate.Release(task, raw);
        }
        catch (SiteBarredException barred)
        {
            throw new InvalidDeclarationException([Messages.Problem("gate-barred", Place.InFile(barred.Site), barred.Site, barred.Answer, barred.Reason)]);
        }
    }

    /// <summary>What an update cost; null: it carries no noise, nor will its sum.</summary>
    public AuditCharge? ChargeOf(UpdateHeader header)
    {
        ArgumentNullException.ThrowIfNull(header);
        if (HidesSites) return _charges!.Of(OneRound);
        return header.Released is { } released ? _charges?.Of(released.Event) : null;
    }

    /// <summary>An offer as the site's own copy of the study has it: with noise, clip and masks.</summary>
    /// <param name="offer">What the coordinator asked.</param>
    /// <param name="setting">Which setting of a search.</param>
    /// <param name="parameters">P, by the site's own layout.</param>
    /// <param name="attempt">What the coordinator said of the masked round; null: nothing.</param>
    /// <param name="refusal">Why the site does not take part; null: it does.</param>
    public RoundOffer Protect(RoundOffer offer, int? setting, int parameters, MaskedAttempt? attempt, out string? refusal)
    {
        ArgumentNullException.ThrowIfNull(offer);
        refusal = null;
        if (_gate is not null) offer = offer with { Private = _gate.Asked };
        if (HidesSites)
        {
            // The clip follows the updates' norms only where the study says so; else it is the study's.
            var told = _plan!.Section.Adaptive is null ? null : offer.Clip?.Norm;
            if (told is not null && !(double.IsFinite(told.Value) && told > 0)) refusal = RefusalReason.Unprotected;
            offer = offer with { Clip = new SiteClip(told ?? _plan.Section.Clip) };
        }
        if (Masking is null) return offer;
        var masked = attempt is null ? null : MaskedOffer(offer, setting, parameters, attempt);
        refusal ??= attempt is null ? RefusalReason.Unprotected : masked is null ? RefusalReason.NotInvited : null;
        return offer with { Masked = masked };
    }

    /// <summary>Whether held-out metrics leave as noised counts only: exact ones, and comparisons row by row, stay.</summary>
    public bool NoisesMetrics => _plan?.Metrics is not null;

    /// <summary>What the counts of one judging cost.</summary>
    public AuditCharge? MetricsCharge => _plan?.Metrics is { } metrics ? _charges!.Of(metrics.Event) : null;

    /// <summary>Lets the counts of a judging out, with their noise.</summary>
    /// <exception cref="InvalidDeclarationException">The gate bars it.</exception>
    public Statistics Release(CountTask task, Statistics raw)
    {
        try
        {
            return (_gate ?? throw new InvalidOperationException("The study promises no noise on metrics.")).Release(task, raw);
        }
        catch (SiteBarredException barred)
        {
            throw new InvalidDeclarationException([Messages.Problem("gate-barred", Place.InFile(barred.Site), barred.Site, barred.Answer, barred.Reason)]);
        }
    }

    /// <summary>Whether statistics leave under masks only: in the clear the site tells their form and no number.</summary>
    public bool MasksNumbers => Masking is not null;

    /// <summary>A sum of numbers as the site's own copy of the study has it: over whom, and under which masks.</summary>
    /// <param name="offer">What the coordinator asked.</param>
    /// <param name="form">The form of this site's own numbers.</param>
    /// <param name="attempt">What the coordinator said of the masked round; null: nothing.</param>
    /// <param name="refusal">Why the site does not take part; null: it does.</param>
    public RoundOffer ProtectSum(RoundOffer offer, Statistics form, MaskedAttempt? attempt, out string? refusal)
    {
        ArgumentNullException.ThrowIfNull(offer);
        refusal = RefusalReason.Unprotected;
        if (Masking is null || attempt is null || offer.Sum is not { } sum || MaskedNumbers.NotASum(form) is not null) return offer;
        refusal = RefusalReason.NotInvited;
        // All of the study's own sites or nobody: a sum over fewer would be another, and their difference somebody's numbers.
        if (offer.Round != MaskedSums.Round || attempt.Number < 1 || attempt.Run.Length is 0 or > 200 || !SitesOf(sum).SequenceEqual(attempt.Cohort, StringComparer.Ordinal) || !attempt.Cohort.Contains(_account.Site)) return offer;
        var numbers = new MaskedNumbers(FormOf(sum, form), attempt.Cohort.Count);
        refusal = numbers.Length == 0 ? RefusalReason.WrongShape : null;
        return refusal is null ? offer with { Masked = new MaskedOffer(RunMasking.PlanOf(Masking, attempt, sum, numbers), null) { Attempt = attempt } } : offer;
    }

    /// <summary>The site's side of a sum of numbers.</summary>
    /// <param name="sum">What is summed.</param>
    /// <param name="raw">The site's own numbers, as they were counted.</param>
    /// <param name="memoryFolder">Where the site keeps its keys of the sum.</param>
    public ISiteChannel OpenSum(SumTask sum, Statistics raw, string memoryFolder)
    {
        ArgumentNullException.ThrowIfNull(sum);
        return new NumbersLine(_account.Site, MasksIn(memoryFolder), _ => new(Released(sum, raw)), new MaskedNumbers(FormOf(sum, raw), SitesOf(sum).Count), null);
    }

    /// <summary>One step of a masked round.</summary>
    /// <param name="offer">The round, protected.</param>
    /// <param name="memoryFolder">Where the site keeps what it remembers of the model.</param>
    /// <param name="message">What the coordinator says, as <see cref="MaskedMessages"/> writes it; null: begin.</param>
    public MaskedReply Answer(RoundOffer offer, string memoryFolder, byte[]? message)
    {
        ArgumentNullException.ThrowIfNull(offer);
        if (offer.Masked is not { } masked) return new MaskedReply.Refused(RefusalReason.Unprotected);
        try
        {
            return MasksIn(memoryFolder).Answer(new MaskedStep(masked.Plan, MaskedMessages.Read(message)));
        }
        catch (InvalidDataException)
        {
            return new MaskedReply.Refused(MaskedMessages.Malformed);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _identity?.Dispose();

    internal ISiteChannel Open(ISiteWork work, ParameterLayout layout, string memoryFolder, WorkSlots slots) => new Line(
        new InProcessChannel(work, layout, new SiteMemory(memoryFolder, null, _input.Vault), slots, _gate, HidesSites ? Leaves : null, Masking is null ? null : MasksIn(memoryFolder), NoiseOf));

    // Which sites' numbers a sum holds, in the order of the study.
    private List<string> SitesOf(SumTask sum) => [.. (sum is SumTask.OfStatistics ? _input.Study.TrainingSites : _input.Study.Sites).Select(s => s.Id)];

    // Counts are whole numbers until the gate has added its noise.
    private Statistics FormOf(SumTask sum, Statistics raw) => MaskedNumbers.FormOf(_gate is null || sum is not SumTask.OfStatistics ? raw : MaskedNumbers.Fractional(raw));

    private Statistics Released(SumTask sum, Statistics raw) => sum is SumTask.OfStatistics statistics && _gate is not null ? MaskedNumbers.Fractional(Release(statistics.Task, raw)) : raw;

    private PrivacyEvent OneRound => new GaussianEvent(_plan!.Sites[_account.Site].NoiseMultiplier);

    private SiteMasks MasksIn(string memoryFolder) => _masks.GetOrAdd(memoryFolder, folder => new SiteMasks(Path.Combine(folder, "masks"), _account.Site, _identity!, _input.KeyOf, null, _input.Vault));

    private NoiseStream NoiseOf(string answer) => _input.Noise?.Invoke(answer) ?? NoiseStream.Secure();

    private MaskedOffer? MaskedOffer(RoundOffer offer, int? setting, int parameters, MaskedAttempt attempt)
    {
        var study = _input.Study;
        if (study.FederationOf(offer.Model, setting) is not { } federation || attempt.Number < 1 || attempt.Run.Length is 0 or > 200) return null;
        // A cohort of the study's own sites, as many as it asks, in its order: neither strangers nor a smaller crowd to hide in.
        var members = attempt.Cohort.ToHashSet(StringComparer.Ordinal);
        if (!study.TrainingSites.Select(s => s.Id).Where(members.Contains).SequenceEqual(attempt.Cohort, StringComparer.Ordinal)) return null;
        var cohort = federation.Cohort.Of(study.TrainingSites.Count);
        if (attempt.Cohort.Count != cohort || !members.Contains(_account.Site)) return null;
        var (encoding, share) = Encoding(federation, cohort, parameters, offer.Clip?.Norm);
        return encoding is null ? null : new MaskedOffer(RunMasking.PlanOf(Masking!, attempt, offer.Model, offer.Repeat, offer.Round, encoding.Length, encoding.FixedPoint.Bits), encoding) { Share = share, Attempt = attempt };
    }

    private (MaskedEncoding?, NoiseShare?) Encoding(FederationSection federation, int cohort, int parameters, double? clip)
    {
        if (!HidesSites) return (new MaskedEncoding(Masking!, federation.Weights, cohort, parameters, ServerStrategy.Create(federation.Strategy).Parts), null);
        var quorum = Math.Max(federation.Quorum.Of(cohort), federation.Strategy.FewestUpdates);
        return SiteLevelRing.Of(_plan!.Section, _plan.Sites[_account.Site].NoiseMultiplier, clip!.Value, cohort, quorum, parameters) is var (ring, share)
            ? (new MaskedEncoding(ring, cohort, parameters), share) : (null, null);
    }

    // A round costs the site what its update in a sum costs, once, however often the round is begun again and whether or not the sum is taken.
    private void Leaves(RoundOffer offer, UpdateHeader header)
    {
        var answer = SiteGate.AnswerOf(offer);
        var digest = Convert.ToHexStringLower(SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(answer)));
        if (!_input.Ledger!.Charge(_account, answer, OneRound, digest)) throw new SiteBarredException(_account.Site, answer, RefusalReason.BudgetSpent);
    }

    /// <summary>The site's channel, at which a bar of the ledger is a refusal like any other.</summary>
    private sealed class Line(ISiteChannel inner) : ISiteChannel
    {
        public string Site => inner.Site;

        public async ValueTask<RoundReply> OfferAsync(RoundOffer offer, IUpdateSink sink, CancellationToken cancellationToken)
        {
            try
            {
                return await inner.OfferAsync(offer, sink, cancellationToken).ConfigureAwait(false);
            }
            catch (SiteBarredException barred)
            {
                return new RoundReply.Refused(barred.Reason);
            }
        }

        public ValueTask<PersonalModel> PersonaliseAsync(RoundOffer finished, CancellationToken cancellationToken) => inner.PersonaliseAsync(finished, cancellationToken);
    }
}

/// <summary>What a site brings to <see cref="LocalProtection"/>.</summary>
public sealed record LocalProtectionInput
{
    /// <summary>The study as the site read it.</summary>
    public required StudySection Study { get; init; }

    /// <summary>The site's work.</summary>
    public required ISiteWork Work { get; init; }

    /// <summary>Steps of the shared statistics.</summary>
    public required IReadOnlyList<string> StatisticsSteps { get; init; }

    /// <summary>What tells this run of the study from others: its id at the coordinator.</summary>
    public required string Run { get; init; }

    /// <summary>The name that the data's steward gave the records.</summary>
    public required string DataSet { get; init; }

    /// <summary>Folder of what the gate keeps for this study.</summary>
    public required string Folder { get; init; }

    /// <summary>How the gate's bytes, masks and shares are kept; null: as they are.</summary>
    public AtRest.StateVault? Vault { get; init; }

    /// <summary>The site's ledger; null: it has none, and takes part in no study with differential privacy.</summary>
    public PrivacyLedger? Ledger { get; init; }

    /// <summary>The site's long-lived P-256 key; null: it has none, and takes part in no masked round.</summary>
    public ECDsa? Identity { get; init; }

    /// <summary>Public keys of the study's sites (SubjectPublicKeyInfo), from a source that the site trusts; null: unknown.</summary>
    public Func<string, byte[]?> KeyOf { get; init; } = _ => null;

    /// <summary>Where the gate's noise comes from, by answer; null: a fresh unpredictable stream each time. Only a test may give one that can be repeated.</summary>
    public Func<string, NoiseStream>? Noise { get; init; }
}
