using System.Globalization;
using Comity.Declarations;
using Comity.Federation.Audit;
using Comity.Federation.Results;
using Comity.Federation.Rounds;
using Comity.Federation.Runs;
using Comity.Federation.Sites;
using Comity.Federation.Stores;
using Comity.Federation.Trials;
using Comity.Privacy.Events;
using Comity.Privacy.Noise;

namespace Comity.Federation.Privacy;

/// <summary>The privacy of one run: its plan, the ledger that pays for it, and each site's gate.</summary>
internal sealed class RunPrivacy : IDisposable
{
    private const string RunKey = "privacy-run";

    private readonly PrivacyLedger _ledger;
    private readonly List<LedgerAccount> _accounts;
    private readonly bool _simulated;
    private readonly AuditCharges _charges;
    private readonly Func<string, string, NoiseStream> _noise;

    private RunPrivacy(PrivacyPlan plan, PrivacyLedger ledger, List<LedgerAccount> accounts, IReadOnlyDictionary<string, SiteGate> gates, bool simulated, Func<string, string, NoiseStream> noise) =>
        (Plan, _ledger, _accounts, Gates, _simulated, _charges, _noise) = (plan, ledger, accounts, gates, simulated, new AuditCharges(plan.Section.Delta), noise);

    public PrivacyPlan Plan { get; }

    /// <summary>By site.</summary>
    public IReadOnlyDictionary<string, SiteGate> Gates { get; }

    /// <summary>Whether the sites are elsewhere: each has a gate and a ledger of its own, and the ledger here counts what arrived.</summary>
    private bool IsElsewhere { get; init; }

    /// <summary>Whether whole sites are hidden, not single records.</summary>
    public bool HidesSites => Plan.Section.Unit == PrivacyUnit.Site;

    /// <summary>A site's gate for private training; null: training is not private, its sum will be.</summary>
    public SiteGate? GateOf(string site) => HidesSites ? null : Gates[site];

    /// <summary>Charges a site for a sum that its update is in.</summary>
    public bool Charge(string site, string answer, PrivacyEvent released, string sha256) => _ledger.Charge(_accounts.Single(a => a.Site == site), answer, released, sha256);

    /// <summary>SHA-256 (hex) of a sum that a site was charged for; null: it was not.</summary>
    public string? Charged(string site, string answer) => _ledger.Charged(_accounts.Single(a => a.Site == site), answer);

    /// <summary>A fresh stream of noise for one release.</summary>
    public NoiseStream NoiseOf(string site, string answer) => _noise(site, answer);

    /// <summary>What one step of the statistics costs.</summary>
    public AuditCharge StatisticsCharge => _charges.Of(new GaussianEvent(Plan.Statistics));

    /// <summary>What an update cost; null: it carries no noise of its own.</summary>
    public AuditCharge? ChargeOf(UpdateHeader header) => header.Released is { } released ? _charges.Of(released.Event) : null;

    /// <summary>Calibrates and reserves before anything is released. Null: the study promises nothing.</summary>
    /// <exception cref="InvalidDeclarationException">A lifetime budget does not allow the study.</exception>
    public static async Task<RunPrivacy?> OpenAsync(StudyRunInput input, RunStore store, CancellationToken cancellationToken)
    {
        if (input.Study.Privacy?.DifferentialPrivacy is not { } section) return null;
        var place = Place.InFile(input.RunFolder);
        var plan = await PrivacyPlan.MakeAsync(input.Study, input.Model.StatisticsSteps, input.Sites, section, place, cancellationToken).ConfigureAwait(false);
        if (store.Value(RunKey) is not { } name) store.KeepValue(RunKey, name = System.Security.Cryptography.RandomNumberGenerator.GetHexString(32, lowercase: true));
        var ledger = store.SharedLedger is { } shared ? PrivacyLedger.Share(input.RunFolder, shared, input.Time, store.BeforeWrite) : PrivacyLedger.Open(input.Ledger ?? Path.Combine(input.RunFolder, PrivacyLedger.FileName), input.Time, store.BeforeWrite);
        try
        {
            var accounts = input.Study.Sites.Select(s => new LedgerAccount(name, input.Study.Study, s.Id, s.Id)).ToList();
            var problems = new List<Problem>();
            foreach (var account in accounts)
            {
                if (ledger.Reserve(account, plan.Sites[account.Site].Releases, PrivacyPlan.AccountantOf(section)) is { } exceeded)
                    problems.Add(exceeded.ToProblem(account.Site, place));
            }
            if (problems.Count > 0)
            {
                foreach (var account in accounts) ledger.Close(account);
                throw new InvalidDeclarationException(problems);
            }
            NoiseStream Noise(string site, string answer) => input.Noise?.Invoke(site, answer) ?? NoiseStream.Secure();
            var gates = accounts.ToDictionary(a => a.Site, a => new SiteGate(ledger, a, plan, Path.Combine(input.RunFolder, "sites", a.Site, "gate"),
                answer => Noise(a.Site, answer), store.BeforeWrite), StringComparer.Ordinal);
            return new RunPrivacy(plan, ledger, accounts, gates, input.Noise is not null, Noise) { IsElsewhere = input.Channels is not null };
        }
        catch
        {
            ledger.Dispose();
            throw;
        }
    }

    /// <summary>Counts updates of a round that were charged at sites elsewhere.</summary>
    public void Arrived(string model, int repeat, IEnumerable<UpdateHeader> headers)
    {
        if (!IsElsewhere) return;
        foreach (var header in headers.Where(h => h.Released is not null))
            Charge(header.Site, string.Create(CultureInfo.InvariantCulture, $"{model}/{repeat}/{header.Round}"), header.Released!.Event, header.Sha256);
    }

    /// <summary>Counts a step of the statistics that came through the gate of a site elsewhere.</summary>
    public void Arrived(string site, StatisticsTask task)
    {
        if (IsElsewhere) Charge(site, SiteGate.AnswerOf(task), new GaussianEvent(Plan.Statistics), "");
    }

    /// <summary>One step of the statistics of a site, through its gate.</summary>
    public Statistics Release(string site, StatisticsTask task, Statistics raw)
    {
        if (IsElsewhere)
        {
            Arrived(site, task);
            return raw;
        }
        try
        {
            return Gates[site].Release(task, raw);
        }
        catch (SiteBarredException barred)
        {
            throw new StudyStoppedException(Messages.Problem("gate-barred", Place.InFile(_ledger.Path), barred.Site, barred.Answer, barred.Reason));
        }
    }

    /// <summary>All charges of this run.</summary>
    public IReadOnlyList<TrialCharge> Charges() => [.. _accounts.SelectMany(account => _ledger.Charges(account).Select(c => new TrialCharge(account.Site, c.Answer, c.Event, c.Count, c.Sha256)))];

    /// <summary>Charges here what a gate of this run let out in another process.</summary>
    /// <exception cref="InvalidOperationException">It is not within what was reserved: what came is not of this run.</exception>
    public void Take(TrialCharge charge)
    {
        var unit = EventText.Read(charge.Event);
        if (!Charge(charge.Site, charge.Answer, charge.Count == 1 ? unit : new SelfComposedEvent(unit, charge.Count), charge.Sha256))
            throw new InvalidOperationException($"The ledger does not allow '{charge.Answer}' of site '{charge.Site}', which another process released.");
    }

    /// <summary>How counts behind metrics are noised; null: metrics are exact.</summary>
    public MetricsPlan? Metrics => Plan.Metrics;

    /// <summary>What the counts of one judging cost.</summary>
    public AuditCharge MetricsCharge => _charges.Of(Plan.Metrics!.Event);

    /// <summary>The counts of a judging, through the site's gate.</summary>
    public Statistics Release(string site, CountTask task, Statistics raw)
    {
        if (IsElsewhere)
        {
            Charge(site, SiteGate.AnswerOf(task), Plan.Metrics!.Event, "");
            return raw;
        }
        try
        {
            return Gates[site].Release(task, raw);
        }
        catch (SiteBarredException barred)
        {
            throw new StudyStoppedException(Messages.Problem("gate-barred", Place.InFile(_ledger.Path), barred.Site, barred.Answer, barred.Reason));
        }
    }

    /// <summary>The study is over: gives back what was not released, and says what was.</summary>
    public IReadOnlyList<PrivacyInfo> Settle()
    {
        foreach (var account in _accounts) _ledger.Close(account);
        var entries = _ledger.Entries().Where(e => e.Account.Run == _accounts[0].Run).ToDictionary(e => e.Account.Site, StringComparer.Ordinal);
        var (section, accountant) = (Plan.Section, PrivacyPlan.AccountantOf(Plan.Section));
        var known = new Dictionary<string, double>(StringComparer.Ordinal);
        return [.. _accounts.Select(account =>
        {
            var (charged, planned) = (entries[account.Site].Charged, Plan.Sites[account.Site]);
            var alike = string.Join(';', charged.Select(c => FormattableString.Invariant($"{EventText.Write(c.Event)}x{c.Count}")));
            if (!known.TryGetValue(alike, out var epsilon)) known[alike] = epsilon = BudgetExceeded.Cost(charged, section.Delta, accountant);
            var (mechanism, neighbours) = !HidesSites ? ("record-gaussian", "add-or-remove-one-record")
                : (section.Noise == NoisePlace.Distributed ? "site-shared-noise" : "site-gaussian", "zero-out-one-site");
            return new PrivacyInfo(account.Site, mechanism, epsilon, section.Delta, neighbours)
            {
                Promised = section.Epsilon + (Plan.Metrics is { } metrics ? metrics.Epsilon * metrics.Releases : 0), MetricsEpsilon = Plan.Metrics?.Epsilon, NoiseMultiplier = planned.NoiseMultiplier, StatisticsNoiseMultiplier = Plan.Statistics, ClipNorm = section.Clip, Rows = planned.Rows,
                Answers = entries[account.Site].Answers, Accountant = accountant.Name, SeededNoise = _simulated,
            };
        })];
    }

    /// <inheritdoc/>
    public void Dispose() => _ledger.Dispose();
}
