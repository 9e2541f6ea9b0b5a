using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Comity.Declarations;

namespace Comity.Cli.Runs;

/// <summary>The folder that a run leaves behind. It belongs to one study, seed and choice of arms; nothing else is ever overwritten.</summary>
internal sealed class RunFolder
{
    /// <summary>Name of the file of training statistics.</summary>
    public const string StatisticsName = "statistics.json";

    /// <summary>Name of the folder of the sites' audit logs.</summary>
    public const string AuditOfSitesName = "audit";

    private const string MarkerName = "run.json";
    private const string Unfinished = ".unfinished";
    private const string ProbeName = ".probe" + Unfinished;

    private RunFolder(string path) => Root = path;

    /// <summary>The folder.</summary>
    public string Root { get; }

    /// <summary>State from which a stopped run continues; removed when the run is complete.</summary>
    public string State => Path.Combine(Root, "state");

    /// <summary>What belongs to the sites alone while the run lasts, such as control variates.</summary>
    private string Sites => Path.Combine(Root, "sites");

    public string Results => Path.Combine(Root, "results.json");

    public string Predictions => Path.Combine(Root, "predictions.csv");

    public string Report => Path.Combine(Root, "report.html");

    /// <summary>The coordinator's audit log.</summary>
    public string Audit => Path.Combine(Root, "audit.jsonl");

    /// <summary>The sites' audit logs.</summary>
    public string AuditOfSites => Path.Combine(Root, AuditOfSitesName);

    /// <summary>What the training records looked like, for releases of the run's models.</summary>
    public string Statistics => Path.Combine(Root, StatisticsName);

    public string Models => Path.Combine(Root, "models");

    /// <summary>Whether the run that the folder holds is complete: results are written last.</summary>
    public bool IsComplete => File.Exists(Results);

    /// <summary>Opens a new folder, or one that a run of the same study left unfinished.</summary>
    /// <param name="chosen">The folder asked for; null: <c>runs/&lt;study&gt;-&lt;seed&gt;</c> under the current directory, with a number behind it when taken.</param>
    /// <param name="marker">What runs here.</param>
    /// <param name="resume">Whether an unfinished run is to be continued.</param>
    /// <exception cref="StoppedException">Exit code 4 with the reason; nothing was written.</exception>
    public static RunFolder Open(string? chosen, RunMarker marker, bool resume)
    {
        var root = Path.GetFullPath(chosen ?? Default(marker, resume));
        var place = Place.InFile(root);
        if (File.Exists(root)) throw Refused("output-is-file", place);
        var folder = new RunFolder(root);
        // A process that was killed before it said what runs here has left no more than these.
        var taken = Directory.Exists(root) && Directory.EnumerateFileSystemEntries(root).Select(Path.GetFileName).Except([ProbeName, MarkerName + Unfinished]).Any();
        if (taken)
        {
            var found = ReadMarker(root) ?? throw Refused("output-not-empty", place);
            if (!resume) throw Refused(folder.IsComplete ? "output-complete" : "output-unfinished", place);
            if (found != marker) throw Refused("output-other-run", place, Describe(found), Describe(marker));
        }
        try
        {
            Directory.CreateDirectory(root);
            var probe = Path.Combine(root, ProbeName);
            File.WriteAllBytes(probe, [0]);
            File.Delete(probe);
            if (!taken) WriteMarker(root, marker);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Refused("output-unwritable", place, e.Message);
        }
        return folder;
    }

    /// <summary>Deletes the state, which a complete run no longer needs.</summary>
    public void RemoveState()
    {
        foreach (var path in new[] { State, Sites })
        {
            if (Directory.Exists(path)) Directory.Delete(path, recursive: true);
        }
    }

    private static string Default(RunMarker marker, bool resume)
    {
        var name = Path.Combine("runs", string.Create(CultureInfo.InvariantCulture, $"{FileName(marker.Study)}-{marker.Seed}"));
        var taken = new List<string>();
        for (var n = 1; ; n++)
        {
            var candidate = n == 1 ? name : string.Create(CultureInfo.InvariantCulture, $"{name}-{n}");
            if (!Directory.Exists(candidate)) return resume && taken.Count > 0 ? taken[^1] : candidate;
            taken.Add(candidate);
        }
    }

    private static string FileName(string study) =>
        string.Concat(study.Select(c => char.IsLetterOrDigit(c) || c is '-' or '_' or '.' ? c : '-')).Trim('.') is { Length: > 0 } name ? name : "study";

    private static RunMarker? ReadMarker(string root)
    {
        try
        {
            return JsonSerializer.Deserialize(File.ReadAllBytes(Path.Combine(root, MarkerName)), RunJson.Default.RunMarker);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException)
        {
            return null;
        }
    }

    private static void WriteMarker(string root, RunMarker marker)
    {
        var path = Path.Combine(root, MarkerName);
        File.WriteAllBytes(path + Unfinished, JsonSerializer.SerializeToUtf8Bytes(marker, RunJson.Default.RunMarker));
        File.Move(path + Unfinished, path);
    }

    private static string Describe(RunMarker marker) =>
        string.Create(CultureInfo.InvariantCulture, $"{marker.Study}, seed {marker.Seed}, {marker.StudySha256[..12]}, {marker.Arms}, {marker.VectorBits} bit, {marker.Version}");

    private static StoppedException Refused(string code, Place place, params object?[] arguments) =>
        new(ExitCode.Output, Texts.Problem(code, place, arguments));
}

/// <summary>What a run folder was opened for (<c>run.json</c>): a run continues only what is the same in all of these.</summary>
/// <param name="Study">The study's name.</param>
/// <param name="StudySha256">SHA-256 (hex) of the study file.</param>
/// <param name="DataSha256">SHA-256 (hex) over the sites' sources, so that a run never goes on with other records.</param>
/// <param name="Seed">Seed.</param>
/// <param name="Arms">Arms, comma-separated.</param>
/// <param name="VectorBits">Vector width, on which the bits depend.</param>
/// <param name="Version">Version of Comity.</param>
internal sealed record RunMarker(string Study, string StudySha256, string DataSha256, ulong Seed, string Arms, int VectorBits, string Version);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true)]
[JsonSerializable(typeof(RunMarker))]
internal sealed partial class RunJson : JsonSerializerContext;
