using System.Text.Json;
using Comity.Declarations;
using Comity.Federation.Results;

namespace Comity.Insight.Results;

/// <summary><c>results.json</c>: everything a study found, versioned, in a documented form (<see cref="ResultsSchema"/>).</summary>
public static class ResultsFile
{
    /// <summary>Newest format that this version reads and the one that it writes.</summary>
    public const int FormatVersion = 1;

    /// <summary>Writes the results, whole or not at all. Equal results give equal bytes.</summary>
    /// <exception cref="IOException">The folder is missing or can't be written.</exception>
    public static void Write(string path, StudyResults results)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentNullException.ThrowIfNull(results);
        AtomicFile.Write(path, stream =>
        {
            JsonSerializer.Serialize(stream, results, ResultsJson.Options);
            stream.WriteByte((byte)'\n');
        });
    }

    /// <summary>Reads results, or says why that can't be done.</summary>
    /// <param name="path">The file.</param>
    /// <param name="problems">Takes what is wrong: no such file, not JSON, a newer format, something missing.</param>
    /// <returns>The results; null when there was an error.</returns>
    public static StudyResults? Read(string path, ProblemList problems)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentNullException.ThrowIfNull(problems);
        byte[] bytes;
        try
        {
            bytes = File.ReadAllBytes(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            problems.Add(Messages.Problem("results-unreadable", Place.InFile(path), e.Message));
            return null;
        }

        try
        {
            // The version is looked at first: what a newer format requires can't be judged by this one's rules.
            if (!VersionIsKnown(bytes, path, problems)) return null;
            return JsonSerializer.Deserialize<StudyResults>(bytes, ResultsJson.Options)
                ?? throw new JsonException("The file holds null.");
        }
        catch (JsonException e)
        {
            var place = new Place(path, (int)(e.LineNumber ?? -1) + 1, (int)(e.BytePositionInLine ?? -1) + 1, e.Path ?? "");
            problems.Add(Messages.Problem("results-malformed", place, e.Message));
            return null;
        }
    }

    /// <summary>Reads results.</summary>
    /// <exception cref="InvalidDeclarationException">They can't be read; the problems say why.</exception>
    public static StudyResults Read(string path)
    {
        var problems = new ProblemList();
        return Read(path, problems) ?? throw new InvalidDeclarationException(problems);
    }

    private static bool VersionIsKnown(byte[] bytes, string path, ProblemList problems)
    {
        using var document = JsonDocument.Parse(bytes);
        if (document.RootElement.ValueKind == JsonValueKind.Object
            && document.RootElement.TryGetProperty("formatVersion", out var version)
            && version.TryGetInt32(out var found) && found >= 1)
        {
            if (found <= FormatVersion) return true;
            problems.Add(Messages.Problem("results-newer", new Place(path, 0, 0, "formatVersion"), found, FormatVersion));
        }
        else
        {
            problems.Add(Messages.Problem("results-not-results", Place.InFile(path)));
        }
        return false;
    }
}
