using System.Security.Cryptography;
using System.Text.Json;
using Comity.Transport.Protocol;

namespace Comity.Transport.Sites;

/// <summary>Studies that a site has left for good, as its state folder remembers them: nothing of them is done or sent any more, whatever the coordinator asks.</summary>
/// <remarks>The mark is written before anything else, so a process of the site that runs beside sees it with its next task.</remarks>
/// <param name="stateFolder">The site's state folder.</param>
public sealed class Withdrawals(string stateFolder)
{
    /// <summary>Ids of the studies that the site keeps something for, or has left.</summary>
    public IReadOnlyList<string> Known => [.. Names("studies", "*", Directory.EnumerateDirectories).Concat(Names("withdrawn", "*.json", Directory.EnumerateFiles).Select(n => n[..^".json".Length]))
        .Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];

    /// <summary>Whether a text can be the id of a study.</summary>
    public static bool IsStudy(string id) => StudySpool.IsId(id ?? throw new ArgumentNullException(nameof(id)));

    /// <summary>Whether the site has left a study.</summary>
    public bool Includes(string study) => File.Exists(PathOf(study));

    /// <summary>Leaves a study: marks it, and deletes what the site kept for it.</summary>
    /// <param name="study">Id of the study at the coordinator.</param>
    /// <param name="now">When.</param>
    /// <returns>What was deleted, written down in the mark too.</returns>
    /// <exception cref="InvalidDataException">The id is none.</exception>
    /// <exception cref="IOException">It could not be written down or deleted.</exception>
    public Withdrawal Leave(string study, DateTimeOffset now)
    {
        var folder = StudySpool.FolderOf(Path.Combine(stateFolder, "studies"), study);
        Update(study, marked => marked ?? new Withdrawal(study, now, 0, 0, null));
        var (files, bytes) = Delete(folder);
        return Update(study, marked => marked! with { Files = marked.Files + files, Bytes = marked.Bytes + bytes });
    }

    /// <summary>Writes down what the coordinator answered.</summary>
    /// <param name="study">Id of a study that the site has left.</param>
    /// <param name="told">The answer.</param>
    public Withdrawal Tell(string study, WithdrawalReply told) =>
        Update(study, marked => (marked ?? throw new InvalidOperationException($"The site has not left '{study}'.")) with { Told = told });

    /// <summary>What was written down of a study; null: the site has not left it.</summary>
    public Withdrawal? Recorded(string study) =>
        Includes(study) ? JsonSerializer.Deserialize<Withdrawal>(File.ReadAllBytes(PathOf(study)), WireJson.Options) : null;

    // Two processes of the site may leave at once, the command and the one that works: whoever moves the folder away deletes it.
    private (int Files, long Bytes) Delete(string folder)
    {
        var away = Path.Combine(stateFolder, "withdrawn", RandomNumberGenerator.GetHexString(32));
        try
        {
            Directory.Move(folder, away);
        }
        catch (DirectoryNotFoundException)
        {
            return (0, 0);
        }
        var files = Directory.EnumerateFiles(away, "*", SearchOption.AllDirectories).Select(f => new FileInfo(f).Length).ToList();
        Directory.Delete(away, recursive: true);
        return (files.Count, files.Sum());
    }

    // Under a lock that holds between processes: neither may write over what the other has just learnt.
    private Withdrawal Update(string study, Func<Withdrawal?, Withdrawal> change)
    {
        var path = PathOf(study);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        using var gate = Locked(path + ".lock");
        var changed = change(Recorded(study));
        File.WriteAllBytes(path + ".part", JsonSerializer.SerializeToUtf8Bytes(changed, WireJson.Options));
        File.Move(path + ".part", path, overwrite: true);
        return changed;
    }

    private static FileStream Locked(string path)
    {
        var wait = new SpinWait();
        for (var patience = 10_000; ; patience--)
        {
            try
            {
                return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (IOException) when (patience > 0 && File.Exists(path))
            {
                wait.SpinOnce(); // a millisecond, mostly: the other one writes a few hundred bytes
            }
        }
    }

    private IEnumerable<string> Names(string part, string pattern, Func<string, string, IEnumerable<string>> enumerate) =>
        Path.Combine(stateFolder, part) is var folder && Directory.Exists(folder) ? enumerate(folder, pattern).Select(p => Path.GetFileName(p)!) : [];

    private string PathOf(string study) => Path.Combine(stateFolder, "withdrawn", Path.GetFileName(StudySpool.FolderOf(stateFolder, study)) + ".json");
}

/// <summary>A study that a site has left.</summary>
/// <param name="Study">Its id at the coordinator.</param>
/// <param name="At">When.</param>
/// <param name="Files">Files that were deleted here.</param>
/// <param name="Bytes">Their bytes.</param>
/// <param name="Told">What the coordinator answered: what stays in models; null: it does not know yet.</param>
public sealed record Withdrawal(string Study, DateTimeOffset At, int Files, long Bytes, WithdrawalReply? Told);
