using System.Security.Cryptography;
using Comity.Cli.Commands;
using Comity.Cli.Composition;
using Comity.Declarations;
using Comity.Federation.Policies;

namespace Comity.Cli.Sites;

/// <summary>A site's <c>policy.yaml</c> at work: judges studies that ask, keeps those that wait for a person.</summary>
internal sealed class Steward
{
    private readonly DeclaredPolicy? _policy;

    private readonly ECDsa _key;

    private Steward(DeclaredSite site, DeclaredPolicy? policy, ECDsa key) => (_policy, _key, Approvals) = (policy, key, new StudyApprovals(site.StateFolder));

    /// <summary>Studies that a person approved, or is to look at.</summary>
    public StudyApprovals Approvals { get; }

    /// <summary>Hours of work; null: any.</summary>
    public WorkingHours? Hours => _policy?.Section.Hours;

    /// <summary>The policy as audit logs name it.</summary>
    public string Rule => _policy?.Rule ?? "site.yaml";

    /// <summary>Reads the policy beside the site's file.</summary>
    /// <exception cref="StoppedException">Exit code 3: it contradicts itself, or can't be read. A site without its policy would allow everything.</exception>
    /// <param name="site">The site.</param>
    /// <param name="key">The site's key, which signs approvals.</param>
    public static Steward Of(DeclaredSite site, ECDsa key)
    {
        var problems = new ProblemList();
        var path = Path.Combine(site.Folder, site.Section.PolicyFile ?? StewardPolicy.FileName);
        // One that is named must be there; without it the site would allow everything.
        var policy = site.Section.PolicyFile is null && !File.Exists(path) ? null : StewardPolicy.Read(path, problems);
        return problems.HasErrors ? throw new StoppedException(ExitCode.InvalidStudy, problems) : new Steward(site, policy, key);
    }

    /// <summary>What the policy does not allow.</summary>
    public void Check(ComposedStudy study, string site, ProblemList problems)
    {
        if (_policy is null) return;
        StewardChecks.Check(_policy, Asked(study, site), PolicyFiles.Load(null, [], problems), problems);
    }

    /// <summary>Whether a person has to approve the study and has not; it is then kept for them.</summary>
    public bool Waits(ComposedStudy study)
    {
        if (_policy is not { Section.Approval: true } || Approvals.IsApproved(study.Declared.Sha256, _key)) return false;
        Approvals.Ask(study.Declared.Sha256, study.Declared.File);
        return true;
    }

    /// <summary>Whether the site has too few rows for its policy.</summary>
    public int? MinimumRows => _policy?.Section.MinimumRows;

    /// <summary>A study as policies look at it.</summary>
    public static AskedStudy Asked(ComposedStudy study, string site) => new(site, study.Study, study.Declared.Sha256, KindOf(study.Study.Model), study.Data.Sections.ReadColumns);

    private static string KindOf(DeclaredNode model) => model switch
    {
        DeclaredNode.Scalar bare => bare.Text,
        DeclaredNode.Map map when map["kind"] is DeclaredNode.Scalar kind => kind.Text,
        _ => "",
    };
}
