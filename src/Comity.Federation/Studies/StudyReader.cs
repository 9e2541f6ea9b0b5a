using System.Security.Cryptography;
using Comity.Declarations;
using Comity.Federation.Searches;

namespace Comity.Federation.Studies;

/// <summary>A study as it was read.</summary>
/// <param name="Section">Its content.</param>
/// <param name="Root">The file's root, with the places of all keys.</param>
/// <param name="File">Full path of the file.</param>
/// <param name="Folder">Its folder: relative paths start here.</param>
/// <param name="Sha256">SHA-256 (hex) of the file's bytes.</param>
public sealed record DeclaredStudy(StudySection Section, DeclaredNode.Map Root, string File, string Folder, string Sha256);

/// <summary>Reads a study file and checks all that this room owns.</summary>
public static class StudyReader
{
    /// <summary>Name of the file within a study's folder.</summary>
    public const string FileName = "study.yaml";

    /// <summary>Reads a file, or the <c>study.yaml</c> of a folder. Null: it could not be read; see <paramref name="problems"/> in any case.</summary>
    public static DeclaredStudy? Read(string path, ProblemList problems)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentNullException.ThrowIfNull(problems);
        if (Directory.Exists(path)) path = Path.Combine(path, FileName);
        if (DeclaredFile.Read(path, problems) is not { } root) return null;
        var section = Bind(root, problems);
        if (section is null || Incomplete(section)) return null;
        var file = Path.GetFullPath(path);
        return new DeclaredStudy(section, root, file, Path.GetDirectoryName(file)!, Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(file))));
    }

    internal static StudySection? Bind(DeclaredNode.Map root, ProblemList problems)
    {
        var section = SectionReader.Read<StudySection>(root, problems);
        if (section is null) return null;
        StudyChecks.CheckIds(section, root, problems);
        return section with
        {
            Federation = section.Federation is null ? null : WithSettings(section.Federation, root["federation"], problems),
            Federations = [.. section.Federations.Select((f, i) => WithSettings(f, root["federations"] is DeclaredNode.List list ? list.Items[i] : root["federations"], problems))],
        };
    }

    private static FederationSection WithSettings(FederationSection federation, DeclaredNode? at, ProblemList problems) =>
        federation.Search is { } search && at is DeclaredNode.Map map ? federation with { Bound = FederationSetting.Bind(search, map, problems) } : federation;

    // The reader binds what it can and leaves a missing required key at null, which no caller should meet.
    private static bool Incomplete(StudySection s) =>
        (object?)s.Study is null || (object?)s.Contract is null || (object?)s.Model is null || !PartiesAreNamed(s);

    /// <summary>Whether markets and sites are there, each with its id.</summary>
    internal static bool PartiesAreNamed(StudySection s) =>
        (object?)s.Markets is not null && (object?)s.Sites is not null
        && s.Markets.All(m => (object?)m.Id is not null) && s.Sites.All(x => (object?)x.Id is not null && (object?)x.Market is not null);
}
