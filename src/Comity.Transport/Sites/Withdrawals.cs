using System.Text.Json;
using Comity.Transport.Protocol;

namespace Comity.Transport.Sites;

/// <summary>Studies that a site has left for good, as its state folder remembers them: nothing of them is done or sent any more, whatever the coordinator asks.</summary>
/// <remarks>The mark is written before anything else, so a process of the site that runs beside sees it with its next task.</remarks>
/// <param name="stateFolder">The site's state folder.</param>
public sealed class Withdrawals(string stateFolder)
{
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
        var withdrawal = Recorded(study) ?? new Withdrawal(study, now, 0, 0, null);
        Record(withdrawal);
        if (!Directory.Exists(folder)) return withdrawal;
        var files = Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).Select(f => new FileInfo(f).Length).ToList();
        Directory.Delete(folder, recursive: true);
        withdrawal = withdrawal with { Files = withdrawal.Files + files.Count, Bytes = withdrawal.Bytes + files.Sum() };
        Record(withdrawal);
        return withdrawal;
    }

    /// <summary>Writes down what the coordinator answered.</summary>
    public void Record(Withdrawal withdrawal)
    {
        ArgumentNullException.ThrowIfNull(withdrawal);
        var path = PathOf(withdrawal.Study);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllBytes(path + ".part", JsonSerializer.SerializeToUtf8Bytes(withdrawal, WireJson.Options));
        File.Move(path + ".part", path, overwrite: true);
    }

    /// <summary>What was written down of a study; null: the site has not left it.</summary>
    public Withdrawal? Recorded(string study) =>
        Includes(study) ? JsonSerializer.Deserialize<Withdrawal>(File.ReadAllBytes(PathOf(study)), WireJson.Options) : null;

    private string PathOf(string study) => Path.Combine(stateFolder, "withdrawn", Path.GetFileName(StudySpool.FolderOf(stateFolder, study)) + ".json");
}

/// <summary>A study that a site has left.</summary>
/// <param name="Study">Its id at the coordinator.</param>
/// <param name="At">When.</param>
/// <param name="Files">Files that were deleted here.</param>
/// <param name="Bytes">Their bytes.</param>
/// <param name="Told">What the coordinator answered: what stays in models; null: it does not know yet.</param>
public sealed record Withdrawal(string Study, DateTimeOffset At, int Files, long Bytes, WithdrawalReply? Told);
