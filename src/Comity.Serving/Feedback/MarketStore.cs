using System.Runtime.InteropServices;
using System.Text.Json;
using System.Threading.Channels;
using Comity.Serving.Drift;
using Microsoft.Data.Sqlite;

namespace Comity.Serving.Feedback;

/// <summary>What a market keeps of its model: feedback and counted windows, in one SQLite file that replicas on a machine share.</summary>
/// <remarks>
/// One writer takes everything that waits into one transaction with one fsync (WAL, <c>synchronous=FULL</c>); only then is any of it acknowledged. So what
/// was acknowledged survives the loss of power, and many writers cost little more than one. An answer's key and the digest of what was said are the
/// primary key: whatever is sent again is stored once.
/// </remarks>
public sealed class MarketStore : IAsyncDisposable
{
    /// <summary>Name of the file in a market's folder.</summary>
    public const string FileName = "market.sqlite";

    private const int LargestGroup = 2048;
    private static readonly JsonSerializerOptions Json = new() { PropertyNamingPolicy = JsonNamingPolicy.CamelCase };

    private readonly Channel<Write> _writes = Channel.CreateBounded<Write>(new BoundedChannelOptions(16 * 1024) { SingleReader = true });
    private readonly SqliteConnection _connection;
    private readonly TimeProvider _time;
    private readonly Task _writer;

    private MarketStore(SqliteConnection connection, TimeProvider time)
    {
        (_connection, _time) = (connection, time);
        _writer = Task.Run(WriteAllAsync);
    }

    /// <summary>Commits so far, each with one fsync.</summary>
    public long Commits { get; private set; }

    /// <summary>Opens a market's folder, or begins it.</summary>
    /// <exception cref="SqliteException">The file can't be used.</exception>
    public static MarketStore Open(string folder, TimeProvider time)
    {
        Directory.CreateDirectory(folder);
        var connection = Connect(folder, SqliteOpenMode.ReadWriteCreate);
        using var command = connection.CreateCommand();
        command.CommandText = """
            PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;
            CREATE TABLE IF NOT EXISTS feedback (
              sequence INTEGER PRIMARY KEY AUTOINCREMENT, answer TEXT NOT NULL, digest TEXT NOT NULL, model TEXT NOT NULL, version TEXT NOT NULL,
              answered INTEGER NOT NULL, received INTEGER NOT NULL, groups TEXT NOT NULL, outputs BLOB NOT NULL, label TEXT, rating INTEGER, comment TEXT,
              UNIQUE (answer, digest));
            CREATE TABLE IF NOT EXISTS erased (answer TEXT PRIMARY KEY) WITHOUT ROWID;
            CREATE TABLE IF NOT EXISTS windows (sequence INTEGER PRIMARY KEY AUTOINCREMENT, model TEXT NOT NULL, version TEXT NOT NULL, ended INTEGER NOT NULL, json TEXT NOT NULL);
            CREATE INDEX IF NOT EXISTS feedback_received ON feedback (received);
            """;
        command.ExecuteNonQuery();
        return new MarketStore(connection, time);
    }

    /// <summary>Stores feedback. Completes when it will survive the loss of power.</summary>
    /// <returns>How many entries were new; those said before, or of an answer that was erased, are not stored again.</returns>
    public async ValueTask<int> AddAsync(IReadOnlyList<FeedbackEntry> entries, CancellationToken cancellationToken = default)
    {
        var write = new Write(transaction => entries.Sum(e => Insert(transaction, e)));
        await _writes.Writer.WriteAsync(write, cancellationToken);
        return await write.Done.Task;
    }

    /// <summary>Erases all that was said of an answer; what is sent of it later is not kept.</summary>
    /// <returns>How many entries were erased.</returns>
    public async ValueTask<int> EraseAsync(string answerKey, CancellationToken cancellationToken = default)
    {
        var write = new Write(transaction =>
        {
            Execute(transaction, "INSERT OR IGNORE INTO erased (answer) VALUES ($a)", ("$a", answerKey));
            return Execute(transaction, "DELETE FROM feedback WHERE answer = $a", ("$a", answerKey));
        });
        await _writes.Writer.WriteAsync(write, cancellationToken);
        return await write.Done.Task;
    }

    /// <summary>Deletes what was received before a moment.</summary>
    public async ValueTask<int> RetainAsync(DateTimeOffset since, CancellationToken cancellationToken = default)
    {
        var write = new Write(transaction =>
            Execute(transaction, "DELETE FROM feedback WHERE received < $t", ("$t", since.ToUnixTimeMilliseconds())) + Execute(transaction, "DELETE FROM windows WHERE ended < $t", ("$t", since.ToUnixTimeMilliseconds())));
        await _writes.Writer.WriteAsync(write, cancellationToken);
        return await write.Done.Task;
    }

    /// <summary>Stores a counted window some time soon; where more come than can be written, it is left out.</summary>
    public void Add(DriftWindow window)
    {
        ArgumentNullException.ThrowIfNull(window);
        _writes.Writer.TryWrite(new Write(transaction => Execute(
            transaction, "INSERT INTO windows (model, version, ended, json) VALUES ($m, $v, $e, $j)",
            ("$m", window.Model), ("$v", window.Version), ("$e", window.Ended.ToUnixTimeMilliseconds()), ("$j", JsonSerializer.Serialize(window, Json)))));
    }

    /// <summary>Completes when everything before it was written.</summary>
    public async ValueTask FlushAsync(CancellationToken cancellationToken = default)
    {
        var write = new Write(_ => 0);
        await _writes.Writer.WriteAsync(write, cancellationToken);
        await write.Done.Task;
    }

    /// <summary>Feedback of a market in the order in which it was stored; of each answer the last that was said.</summary>
    /// <param name="folder">The market's folder.</param>
    /// <param name="model">Name of the model; null: all.</param>
    public static IReadOnlyList<StoredFeedback> ReadFeedback(string folder, string? model = null)
    {
        using var connection = Connect(folder, SqliteOpenMode.ReadOnly);
        using var command = connection.CreateCommand();
        command.CommandText = """
            SELECT sequence, answer, model, version, answered, received, groups, outputs, label, rating, comment FROM feedback AS f
            WHERE ($m IS NULL OR model = $m) AND sequence = (SELECT MAX(sequence) FROM feedback WHERE answer = f.answer) ORDER BY sequence
            """;
        command.Parameters.AddWithValue("$m", (object?)model ?? DBNull.Value);
        using var reader = command.ExecuteReader();
        var found = new List<StoredFeedback>();
        while (reader.Read())
        {
            var answer = new SealedAnswer(
                reader.GetString(1), reader.GetString(2), reader.GetString(3), DateTimeOffset.FromUnixTimeSeconds(reader.GetInt64(4)),
                JsonSerializer.Deserialize<string[]>(reader.GetString(6))!, MemoryMarshal.Cast<byte, float>((byte[])reader[7]).ToArray());
            found.Add(new StoredFeedback(
                reader.GetInt64(0), DateTimeOffset.FromUnixTimeMilliseconds(reader.GetInt64(5)),
                new FeedbackEntry(answer, reader.IsDBNull(8) ? null : reader.GetString(8), reader.IsDBNull(9) ? null : reader.GetInt32(9), reader.IsDBNull(10) ? null : reader.GetString(10))));
        }
        return found;
    }

    /// <summary>Counted windows of a market in the order in which they were stored.</summary>
    /// <param name="folder">The market's folder.</param>
    /// <param name="model">Name of the model.</param>
    public static IReadOnlyList<DriftWindow> ReadWindows(string folder, string model)
    {
        using var connection = Connect(folder, SqliteOpenMode.ReadOnly);
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT json FROM windows WHERE model = $m ORDER BY sequence";
        command.Parameters.AddWithValue("$m", model);
        using var reader = command.ExecuteReader();
        var found = new List<DriftWindow>();
        while (reader.Read()) found.Add(JsonSerializer.Deserialize<DriftWindow>(reader.GetString(0), Json)!);
        return found;
    }

    /// <summary>Whether a folder holds a market's store.</summary>
    public static bool Exists(string folder) => File.Exists(Path.Combine(folder, FileName));

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        _writes.Writer.TryComplete();
        await _writer;
        await _connection.DisposeAsync();
    }

    private static SqliteConnection Connect(string folder, SqliteOpenMode mode)
    {
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = Path.Combine(folder, FileName), Mode = mode, Pooling = false, DefaultTimeout = 10 }.ToString());
        connection.Open();
        return connection;
    }

    private async Task WriteAllAsync()
    {
        var group = new List<(Write Write, int Result)>();
        while (await _writes.Reader.WaitToReadAsync())
        {
            group.Clear();
            try
            {
                using var transaction = _connection.BeginTransaction(deferred: false);
                while (group.Count < LargestGroup && _writes.Reader.TryPeek(out var next))
                {
                    var result = next.Apply(transaction);
                    _writes.Reader.TryRead(out _);
                    group.Add((next, result));
                }
                transaction.Commit();
                Commits++;
                foreach (var (write, result) in group) write.Done.TrySetResult(result);
            }
            catch (SqliteException e)
            {
                // Nothing of the group was stored, so nothing of it is acknowledged; whoever sent it will send it again.
                foreach (var (write, _) in group) write.Done.TrySetException(e);
                if (_writes.Reader.TryRead(out var failed)) failed.Done.TrySetException(e);
            }
        }
    }

    private int Insert(SqliteTransaction transaction, FeedbackEntry entry) => Execute(
        transaction,
        """
        INSERT OR IGNORE INTO feedback (answer, digest, model, version, answered, received, groups, outputs, label, rating, comment)
        SELECT $a, $d, $m, $v, $w, $r, $g, $o, $l, $n, $c WHERE NOT EXISTS (SELECT 1 FROM erased WHERE answer = $a)
        """,
        ("$a", entry.Answer.Key), ("$d", entry.Digest), ("$m", entry.Answer.Model), ("$v", entry.Answer.Version), ("$w", entry.Answer.Answered.ToUnixTimeSeconds()),
        ("$r", _time.GetUtcNow().ToUnixTimeMilliseconds()), ("$g", JsonSerializer.Serialize(entry.Answer.Groups)),
        ("$o", MemoryMarshal.AsBytes(entry.Answer.Outputs.ToArray().AsSpan()).ToArray()), ("$l", entry.Label), ("$n", entry.Rating), ("$c", entry.Comment));

    private static int Execute(SqliteTransaction transaction, string sql, params ReadOnlySpan<(string Name, object? Value)> values)
    {
        using var command = transaction.Connection!.CreateCommand();
        (command.Transaction, command.CommandText) = (transaction, sql);
        foreach (var (name, value) in values) command.Parameters.AddWithValue(name, value ?? DBNull.Value);
        return command.ExecuteNonQuery();
    }

    private sealed record Write(Func<SqliteTransaction, int> Apply)
    {
        public TaskCompletionSource<int> Done { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
