using System.Text.Json;
using Comity.Declarations;
using Comity.Federation.Audit;
using Comity.Federation.Privacy;
using Comity.Federation.Studies;
using Comity.Transport.Protocol;

namespace Comity.Transport.Sites;

/// <summary>What a site's process keeps of the promises of its studies: one ledger over all of them, the keys of its partners, and each study's gate.</summary>
internal sealed class SiteProtections(SiteAgentOptions options, TimeProvider time) : IDisposable
{
    /// <summary>Name of the ledger in the site's state folder.</summary>
    public const string LedgerFile = PrivacyLedger.FileName;

    private readonly Lock _gate = new();
    private readonly Dictionary<string, LocalProtection> _open = new(StringComparer.Ordinal);
    private readonly PartnerKeys _partners = new(options);
    private PrivacyLedger? _ledger;

    /// <summary>How far the site's ledger has come; null: no study that is open charges it.</summary>
    public LedgerHead? LedgerHead
    {
        get { lock (_gate) return _ledger?.Head; }
    }

    private string LedgerPath => Path.Combine(options.StateFolder, LedgerFile);

    /// <summary>Makes a study that the host opened keep what it promises; what can't be kept is a refusal.</summary>
    public async Task<(SiteStudy Study, LocalProtection? Protection)> OpenAsync(SiteTask task, SiteStudy opened, StudySpool spool, CancellationToken cancellationToken)
    {
        if (opened.About.Refused.Count > 0 || opened.Section is not { Privacy: { } privacy } section || opened.Work is not { } work || opened.Model is not { } model) return (opened, null);
        try
        {
            var keys = privacy.SecureAggregation is null ? new Dictionary<string, byte[]>() : Partners(task, spool);
            if (privacy.SecureAggregation is { } masking) _partners.Require(section, masking, keys);
            var dataSet = opened.DataSet ?? work.Site;
            if (privacy.DifferentialPrivacy is not null && !new DataSetActs(options.StateFolder).Allows(dataSet, Ledger(), options.Identity))
                throw new InvalidDeclarationException([new Problem(Messages.Catalog, "data-set-unsigned", Place.InFile(options.Site), options.Site, dataSet, string.Join(", ", Ledger().DataSets()))]);
            var protection = await LocalProtection.OpenAsync(new LocalProtectionInput
            {
                Study = section, Work = work, StatisticsSteps = model.StatisticsSteps, Run = task.Study, DataSet = dataSet, Folder = spool.GateFolder, Vault = spool.Vault,
                Ledger = privacy.DifferentialPrivacy is null ? null : Ledger(), Identity = options.Identity, KeyOf = keys.GetValueOrDefault, Noise = opened.Noise,
            }, cancellationToken).ConfigureAwait(false);
            lock (_gate)
            {
                if (_open.Remove(task.Study, out var before)) before.Dispose();
                if (protection is not null) _open[task.Study] = protection;
            }
            // A model of the site's own would tell what masks and noise hide, so it stays whatever its policy says.
            var about = opened.About with { OwnModelStays = true, Scales = privacy.DifferentialPrivacy is { Unit: PrivacyUnit.Record } ? await ScalesAsync(section, work, cancellationToken).ConfigureAwait(false) : [] };
            return (opened with { About = about }, protection);
        }
        catch (InvalidDeclarationException e)
        {
            return (opened with { About = opened.About with { Refused = [.. e.Problems.Select(ToldProblem.Of)] } }, null);
        }
    }

    /// <summary>The study needs nothing any more: what it set aside and did not release is free again.</summary>
    public void Close(string study)
    {
        lock (_gate)
        {
            if (_open.Remove(study, out var protection)) protection.Dispose();
        }
        if (File.Exists(LedgerPath)) LocalProtection.Close(Ledger(), study, options.Site);
    }

    public void Dispose()
    {
        lock (_gate)
        {
            foreach (var protection in _open.Values) protection.Dispose();
            _open.Clear();
            _ledger?.Dispose();
            _ledger = null;
        }
    }

    private PrivacyLedger Ledger()
    {
        lock (_gate) return _ledger ??= PrivacyLedger.Open(LedgerPath, time);
    }

    private static Dictionary<string, byte[]> Partners(SiteTask task, StudySpool spool) => task.Body("partners") is { } body
        ? JsonSerializer.Deserialize<Dictionary<string, byte[]>>(spool.ReadBody(body), WireJson.Options) ?? [] : [];

    private static async Task<IReadOnlyList<ToldScale>> ScalesAsync(StudySection section, Federation.Sites.ISiteWork work, CancellationToken cancellationToken)
    {
        var scales = new List<ToldScale>();
        for (var repeat = 0; repeat < section.Repeats; repeat++)
        {
            foreach (var overrides in section.AllFederations.Select(f => f.Training is null ? null : DeclaredJson.Write(f.Training)).Distinct())
            {
                var scale = await work.ScaleAsync(repeat, overrides, cancellationToken).ConfigureAwait(false);
                scales.Add(new(repeat, overrides, scale.Rows, scale.Lot));
            }
        }
        return scales;
    }
}
