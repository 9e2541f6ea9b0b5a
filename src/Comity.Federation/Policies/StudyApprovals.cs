using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Comity.Federation.Policies;

/// <summary>Studies that wait for a person at a site, and those that a person approved. An approval is for the bytes of one study file: a changed study waits anew.
/// The site's key signs it, so that who can only write into the folder approves nothing.</summary>
/// <remarks>
/// <code>
/// STATE/approvals/SHA256.yaml   the study as it asked
///                 SHA256.json   who approved it, when, and the signature of the site's key over all three
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

    /// <summary>Whether a person approved it, under the signature of the site's key.</summary>
    /// <param name="sha256">The study.</param>
    /// <param name="key">The site's key; its public half is enough.</param>
    public bool IsApproved(string sha256, ECDsa key) => SignedAct.Read<Approval>(ApprovalOf(sha256), key)?.Sha256 == sha256;

    /// <summary>Approves a study that asked.</summary>
    /// <param name="sha256">The study.</param>
    /// <param name="by">Who.</param>
    /// <param name="now">When.</param>
    /// <param name="key">The site's key.</param>
    public void Approve(string sha256, string by, DateTimeOffset now, ECDsa key)
    {
        var approval = new Approval(Checked(sha256), by, now.ToString("O", CultureInfo.InvariantCulture), "");
        SignedAct.Write(ApprovalOf(sha256), approval with { Signature = SignedAct.Sign(approval, key) });
    }

    /// <summary>Takes an approval back: from the next task on the study is refused.</summary>
    /// <returns>Whether there was one.</returns>
    public bool Withdraw(string sha256)
    {
        var had = File.Exists(ApprovalOf(sha256));
        File.Delete(ApprovalOf(sha256));
        return had;
    }

    /// <summary>Studies that asked: digest and file.</summary>
    public IReadOnlyList<(string Sha256, string File)> All() => !Directory.Exists(_folder) ? []
        : [.. Directory.EnumerateFiles(_folder, "*.yaml").Order(StringComparer.Ordinal).Select(f => (Path.GetFileNameWithoutExtension(f), f))];

    private string FileOf(string sha256) => Path.Combine(_folder, Checked(sha256) + ".yaml");

    private string ApprovalOf(string sha256) => Path.Combine(_folder, Checked(sha256) + ".json");

    private static string Checked(string sha256) => sha256 is { Length: 64 } && sha256.All(char.IsAsciiHexDigitLower) ? sha256 : throw new ArgumentException($"'{sha256}' is no digest.", nameof(sha256));

    private sealed record Approval(string Sha256, string By, string At, string Signature) : ISignedAct
    {
        public byte[] Signed() => Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"comity study approval 1\n{Sha256}\n{By?.Length}:{By}\n{At}\n"));
    }
}
