using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Comity.Cli.Composition;
using Comity.Cli.Runs;
using Comity.Federation.Studies;
using Comity.Workers;

namespace Comity.Cli.Spreading;

/// <summary>What a study is to a worker.</summary>
internal static class RunDescriptions
{
    public static string Architecture => RuntimeInformation.ProcessArchitecture.ToString();

    public static RunDescription Of(CheckedStudy study) => new()
    {
        Study = study.Study.Study.Study,
        StudyFile = Path.GetFullPath(study.Study.Declared.File),
        StudySha256 = study.Study.Declared.Sha256,
        RecordsSha256 = RecordsOf(study),
        Seed = study.Study.Study.Seed,
        Arms = [.. study.Study.Study.Arms.Select(a => JsonNamingPolicy.KebabCaseLower.ConvertName(a.ToString()))],
        VectorBits = VectorWidth.Current,
        Architecture = Architecture,
        Version = ToolVersion.Text,
    };

    /// <summary>The arms of a description.</summary>
    public static IReadOnlyList<Arm> Arms(RunDescription run) => [.. run.Arms.Select(name => Enum.GetValues<Arm>().Single(a => JsonNamingPolicy.KebabCaseLower.ConvertName(a.ToString()) == name))];

    /// <summary>SHA-256 (hex) over all records as they were read, and the given models that a study starts from.</summary>
    public static string RecordsOf(CheckedStudy study)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Encoding.UTF8.GetBytes(SiteTables.Digest(study.Tables)));
        foreach (var path in study.Study.Study.Combined.SelectMany(c => c.From).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal))
        {
            var file = Path.Combine(study.Study.Declared.Folder, path);
            if (File.Exists(file)) hash.AppendData(SHA256.HashData(File.ReadAllBytes(file)));
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
