using System.Runtime.InteropServices;
using Comity.Cli.Composition;
using Comity.Cli.Runs;
using Comity.Cli.Sites;
using Comity.Cli.Terminal;
using Comity.Data.Sources;
using Comity.Data.Tables;
using Comity.Declarations;
using Comity.Federation.Sites;
using Comity.Privacy.Noise;
using Comity.Tensors.Randomness;
using Comity.Transport.Protocol;
using Comity.Transport.Sites;
using KernelSet = Comity.Tensors.Kernels.KernelSet;

namespace Comity.Cli.Network;

/// <summary>Binds studies that the coordinator names to this site's records: validates them again, checks the owner's policy, and fills the seam with Data and Learning.</summary>
/// <remarks>What is told of a refusal leaves the site, so problems here show no value of a record.</remarks>
internal sealed class SiteStudies(Session session, DeclaredSite site, Steward steward, KernelSet kernels) : ISiteHost
{
    private const long CachedBytes = 128L * 1024 * 1024;

    public ValueTask<SiteStudy> OpenAsync(string studyFile, CancellationToken cancellationToken)
    {
        var problems = new ProblemList();
        var opened = Open(studyFile, problems, cancellationToken);
        return new(problems.HasErrors || opened is null ? new SiteStudy(About(problems), null, null, null) : opened);
    }

    private SiteStudy? Open(string studyFile, ProblemList problems, CancellationToken cancellationToken)
    {
        var (_, study) = StudyComposer.Read(studyFile, problems, federated: true);
        if (study is null || problems.HasErrors) return null;
        CheckPolicy(study, problems);
        steward.Check(study, site.Section.Site, problems);
        // A person is asked only for what the policy would let through.
        if (!problems.HasErrors && steward.Waits(study)) problems.Add(Texts.Problem("policy-approval", Place.InFile(site.Path), site.Section.Site, study.Study.Study, study.Declared.Sha256[..12]));
        if (Source(study, problems) is not { } source || problems.HasErrors) return null;
        var found = new ProblemList();
        study.Data.Sections.CheckSource(source, site.Section.Site, Place.InFile(site.Path), found);
        var loader = new TableLoader(study.Contract, new LoadOptions { BaseFolder = site.Folder, Clean = study.Clean, Preprocess = study.Preprocess, Split = study.Split, ShowValues = false });
        var table = loader.Load(source, site.Section.Site, found, cancellationToken);
        problems.AddRange(found.Select(p => CheckedStudy.Stricter(p, session.Language)));
        if (table is null || problems.HasErrors) return null;
        var leastRows = Math.Max(site.Section.Policy.LeastRows, steward.MinimumRows ?? 0);
        if (table.Rows < leastRows)
        {
            problems.Add(Texts.Problem("policy-rows", Place.InFile(site.Path), site.Section.Site, leastRows));
            return null;
        }
        var warned = new ProblemList();
        PrivacyComposition.CheckRows(study, [table], warned);
        if (warned.Count > 0) ProblemPrinter.Print(session, warned);
        var seed = Seed.Of(study.Study.Seed);
        // The coordinator learns only that the update was not finite; the site's own people read which operation broke.
        var trainers = new Trainers(study, kernels) { WhenDiverged = where => session.Error.Line(where.Told(session)) };
        var records = new SiteRecords(study, table, seed, new EncodingCache(CachedBytes));
        ISiteWork work = new SimulatedSite(study, records, trainers, seed, NoiseStream.Secure); // real records: noise that nobody can repeat
        if (steward.Hours is { } hours) work = new WithinHours(work, hours, session.Time);
        return new SiteStudy(About([]), study.Study, work, new StudyModelSource(study, trainers, records, seed)) { DataSet = site.Section.DataFor(study.Study.Study)?.Name };
    }

    private void CheckPolicy(ComposedStudy study, ProblemList problems)
    {
        var (policy, name, place) = (site.Section.Policy, study.Study.Study, Place.InFile(site.Path));
        if (study.Study.Sites.All(s => s.Id != site.Section.Site)) problems.Add(Texts.Problem("site-not-in-study", place, site.Section.Site, name));
        if (policy.Studies.Count > 0 && !policy.Studies.Contains(name, StringComparer.Ordinal)) problems.Add(Texts.Problem("policy-study", place, site.Section.Site, name));
        foreach (var federation in study.Study.AllFederations.Where(f => f.Rounds > policy.Rounds))
            problems.Add(Texts.Problem("policy-rounds", place, site.Section.Site, policy.Rounds, federation.Id, federation.Rounds));
    }

    private SourceSection? Source(ComposedStudy study, ProblemList problems)
    {
        if (site.Section.DataFor(study.Study.Study) is { } data) return data.Source;
        problems.Add(Texts.Problem("site-has-no-data", Place.InFile(site.Path), site.Section.Site, study.Study.Study));
        return null;
    }

    private JoinResult About(ProblemList problems) => new(
        ToolVersion.Text, RuntimeInformation.ProcessArchitecture.ToString(), VectorWidth.Current, RuntimeInformation.FrameworkDescription,
        !site.Section.Policy.ReleaseLocalModel, [.. problems.Where(p => p.Severity == Severity.Error).Select(ToldProblem.Of)])
    { Studies = site.Section.Resources.Studies };
}
