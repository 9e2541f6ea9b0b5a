using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.RegularExpressions;
using Comity.Data.Sources;
using Comity.Declarations;
using Comity.Transport.Identity;

namespace Comity.Cli.Sites;

/// <summary><c>site.yaml</c>: what a data owner's machine knows and nobody else does: where the records lie, and what its owner allows.</summary>
[Doc("A data owner's site: where its records lie, and what its owner allows. It never leaves the site.")]
internal sealed partial record SiteFile : ICheckedDeclaration
{
    /// <summary>Name of the site in the federation and in studies.</summary>
    [Doc("Name of the site, as studies list it.")]
    public required string Site { get; init; }

    /// <summary>Folder of key, certificate and state, relative to the file.</summary>
    [Doc("Folder of the site's key, certificate and state, relative to this file; default site-state.")]
    public string State { get; init; } = "site-state";

    /// <summary>Where records lie: one source, or several for several studies.</summary>
    [Doc("Where the site's records lie: one source, or several, each for some studies."), AtLeast(1)]
    public required IReadOnlyList<SiteData> Data { get; init; }

    /// <summary>What the owner allows.</summary>
    [Doc("What the site's owner allows; a study that asks for more is refused here, before anything is read.")]
    public SitePolicy Policy { get; init; } = new();

    /// <summary>The steward's policy, relative to the file; null: policy.yaml beside it, where there is one.</summary>
    [Doc("The steward's policy, relative to this file; default policy.yaml beside it, where there is one.")]
    public string? PolicyFile { get; init; }

    /// <summary>Fingerprints of other sites' keys, by site, that people compared.</summary>
    [Doc("Fingerprints of other sites' keys, by site, compared with their people by phone. Studies against a coordinator that may lie (secureAggregation with adversary: lying-coordinator) need those of all their sites.")]
    public IReadOnlyDictionary<string, DeclaredNode> Partners { get; init; } = new Dictionary<string, DeclaredNode>();

    /// <summary>What the machine has to give.</summary>
    [Doc("What the machine has to give to studies.")]
    public SiteResources Resources { get; init; } = new();

    /// <summary>Where a proxy ends TLS.</summary>
    [Doc("Only where a proxy on this site's way out ends TLS.")]
    public SiteTls? Tls { get; init; }

    /// <inheritdoc/>
    public void Check(DeclaredNode.Map at, ProblemList problems)
    {
        if (!NamePattern().IsMatch(Site)) problems.Add(Texts.Problem("site-name", at["site"]!.Place, Site));
        if (State.Length == 0) problems.Add(Texts.Problem("site-state-empty", at["state"]!.Place));
        foreach (var (partner, node) in Partners.Where(p => Fingerprint(p.Value) is null)) problems.Add(Texts.Problem("site-partner", node.Place, partner));
        foreach (var twice in Data.SelectMany(d => d.Studies.DefaultIfEmpty("*")).GroupBy(s => s, StringComparer.Ordinal).Where(g => g.Count() > 1))
            problems.Add(Texts.Problem("site-data-twice", at["data"]!.Place, twice.Key));
    }

    /// <summary><see cref="Partners"/>, read.</summary>
    public IReadOnlyDictionary<string, KeyFingerprint> PartnerKeys() => Partners.ToDictionary(p => p.Key, p => Fingerprint(p.Value) ?? default, StringComparer.Ordinal);

    private static KeyFingerprint? Fingerprint(DeclaredNode node) => node is DeclaredNode.Scalar { Text: var text } && KeyFingerprint.TryParse(text, out var fingerprint) ? fingerprint : null;

    /// <summary>The source for a study: the one that names it, else the one that names none.</summary>
    public SiteData? DataFor(string study) =>
        Data.FirstOrDefault(d => d.Studies.Contains(study, StringComparer.Ordinal)) ?? Data.FirstOrDefault(d => d.Studies.Count == 0);

    [GeneratedRegex(@"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}\z", RegexOptions.CultureInvariant)]
    private static partial Regex NamePattern();
}

/// <summary>One place of records.</summary>
[Doc("One place of records, and the studies that it is for.")]
internal sealed record SiteData
{
    /// <summary>Studies that it is for; empty: each that no other entry names.</summary>
    [Doc("Names of the studies that it is for; without them, every study that no other entry names.")]
    public IReadOnlyList<string> Studies { get; init; } = [];

    /// <summary>The name of the data set, under which lifetime budgets of privacy are kept; null: the site's name.</summary>
    [Doc("Name of the data set, under which its lifetime budget of privacy is kept; the site's name by default. Another name for the same records would refill their budget.")]
    public string? Name { get; init; }

    /// <summary>Where the records lie; relative paths start from the file's folder, secrets by <c>${ENV}</c>.</summary>
    [Doc("Where the records lie; ${NAME} stands for an environment variable, which is where a password belongs.")]
    public required SourceSection Source { get; init; }
}

/// <summary>What a data owner allows. A limit that is not set allows everything that the gate allows.</summary>
[Doc("What the site's owner allows.")]
internal sealed record SitePolicy
{
    /// <summary>Studies that the site takes part in; empty: any.</summary>
    [Doc("Names of the studies that the site takes part in; without them, any.")]
    public IReadOnlyList<string> Studies { get; init; } = [];

    /// <summary>Most rounds of one federation.</summary>
    [Doc("Most rounds of one federation."), Within(1, 1_000_000)]
    public int? Rounds { get; init; }

    /// <summary>Fewest training rows with which the site takes part: an update of a few rows tells of them.</summary>
    [Doc("Fewest rows with which the site takes part; default 20."), Within(1, int.MaxValue)]
    public int LeastRows { get; init; } = 20;

    /// <summary>Whether the loss of each epoch may be seen by who watches the study.</summary>
    [Doc("Whether the loss of each epoch of what the site trains alone may be seen by those who watch the study or read its results; default false.")]
    public bool ShowLoss { get; init; }

    /// <summary>Whether the site's own model may leave it, for the partner arm.</summary>
    [Doc("Whether the site's own model may leave it, which the partner arm needs; default false.")]
    public bool ReleaseLocalModel { get; init; }
}

/// <summary>What a machine has to give.</summary>
[Doc("What the machine has to give to studies.")]
internal sealed record SiteResources
{
    /// <summary>Studies that it works on at once.</summary>
    [Doc("Studies that the site works on at once; others wait; default 1."), Within(1, 64)]
    public int Studies { get; init; } = 1;

    /// <summary>Largest disk space of the state folder, in GiB.</summary>
    [Doc("Most disk space that the state folder may take, in GiB; default 20."), Within(0, 1_000_000, AboveLow = true)]
    public double DiskGiB { get; init; } = 20;
}

/// <summary>A proxy at this site that ends TLS: the coordinator then proves itself by a signature.</summary>
[Doc("A proxy on this site's way out that ends TLS; the coordinator then proves itself by a signature.")]
internal sealed record SiteTls
{
    /// <summary>PEM file of the certificates that the proxy's chain ends in.</summary>
    [Doc("PEM file of the authority that issued the proxy's certificate, relative to this file.")]
    public required string Roots { get; init; }
}

/// <summary>A site file that was read, with the folder that its paths start from.</summary>
/// <param name="Section">What it says.</param>
/// <param name="Path">The file, absolute.</param>
/// <param name="Roots">Certificates of a proxy that ends TLS; null: none.</param>
internal sealed record DeclaredSite(SiteFile Section, string Path, X509Certificate2Collection? Roots)
{
    public string Folder => System.IO.Path.GetDirectoryName(Path)!;

    public string StateFolder => System.IO.Path.GetFullPath(System.IO.Path.Combine(Folder, Section.State));

    /// <summary>Reads a site file.</summary>
    /// <exception cref="StoppedException">Exit code 3, with every problem.</exception>
    public static DeclaredSite Read(string path)
    {
        var problems = new ProblemList();
        var section = DeclaredFile.Read(path, problems) is { } root ? SectionReader.Read<SiteFile>(root, problems) : null;
        X509Certificate2Collection? roots = null;
        if (section?.Tls is { Roots: { Length: > 0 } file })
        {
            var pem = System.IO.Path.Combine(System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(path))!, file);
            roots = [];
            try
            {
                roots.ImportFromPemFile(pem);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or CryptographicException)
            {
                problems.Add(Texts.Problem("site-roots-unreadable", Place.InFile(pem), e.Message));
            }
            if (roots.Count == 0 && !problems.HasErrors) problems.Add(Texts.Problem("site-roots-unreadable", Place.InFile(pem), "-"));
        }
        if (problems.HasErrors || section is null) throw new StoppedException(ExitCode.InvalidStudy, problems);
        return new(section, System.IO.Path.GetFullPath(path), roots);
    }
}
