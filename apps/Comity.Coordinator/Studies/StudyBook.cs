using System.Data.Common;
using System.Globalization;
using System.Text.Json;
using Comity.Coordinator.Identity;
using Comity.Federation.Stores;
using Comity.Transport.Protocol;

namespace Comity.Coordinator.Studies;

/// <summary>A study as it is written down.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Study">Its name.</param>
/// <param name="Author">Who handed it in.</param>
/// <param name="Submitted">When.</param>
/// <param name="State">Where it stands.</param>
/// <param name="Submission">What was handed in.</param>
/// <param name="Joined">What each site said, by site, in JSON; null: not all have answered.</param>
/// <param name="Problems">Why it stopped.</param>
internal sealed record StudyEntry(
    string Id, string Study, string Author, DateTimeOffset Submitted, StudyState State, StudySubmission Submission,
    IReadOnlyDictionary<string, JoinResult>? Joined, IReadOnlyList<ToldProblem> Problems);

/// <summary>All studies of a coordinator. A commit survives the loss of power: there are few.</summary>
/// <param name="database">Where they are written down; the book's to dispose where it opened it.</param>
/// <param name="owned">Whether it is.</param>
internal sealed class StudyBook(StateDatabase database, bool owned) : IDisposable
{
    private const string Columns = "id, study, author, submitted, state, submission, joined, problems";

    // One that was released is never changed, only followed by another. The first also finds the tables of versions that wrote no number.
    private static readonly string[] Steps =
    [
        """
        CREATE TABLE IF NOT EXISTS studies (
            id TEXT PRIMARY KEY, study TEXT NOT NULL, author TEXT NOT NULL, submitted TEXT NOT NULL, state TEXT NOT NULL,
            submission TEXT NOT NULL, joined TEXT, problems TEXT NOT NULL);
        CREATE TABLE IF NOT EXISTS withdrawals (study TEXT, site TEXT, at TEXT NOT NULL, PRIMARY KEY (study, site));
        """,
    ];

    /// <summary>Opens a book in a SQLite file, or begins one.</summary>
    /// <exception cref="NewerStateException">A newer version of the software wrote it.</exception>
    public static StudyBook Open(string path)
    {
        var file = SqliteDatabase.Open(path, "PRAGMA synchronous=FULL; PRAGMA cache_size=-256;");
        try
        {
            if (file.Migrate(Steps) is var version && version > Steps.Length) throw new NewerStateException(version, Steps.Length);
        }
        catch
        {
            file.Dispose();
            throw;
        }
        return new(file, owned: true);
    }

    /// <summary>Writes a study down unless its id is there already; returns what is there.</summary>
    public StudyEntry Add(StudyEntry entry) => database.Atomically(() =>
    {
        database.Write($"INSERT INTO studies ({Columns}) VALUES (@a, @b, @c, @d, @e, @f, @g, @h) ON CONFLICT DO NOTHING", entry.Id, entry.Study, entry.Author,
            entry.Submitted.ToString("O", CultureInfo.InvariantCulture), entry.State.ToString(), JsonSerializer.Serialize(entry.Submission, WireJson.Options), JoinedOf(entry), ProblemsOf(entry));
        return database.Read($"SELECT {Columns} FROM studies WHERE id = @a", Entry, entry.Id)[0];
    });

    /// <summary>Writes down where a study stands.</summary>
    public void Update(StudyEntry entry) =>
        database.Write("UPDATE studies SET state = @b, joined = @c, problems = @d WHERE id = @a", entry.Id, entry.State.ToString(), JoinedOf(entry), ProblemsOf(entry));

    /// <summary>Writes down that a site has left a study; false: it stands there already.</summary>
    public bool Withdraw(string study, string site, DateTimeOffset at) =>
        database.Write("INSERT INTO withdrawals (study, site, at) VALUES (@a, @b, @c) ON CONFLICT DO NOTHING", study, site, at.ToString("O", CultureInfo.InvariantCulture)) > 0;

    /// <summary>Sites that have left a study.</summary>
    public IReadOnlyList<string> Withdrawn(string study) => database.Read("SELECT site FROM withdrawals WHERE study = @a ORDER BY site", r => r.GetString(0), study);

    /// <summary>All studies, oldest first.</summary>
    public IReadOnlyList<StudyEntry> All() => database.Read($"SELECT {Columns} FROM studies ORDER BY submitted, id", Entry);

    public void Dispose()
    {
        if (owned) database.Dispose();
    }

    private static StudyEntry Entry(DbDataReader row) => new(row.GetString(0), row.GetString(1), row.GetString(2),
        DateTimeOffset.Parse(row.GetString(3), CultureInfo.InvariantCulture), Enum.Parse<StudyState>(row.GetString(4)),
        Json<StudySubmission>(row.GetString(5)), row.IsDBNull(6) ? null : Json<Dictionary<string, JoinResult>>(row.GetString(6)), Json<List<ToldProblem>>(row.GetString(7)));

    private static string? JoinedOf(StudyEntry entry) => entry.Joined is null ? null : JsonSerializer.Serialize(entry.Joined, WireJson.Options);

    private static string ProblemsOf(StudyEntry entry) => JsonSerializer.Serialize(entry.Problems, WireJson.Options);

    private static T Json<T>(string text) => JsonSerializer.Deserialize<T>(text, WireJson.Options) ?? throw new JsonException("A column holds null.");
}
