using System.Globalization;
using System.Text.Json;
using Comity.Transport.Protocol;
using Microsoft.Data.Sqlite;

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

/// <summary>All studies of a coordinator in one SQLite file (WAL). A commit survives the loss of power: there are few.</summary>
internal sealed class StudyBook : IDisposable
{
    private readonly Lock _gate = new();
    private readonly SqliteConnection _connection;

    public StudyBook(string path)
    {
        _connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Pooling = false }.ToString());
        _connection.Open();
        Execute("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-256;");
        Execute("""
            CREATE TABLE IF NOT EXISTS studies (
                id TEXT PRIMARY KEY, study TEXT NOT NULL, author TEXT NOT NULL, submitted TEXT NOT NULL, state TEXT NOT NULL,
                submission TEXT NOT NULL, joined TEXT, problems TEXT NOT NULL);
            CREATE TABLE IF NOT EXISTS withdrawals (study TEXT, site TEXT, at TEXT NOT NULL, PRIMARY KEY (study, site));
            """);
    }

    /// <summary>Writes a study down unless its id is there already; returns what is there.</summary>
    public StudyEntry Add(StudyEntry entry)
    {
        lock (_gate)
        {
            if (Find(entry.Id) is { } earlier) return earlier;
            Write("INSERT INTO studies VALUES ($id, $study, $author, $submitted, $state, $submission, $joined, $problems)", entry);
            return entry;
        }
    }

    /// <summary>Writes down where a study stands.</summary>
    public void Update(StudyEntry entry)
    {
        lock (_gate) Write("UPDATE studies SET state = $state, joined = $joined, problems = $problems WHERE id = $id", entry);
    }

    /// <summary>Writes down that a site has left a study; false: it stands there already.</summary>
    public bool Withdraw(string study, string site, DateTimeOffset at)
    {
        lock (_gate)
        {
            using var command = _connection.CreateCommand();
            command.CommandText = "INSERT OR IGNORE INTO withdrawals VALUES ($study, $site, $at)";
            command.Parameters.AddWithValue("$study", study);
            command.Parameters.AddWithValue("$site", site);
            command.Parameters.AddWithValue("$at", at.ToString("O", CultureInfo.InvariantCulture));
            return command.ExecuteNonQuery() > 0;
        }
    }

    /// <summary>Sites that have left a study.</summary>
    public IReadOnlyList<string> Withdrawn(string study)
    {
        lock (_gate)
        {
            using var command = _connection.CreateCommand();
            command.CommandText = "SELECT site FROM withdrawals WHERE study = $study ORDER BY site";
            command.Parameters.AddWithValue("$study", study);
            using var reader = command.ExecuteReader();
            var sites = new List<string>();
            while (reader.Read()) sites.Add(reader.GetString(0));
            return sites;
        }
    }

    /// <summary>All studies, oldest first.</summary>
    public IReadOnlyList<StudyEntry> All()
    {
        lock (_gate) return Read("SELECT * FROM studies ORDER BY submitted, id", null);
    }

    public void Dispose()
    {
        lock (_gate) _connection.Dispose();
    }

    private StudyEntry? Find(string id) => Read("SELECT * FROM studies WHERE id = $id", id).FirstOrDefault();

    private List<StudyEntry> Read(string sql, string? id)
    {
        using var command = _connection.CreateCommand();
        command.CommandText = sql;
        if (id is not null) command.Parameters.AddWithValue("$id", id);
        using var reader = command.ExecuteReader();
        var entries = new List<StudyEntry>();
        while (reader.Read())
        {
            entries.Add(new(reader.GetString(0), reader.GetString(1), reader.GetString(2),
                DateTimeOffset.Parse(reader.GetString(3), CultureInfo.InvariantCulture), Enum.Parse<StudyState>(reader.GetString(4)),
                Json<StudySubmission>(reader.GetString(5)), reader.IsDBNull(6) ? null : Json<Dictionary<string, JoinResult>>(reader.GetString(6)), Json<List<ToldProblem>>(reader.GetString(7))));
        }
        return entries;
    }

    private void Write(string sql, StudyEntry entry)
    {
        using var command = _connection.CreateCommand();
        command.CommandText = sql;
        command.Parameters.AddWithValue("$id", entry.Id);
        command.Parameters.AddWithValue("$study", entry.Study);
        command.Parameters.AddWithValue("$author", entry.Author);
        command.Parameters.AddWithValue("$submitted", entry.Submitted.ToString("O", CultureInfo.InvariantCulture));
        command.Parameters.AddWithValue("$state", entry.State.ToString());
        command.Parameters.AddWithValue("$submission", JsonSerializer.Serialize(entry.Submission, WireJson.Options));
        command.Parameters.AddWithValue("$joined", entry.Joined is null ? DBNull.Value : JsonSerializer.Serialize(entry.Joined, WireJson.Options));
        command.Parameters.AddWithValue("$problems", JsonSerializer.Serialize(entry.Problems, WireJson.Options));
        command.ExecuteNonQuery();
    }

    private void Execute(string sql)
    {
        using var command = _connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }

    private static T Json<T>(string text) => JsonSerializer.Deserialize<T>(text, WireJson.Options) ?? throw new JsonException("A column holds null.");
}
