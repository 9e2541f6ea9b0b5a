using System.Globalization;
using System.Security.Cryptography;
using Comity.Declarations;
using Comity.Federation.Results;
using Comity.Federation.Runs;
using Comity.Federation.Sites;
using Comity.Federation.Stores;
using Comity.Federation.Studies;
using Comity.SecureAggregation.Graphs;
using Comity.SecureAggregation.Keys;
using Comity.SecureAggregation.Protocol;

namespace Comity.Federation.Masking;

/// <summary>The masks of one run: what the study asks for, and each site's long-lived key, which vouches for its keys of every round.</summary>
internal sealed class RunMasking : IDisposable
{
    private const string RunKey = "masking-run";

    private readonly Dictionary<string, SiteIdentity> _identities;
    private readonly Func<string, byte[]?> _keyOf;
    private readonly RunStore _store;

    private RunMasking(SecureAggregationSection section, RunStore store, string run, Dictionary<string, SiteIdentity> identities, Func<string, byte[]?> keyOf) =>
        (Section, _store, Run, _identities, _keyOf) = (section, store, run, identities, keyOf);

    /// <summary>Tells this run from others: part of every plan.</summary>
    public string Run { get; }

    public SecureAggregationSection Section { get; }

    /// <summary>Null: the study asks for no masks.</summary>
    /// <exception cref="InvalidDeclarationException">The sites are elsewhere, and the key of one is not known.</exception>
    public static RunMasking? Open(StudyRunInput input, RunStore store)
    {
        if (input.Study.Privacy?.SecureAggregation is not { } section) return null;
        if (store.Value(RunKey) is not { } run) store.KeepValue(RunKey, run = RandomNumberGenerator.GetHexString(32, lowercase: true));
        if (input.Channels is not null)
        {
            // Sites elsewhere have keys of their own; here only their public halves are known.
            if (input.Study.Sites.FirstOrDefault(s => input.SiteKeys?.Invoke(s.Id) is null) is { } unknown)
                throw new InvalidDeclarationException([Messages.Problem("masks-key-unknown", Place.InFile(input.RunFolder), unknown.Id)]);
            return new RunMasking(section, store, run, [], input.SiteKeys!);
        }
        var identities = input.Study.Sites.ToDictionary(s => s.Id, s => Identity(Path.Combine(input.RunFolder, "sites", s.Id, "identity.key")), StringComparer.Ordinal);
        return new RunMasking(section, store, run, identities, name => identities.GetValueOrDefault(name)?.PublicKey);
    }

    /// <summary>A site's side of the masked rounds of a model.</summary>
    public SiteMasks SiteOf(string site, string model, int repeat) => new(
        Path.Combine(_store.SiteFolder(site, model, repeat), "masks"), site, _identities[site], _keyOf, _store.BeforeWrite);

    /// <summary>The plan of one attempt at a round. Another attempt has another plan, hence other keys.</summary>
    public SecureRoundPlan Plan(string model, int repeat, int attempt, int round, IReadOnlyList<string> cohort, MaskedEncoding encoding) =>
        PlanOf(Section, new MaskedAttempt(Run, attempt, cohort), model, repeat, round, encoding.Length, encoding.FixedPoint.Bits);

    /// <summary>The plan of one attempt at a sum of numbers.</summary>
    public SecureRoundPlan Plan(SumTask task, int attempt, IReadOnlyList<string> cohort, MaskedNumbers numbers) =>
        PlanOf(Section, new MaskedAttempt(Run, attempt, cohort), task, numbers);

    /// <summary>The same at a site. The form of the numbers is part of it.</summary>
    public static SecureRoundPlan PlanOf(SecureAggregationSection section, MaskedAttempt attempt, SumTask task, MaskedNumbers numbers) =>
        PlanOf(section, attempt, $"{task.Id}#{numbers.Digest}", task.Repeat, MaskedSums.Round, numbers.Length, MaskedNumbers.Bits);

    /// <summary>The plan that coordinator and sites make each for itself of one attempt.</summary>
    public static SecureRoundPlan PlanOf(SecureAggregationSection section, MaskedAttempt attempt, string model, int repeat, int round, int length, int bits) => SecureRoundPlan.For(
        string.Create(CultureInfo.InvariantCulture, $"{attempt.Run}/{model}/{repeat}/{attempt.Number}"), round, attempt.Cohort, section.Adversary, length, bits, section.Graph);

    /// <summary>The public keys of a cohort by index, as each site knows them.</summary>
    public IReadOnlyDictionary<int, byte[]> Directory(SecureRoundPlan plan) =>
        Enumerable.Range(0, plan.Sites.Count).ToDictionary(i => i, i => _keyOf(plan.Sites[i])!);

    /// <summary>What the results say of the masks.</summary>
    public SecureAggregationInfo Describe(StudySection study)
    {
        var sites = study.TrainingSites.Count;
        var cohort = study.AllFederations.Count == 0 ? sites : study.AllFederations.Min(f => f.Cohort.Of(sites));
        var (threshold, degree) = SecureRoundPlan.Shape(cohort, Section.Adversary, Section.Graph);
        return new SecureAggregationInfo(Section.Adversary == AdversaryModel.LyingCoordinator ? "lying-coordinator" : "semi-honest", cohort, threshold, degree, Section.Clip, Section.MaximalRows);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var identity in _identities.Values) identity.Dispose();
    }

    private static SiteIdentity Identity(string path)
    {
        var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        if (File.Exists(path)) key.ImportPkcs8PrivateKey(File.ReadAllBytes(path), out _);
        else PrivateFile.Write(path, key.ExportPkcs8PrivateKey(), flush: true);
        return new SiteIdentity(key);
    }
}
