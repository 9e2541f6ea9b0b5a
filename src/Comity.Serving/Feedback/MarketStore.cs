using System.Data;
using System.Data.Common;
using System.Runtime.InteropServices;
using System.Text.Json;
using System.Threading.Channels;
using Comity.Serving.Drift;

namespace Comity.Serving.Feedback;

/// <summary>What a market keeps of its model: feedback and counted windows, in SQLite or PostgreSQL, shared by its replicas.</summary>
/// <remarks>
/// One writer takes everything that waits into one transaction with one synchronous commit; only then is any of it acknowledged. So what
/// was acknowledged survives the loss of power, and many writers cost little more than one. An answer's key and the digest of what was said are the
/// primary key: whatever is sent again is stored once.
/// </remarks>
public sealed class MarketStore : IAsyncDisposable
{
    private const int LargestGroup = 2048;
    private static readonly JsonSerializerOptions Json = new() { PropertyNamingPolicy = JsonNamingPolicy.CamelCase };

    private readonly Channel<Write> _writes = Channel.CreateBounded<Write>(new BoundedChannelOptions(16 * 1024) { SingleReader = true });
    private readonly StoreAddress _address;
    private readonly TimeProvider _time;
    private readonly Task _writer;
    private DbConnection? _connection;

    private MarketStore(StoreAddress address, DbConnection connection, TimeProvider time)
    {
        (_address, _connection, _time) = (address, connection, time);
        _writer = Task.Run(WriteAllAsync);
    }

    /// <summary>Commits so far.</summary>
    public long Commits { get; private set; }

    /// <summary>Opens a market's store, or begins it.</summary>
    /// <exception cref="DbException">The store can't be used.</exception>
    public static MarketStore Open(StoreAddress address, TimeProvider time)
    {
        ArgumentNullException.ThrowIfNull(address);
        return new MarketStore(address, address.OpenToWrite(), time);
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
            Execute(transaction, "INSERT INTO erased (answer) VALUES (@a) ON CONFLICT DO NOTHING", ("@a", answerKey));
            return Execute(transaction, "DELETE FROM feedback WHERE answer = @a", ("@a", answerKey));
        });
        await _writes.Writer.WriteAsync(write, cancellationToken);
        return await write.Done.Task;
    }

    /// <summary>Deletes what was received before a moment.</summary>
    public async ValueTask<int> RetainAsync(DateTimeOffset since, CancellationToken cancellationToken = default)
    {
        var write = new Write(transaction =>
            Execute(transaction, "DELETE FROM feedback WHERE received < @t", ("@t", since.ToUnixTimeMilliseconds())) + Execute(transaction, "DELETE FROM windows WHERE ended < @t", ("@t", since.ToUnixTimeMilliseconds())));
        await _writes.Writer.WriteAsync(write, cancellationToken);
        return await write.Done.Task;
    }

    /// <summary>Stores a counted window some time soon; where more come than can be written, it is left out.</summary>
    public void Add(DriftWindow window)
    {
        ArgumentNullException.ThrowIfNull(window);
        _writes.Writer.TryWrite(new Write(transaction => Execute(
            transaction, "INSERT INTO windows (model, version, ended, json) VALUES (@m, @v, @e, @j)",
            ("@m", window.Model), ("@v", window.Version), ("@e", window.Ended.ToUnixTimeMilliseconds()), ("@j", JsonSerializer.Serialize(window, Json)))));
    }

    /// <summary>Completes when everything before it was written.</summary>
    public async ValueTask FlushAsync(CancellationToken cancellationToken = default)
    {
        var write = new Write(_ => 0);
        await _writes.Writer.WriteAsync(write, cancellationToken);
        await write.Done.Task;
    }

    /// <summary>Feedback of a market in the order in which it was stored; of each answer the last that was said.</summary>
    /// <param name="address">The market's store.</param>
    /// <param name="model">Name of the model; null: all.</param>
    /// <exception cref="DbException">The store can't be read.</exception>
    public static IReadOnlyList<StoredFeedback> ReadFeedback(StoreAddress address, string? model = null)
    {
        ArgumentNullException.ThrowIfNull(address);
        using var connection = address.OpenToRead();
        using var command = connection.CreateCommand();
        command.CommandText = """
            SELECT sequence, answer, model, version, answered, received, groups, outputs, label, rating, comment FROM feedback AS f
            WHERE (CAST(@m AS TEXT) IS NULL OR model = @m) AND sequence = (SELECT MAX(sequence) FROM feedback WHERE answer = f.answer) ORDER BY sequence
            """;
        Add(command, "@m", model);
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
    /// <param name="address">The market's store.</param>
    /// <param name="model">Name of the model.</param>
    /// <exception cref="DbException">The store can't be read.</exception>
    public static IReadOnlyList<DriftWindow> ReadWindows(StoreAddress address, string model)
    {
        ArgumentNullException.ThrowIfNull(address);
        using var connection = address.OpenToRead();
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT json FROM windows WHERE model = @m ORDER BY sequence";
        Add(command, "@m", model);
        using var reader = command.ExecuteReader();
        var found = new List<DriftWindow>();
        while (reader.Read()) found.Add(JsonSerializer.Deserialize<DriftWindow>(reader.GetString(0), Json)!);
        return found;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        _writes.Writer.TryComplete();
        await _writer;
        if (_connection is not null) await _connection.DisposeAsync();
    }

    private async Task WriteAllAsync()
    {
        var group = new List<(Write Write, int Result)>();
        while (await _writes.Reader.WaitToReadAsync())
        {
            group.Clear();
            try
            {
                _connection ??= _address.OpenToWrite(); // after a failure that took the connection with it
                using var transaction = _address.Begin(_connection);
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
            catch (Exception e) when (e is DbException or InvalidOperationException or IOException)
            {
                // Nothing of the group is acknowledged, so whoever sent it will send it again, and what was stored all the same is stored once.
                var told = e as DbException ?? new StoreFailedException(e);
                foreach (var (write, _) in group) write.Done.TrySetException(told);
                if (_writes.Reader.TryRead(out var failed)) failed.Done.TrySetException(told);
                if (_connection is { State: not ConnectionState.Open } broken)
                {
                    broken.Dispose();
                    _connection = null;
                }
            }
        }
    }

    private int Insert(DbTransaction transaction, FeedbackEntry entry) => Execute(
        transaction,
        """
        INSERT INTO feedback (answer, digest, model, version, answered, received, groups, outputs, label, rating, comment)
        SELECT @a, @d, @m, @v, @w, @r, @g, @o, CAST(@l AS TEXT), CAST(@n AS INTEGER), CAST(@c AS TEXT) WHERE NOT EXISTS (SELECT 1 FROM erased WHERE answer = @a)
        ON CONFLICT DO NOTHING
        """,
        ("@a", entry.Answer.Key), ("@d", entry.Digest), ("@m", entry.Answer.Model), ("@v", entry.Answer.Version), ("@w", entry.Answer.Answered.ToUnixTimeSeconds()),
        ("@r", _time.GetUtcNow().ToUnixTimeMilliseconds()), ("@g", JsonSerializer.Serialize(entry.Answer.Groups)),
        ("@o", MemoryMarshal.AsBytes(entry.Answer.Outputs.ToArray().AsSpan()).ToArray()), ("@l", entry.Label), ("@n", entry.Rating), ("@c", entry.Comment));

    private static int Execute(DbTransaction transaction, string sql, params ReadOnlySpan<(string Name, object? Value)> values)
    {
        using var command = transaction.Connection!.CreateCommand();
        (command.Transaction, command.CommandText) = (transaction, sql);
        foreach (var (name, value) in values) Add(command, name, value);
        return command.ExecuteNonQuery();
    }

    private static void Add(DbCommand command, string name, object? value)
    {
        var parameter = command.CreateParameter();
        (parameter.ParameterName, parameter.Value) = (name, value ?? DBNull.Value);
        command.Parameters.Add(parameter);
    }

    private sealed class StoreFailedException(Exception reason) : DbException(reason.Message, reason);

    private sealed record Write(Func<DbTransaction, int> Apply)
    {
        public TaskCompletionSource<int> Done { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
