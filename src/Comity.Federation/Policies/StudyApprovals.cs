using System.Globalization;
using System.Text.Json;

namespace Comity.Federation.Policies;

/// <summary>Studies that wait for a person at a site, and those that a person approved. An approval is for the bytes of one study file: a changed study waits anew.</summary>
/// <remarks>
/// <code>
/// STATE/approvals/SHA256.yaml   the study as it asked
///                 SHA256.json   who approved it, and when
/// </code>
/// </remarks>
/// <param name="stateFolder">The site's state.</param>
public sealed class StudyApprovals(string stateFolder)
{
    private readonly string _folder = Path.Combine(stateFolder, "approvals");

    /// <summary>Keeps a study that asks, for a person to look at.</summary>
    public void Ask(string sha256, string studyFile)
    {
        Directory.CreateDirectory(_folder);
        if (!File.Exists(FileOf(sha256))) File.Copy(studyFile, FileOf(sha256), overwrite: true);
    }

    /// <summary>Whether a person approved it.</summary>
    public bool IsApproved(string sha256) => File.Exists(ApprovalOf(sha256));

    /// <summary>Approves a study that asked.</summary>
    /// <param name="sha256">The study.</param>
    /// <param name="by">Who.</param>
    /// <param name="now">When.</param>
    public void Approve(string sha256, string by, DateTimeOffset now)
    {
        Directory.CreateDirectory(_folder);
        var draft = ApprovalOf(sha256) + ".new";
        using (var file = new FileStream(draft, FileMode.Create, FileAccess.Write))
        {
            JsonSerializer.Serialize(file, new { sha256, by, at = now.ToString("O", CultureInfo.InvariantCulture) });
            file.Flush(flushToDisk: true);
        }
        File.Move(draft, ApprovalOf(sha256), overwrite: true);
    }

    /// <summary>Takes an approval back: from the next task on the study is refused.</summary>
    /// <returns>Whether there was one.</returns>
    public bool Withdraw(string sha256)
    {
        var had = IsApproved(sha256);
        File.Delete(ApprovalOf(sha256));
        return had;
    }

    /// <summary>Studies that asked: digest and file.</summary>
    public IReadOnlyList<(string Sha256, string File)> All() => !Directory.Exists(_folder) ? []
        : [.. Directory.EnumerateFiles(_folder, "*.yaml").Order(StringComparer.Ordinal).Select(f => (Path.GetFileNameWithoutExtension(f), f))];

    private string FileOf(string sha256) => Path.Combine(_folder, Checked(sha256) + ".yaml");

    private string ApprovalOf(string sha256) => Path.Combine(_folder, Checked(sha256) + ".json");

    private static string Checked(string sha256) => sha256 is { Length: 64 } && sha256.All(char.IsAsciiHexDigitLower) ? sha256 : throw new ArgumentException($"'{sha256}' is no digest.", nameof(sha256));
}
