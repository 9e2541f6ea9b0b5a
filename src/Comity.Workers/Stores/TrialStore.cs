using System.Globalization;
using System.Text.Json;
using Comity.Federation.Trials;
using Comity.Transport.Protocol;
using Comity.Transport.Stores;
using Npgsql;

namespace Comity.Workers.Stores;

/// <summary>Orders, leases and what came of them, in PostgreSQL. This is what is true; the queue only wakes.</summary>
/// <remarks>
/// <code>
/// order ─► waiting ─► running (worker, fence, expires) ─► done ─► taken by the run
///             ▲             │ lease ran out, failed, given back
///             └─────────────┴─► dead after so many deliveries;  stopped: it would fail anywhere
/// </code>
/// A lease has a number from one sequence. What a worker writes carries its number and is refused when another lease has begun since. All times are the database's.
/// </remarks>
internal sealed class TrialStore : IAsyncDisposable
{
    /// <summary>A worker that was not seen for so long is gone.</summary>
    public static readonly TimeSpan SeenWithin = TimeSpan.FromSeconds(20);

    // What nobody came back for.
    private const string Forgotten = "14 days";

    private readonly NpgsqlDataSource _source;

    private TrialStore(StoreAddress address, NpgsqlDataSource source, string name) => (Address, _source, Name, Files) = (address, source, name, new StoredFiles(source));

    public StoreAddress Address { get; }

    /// <summary>The store's own name, by which its queue is called.</summary>
    public string Name { get; }

    public StoredFiles Files { get; }

    /// <summary>Opens the store; makes its tables at the first time.</summary>
    /// <exception cref="WorkersRefusedException">It can't be used.</exception>
    public static async Task<TrialStore> OpenAsync(StoreAddress address, CancellationToken cancellationToken)
    {
        var source = NpgsqlDataSource.Create(address.Connection);
        try
        {
            await using var connection = await source.OpenConnectionAsync(cancellationToken);
            var name = await TrialSchema.MigrateAsync(connection, address.Schema, cancellationToken);
            return new(address, source, name);
        }
        catch (Exception e)
        {
            await source.DisposeAsync();
            if (e is NpgsqlException or TimeoutException or System.Net.Sockets.SocketException)
                throw new WorkersRefusedException(Messages.Problem("trial-store-refused", address.Place, address.Shown, (e as PostgresException)?.MessageText ?? (e.InnerException ?? e).Message, address.Schema), e);
            throw;
        }
    }

    /// <summary>Begins a run, or goes on with one: what failed before is forgotten and ordered anew.</summary>
    public async Task BeginAsync(string run, RunDescription description, TimeSpan lease, int mostDeliveries, CancellationToken cancellationToken)
    {
        await WriteAsync(string.Create(CultureInfo.InvariantCulture, $"DELETE FROM trial_runs WHERE seen_at < now() - interval '{Forgotten}'"), [], cancellationToken);
        await WriteAsync("""
            INSERT INTO trial_runs VALUES (@a, @b, @c, @d, now())
            ON CONFLICT (run) DO UPDATE SET description = excluded.description, lease_seconds = excluded.lease_seconds, most_deliveries = excluded.most_deliveries, seen_at = now();
            DELETE FROM trials WHERE run = @a AND state IN ('dead', 'stopped');
            DELETE FROM trial_declines WHERE run = @a
            """, [run, JsonSerializer.Serialize(description, WireJson.Options), lease.TotalSeconds, mostDeliveries], cancellationToken);
    }

    /// <summary>Forgets orders whose names begin so, with their files: whoever is at work on one loses its lease.</summary>
    public Task ForgetOrdersAsync(string run, string prefix, CancellationToken cancellationToken) => WriteAsync("""
        DELETE FROM trials WHERE run = @a AND starts_with(trial, @b);
        DELETE FROM trial_files WHERE run = @a AND (starts_with(name, @b) OR starts_with(name, 'products/' || @b))
        """, [run, prefix], cancellationToken);

    /// <summary>Takes an order back that nobody has begun with.</summary>
    /// <returns>False: somebody has.</returns>
    public async Task<bool> WithdrawAsync(string run, string trial, CancellationToken cancellationToken) =>
        await WriteAsync("DELETE FROM trials WHERE run = @a AND trial = @b AND state = 'waiting'", [run, trial], cancellationToken) > 0;

    /// <summary>The run is there, and waits.</summary>
    public Task SeeRunAsync(string run, CancellationToken cancellationToken) => WriteAsync("UPDATE trial_runs SET seen_at = now() WHERE run = @a", [run], cancellationToken);

    /// <summary>The run needs nothing of it any more.</summary>
    public Task ForgetAsync(string run, CancellationToken cancellationToken) => WriteAsync("DELETE FROM trial_runs WHERE run = @a", [run], cancellationToken);

    /// <summary>What a worker must know of a run; null: it is over, or nobody waits for it.</summary>
    public async Task<RunDescription?> DescriptionAsync(string run, CancellationToken cancellationToken) =>
        await ReadAsync("SELECT description FROM trial_runs WHERE run = @a AND seen_at > now() - make_interval(secs => @b)", r => JsonSerializer.Deserialize<RunDescription>(r.GetString(0), WireJson.Options), [run, SeenWithin.TotalSeconds * 3], cancellationToken)
            is [{ } found] ? found : null;

    /// <summary>Places an order. One that is there already stays as it is.</summary>
    /// <returns>Whether it waits, and somebody must be told.</returns>
    public async Task<bool> OrderAsync(string run, TrialOrder order, CancellationToken cancellationToken) =>
        await WriteAsync("INSERT INTO trials (run, trial, contents, cost, slots, state, published_at) VALUES (@a, @b, @c, @d, @e, 'waiting', now()) ON CONFLICT (run, trial) DO UPDATE SET published_at = now() WHERE trials.state = 'waiting'",
            [run, order.Id, JsonSerializer.Serialize(order with { Files = [.. order.Files.Select(f => f with { Path = "" })] }, WireJson.Options), order.Cost, order.Slots], cancellationToken) > 0;

    /// <summary>Where the run's orders stand that somebody has begun with.</summary>
    public Task<List<TrialStand>> StandsAsync(string run, CancellationToken cancellationToken) =>
        ReadAsync("SELECT trial, state, fence, worker, deliveries, problem FROM trials WHERE run = @a AND state NOT IN ('waiting', 'taken')",
            r => new TrialStand(r.GetString(0), r.GetString(1), r.GetInt64(2), r.GetString(3), r.GetInt32(4), Told(r.IsDBNull(5) ? null : r.GetString(5))), [run], cancellationToken);

    /// <summary>Ends leases that ran out: their orders wait again, or are dead.</summary>
    /// <returns>Orders that wait again.</returns>
    public async Task<List<string>> ExpireAsync(string run, Func<string, ToldProblem> silent, CancellationToken cancellationToken)
    {
        var late = await ReadAsync("SELECT trial, fence, worker FROM trials WHERE run = @a AND state = 'running' AND expires < now()", r => (Trial: r.GetString(0), Fence: r.GetInt64(1), Worker: r.GetString(2)), [run], cancellationToken);
        var again = new List<string>();
        foreach (var (trial, fence, worker) in late)
        {
            var state = await ReadAsync("""
                UPDATE trials t SET state = CASE WHEN t.deliveries >= r.most_deliveries THEN 'dead' ELSE 'waiting' END, problem = @d, published_at = now()
                FROM trial_runs r WHERE r.run = t.run AND t.run = @a AND t.trial = @b AND t.fence = @c AND t.state = 'running' AND t.expires < now() RETURNING t.state
                """, r => r.GetString(0), [run, trial, fence, JsonSerializer.Serialize(silent(worker), WireJson.Options)], cancellationToken);
            if (state is [TrialStates.Waiting]) again.Add(trial);
        }
        return again;
    }

    /// <summary>Orders that wait although they were offered a while ago: their message may be lost.</summary>
    public Task<List<string>> OverdueAsync(string run, TimeSpan after, CancellationToken cancellationToken) =>
        ReadAsync("UPDATE trials SET published_at = now() WHERE run = @a AND state = 'waiting' AND published_at < now() - make_interval(secs => @b) RETURNING trial", r => r.GetString(0), [run, after.TotalSeconds], cancellationToken);

    /// <summary>The run has what came of an order.</summary>
    public async Task TakenAsync(string run, string trial, CancellationToken cancellationToken)
    {
        await WriteAsync("UPDATE trials SET state = 'taken' WHERE run = @a AND trial = @b", [run, trial], cancellationToken);
        await Files.DeleteAsync(run, $"products/{trial}/", cancellationToken);
    }

    /// <summary>Workers that were seen lately.</summary>
    public Task<List<WorkerState>> WorkersAsync(CancellationToken cancellationToken) =>
        ReadAsync("SELECT worker, machine, vector_bits, slots, speed, free_share FROM trial_workers WHERE seen_at > now() - make_interval(secs => @a) ORDER BY worker", WorkerOf, [SeenWithin.TotalSeconds], cancellationToken);

    /// <summary>A worker is there.</summary>
    public Task SeeWorkerAsync(WorkerState worker, CancellationToken cancellationToken) => WriteAsync("""
        INSERT INTO trial_workers VALUES (@a, @b, @c, @d, @e, @f, now()) ON CONFLICT (worker) DO UPDATE SET machine = excluded.machine, vector_bits = excluded.vector_bits, slots = excluded.slots, speed = excluded.speed, free_share = excluded.free_share, seen_at = now();
        DELETE FROM trial_workers WHERE seen_at < now() - interval '1 day'
        """, [worker.Name, worker.Machine, worker.VectorBits, worker.Slots, worker.Speed, worker.FreeShare], cancellationToken);

    /// <summary>A worker has gone.</summary>
    public Task ForgetWorkerAsync(string worker, CancellationToken cancellationToken) => WriteAsync("DELETE FROM trial_workers WHERE worker = @a", [worker], cancellationToken);

    /// <summary>How fast a machine was when a worker with as many slots last measured it; null: nobody did.</summary>
    public async Task<double?> SpeedAsync(string machine, int slots, CancellationToken cancellationToken) =>
        await ReadAsync("SELECT speed FROM trial_workers WHERE machine = @a AND slots = @b AND speed IS NOT NULL ORDER BY seen_at DESC LIMIT 1", r => r.GetDouble(0), [machine, slots], cancellationToken) is [var speed] ? speed : null;

    /// <summary>A worker can't train a run's orders.</summary>
    public Task DeclineAsync(string run, string worker, ToldProblem problem, CancellationToken cancellationToken) => WriteAsync(
        "INSERT INTO trial_declines SELECT @a, @b, @c WHERE EXISTS (SELECT 1 FROM trial_runs WHERE run = @a) ON CONFLICT (run, worker) DO UPDATE SET problem = excluded.problem", [run, worker, JsonSerializer.Serialize(problem, WireJson.Options)], cancellationToken);

    /// <summary>Who declined a run's orders, and why.</summary>
    public Task<List<(string Worker, ToldProblem Problem)>> DeclinesAsync(string run, CancellationToken cancellationToken) =>
        ReadAsync("SELECT worker, problem FROM trial_declines WHERE run = @a ORDER BY worker", r => (r.GetString(0), Told(r.GetString(1))!), [run], cancellationToken);

    /// <summary>Takes a lease on one of a run's waiting orders.</summary>
    /// <param name="run">The run.</param>
    /// <param name="worker">Who takes it.</param>
    /// <param name="choose">Which of those that wait; null: none of them now.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <returns>Null: nothing waits, or nothing was chosen.</returns>
    public async Task<LeasedTrial?> LeaseAsync(string run, string worker, Func<IReadOnlyList<WaitingTrial>, IReadOnlyList<WorkerState>, double, WaitingTrial?> choose, CancellationToken cancellationToken)
    {
        var workers = await WorkersAsync(cancellationToken);
        await using var connection = await _source.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        // One choice at a time, so that each sees what the others took.
        await ReadAsync(connection, "SELECT 1 FROM trial_runs WHERE run = @a FOR UPDATE", r => 1, [run], cancellationToken);
        var waiting = await ReadAsync(connection, "SELECT trial, cost, slots FROM trials WHERE run = @a AND state = 'waiting'", r => new WaitingTrial(r.GetString(0), r.GetDouble(1), r.GetInt32(2)), [run], cancellationToken);
        if (waiting.Count == 0) return null;
        var begun = (await ReadAsync(connection, "SELECT coalesce(sum(cost), 0) FROM trials WHERE run = @a AND state = 'running'", r => r.GetDouble(0), [run], cancellationToken))[0];
        if (choose(waiting, workers, begun) is not { } chosen) return null;
        var leased = await ReadAsync(connection, """
            UPDATE trials t SET state = 'running', worker = @c, fence = nextval('trial_fences'), deliveries = deliveries + 1, taken_at = now(), expires = now() + make_interval(secs => r.lease_seconds)
            FROM trial_runs r WHERE r.run = t.run AND t.run = @a AND t.trial = @b AND t.state = 'waiting' RETURNING t.contents, t.fence, r.lease_seconds, t.deliveries
            """, r => new LeasedTrial(run, JsonSerializer.Deserialize<TrialOrder>(r.GetString(0), WireJson.Options)!, r.GetInt64(1), TimeSpan.FromSeconds(r.GetDouble(2)), r.GetInt32(3)), [run, chosen.Id, worker], cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return leased.FirstOrDefault();
    }

    /// <summary>Prolongs a lease; false: it is another's by now, or the run is over.</summary>
    public async Task<bool> RenewAsync(LeasedTrial leased, CancellationToken cancellationToken) => await WriteAsync(
        "UPDATE trials SET expires = now() + make_interval(secs => @d) WHERE run = @a AND trial = @b AND fence = @c AND state = 'running'", [leased.Run, leased.Order.Id, leased.Fence, leased.Lease.TotalSeconds], cancellationToken) > 0;

    /// <summary>Where the files of what came of a lease lie.</summary>
    public static string ProductOf(string trial, long fence) => string.Create(CultureInfo.InvariantCulture, $"products/{trial}/{fence}/");

    /// <summary>Hands over what came of an order; its files are in the store. False: the lease is another's by now, and nothing of it counts.</summary>
    public async Task<bool> FinishAsync(LeasedTrial leased, CancellationToken cancellationToken)
    {
        if (await WriteAsync("UPDATE trials SET state = 'done', problem = NULL WHERE run = @a AND trial = @b AND fence = @c AND state = 'running'", [leased.Run, leased.Order.Id, leased.Fence], cancellationToken) > 0) return true;
        await Files.DeleteAsync(leased.Run, ProductOf(leased.Order.Id, leased.Fence), cancellationToken);
        return false;
    }

    /// <summary>It failed: here, or as it would anywhere.</summary>
    /// <returns>Whether it waits again.</returns>
    public async Task<bool> FailAsync(LeasedTrial leased, ToldProblem problem, bool anywhere, CancellationToken cancellationToken) =>
        await ReadAsync("""
            UPDATE trials t SET state = CASE WHEN @e THEN 'stopped' WHEN t.deliveries >= r.most_deliveries THEN 'dead' ELSE 'waiting' END, problem = @d, published_at = now()
            FROM trial_runs r WHERE r.run = t.run AND t.run = @a AND t.trial = @b AND t.fence = @c AND t.state = 'running' RETURNING t.state
            """, r => r.GetString(0), [leased.Run, leased.Order.Id, leased.Fence, JsonSerializer.Serialize(problem, WireJson.Options), anywhere], cancellationToken) is [TrialStates.Waiting];

    /// <summary>Gives a lease back: it was no delivery.</summary>
    /// <returns>Whether it waits again.</returns>
    public async Task<bool> GiveBackAsync(LeasedTrial leased, CancellationToken cancellationToken) => await WriteAsync(
        "UPDATE trials SET state = 'waiting', deliveries = deliveries - 1, published_at = now() WHERE run = @a AND trial = @b AND fence = @c AND state = 'running'", [leased.Run, leased.Order.Id, leased.Fence], cancellationToken) > 0;

    public ValueTask DisposeAsync() => _source.DisposeAsync();

    private static WorkerState WorkerOf(NpgsqlDataReader row) => new(row.GetString(0), row.GetString(1), row.GetInt32(2), row.GetInt32(3), row.IsDBNull(4) ? null : row.GetDouble(4), row.GetDouble(5));

    private static ToldProblem? Told(string? json) => json is null ? null : JsonSerializer.Deserialize<ToldProblem>(json, WireJson.Options);

    private async Task<int> WriteAsync(string sql, object?[] values, CancellationToken cancellationToken)
    {
        await using var connection = await _source.OpenConnectionAsync(cancellationToken);
        await using var command = Sql.Command(connection, sql, values);
        return await command.ExecuteNonQueryAsync(cancellationToken);
    }

    private async Task<List<T>> ReadAsync<T>(string sql, Func<NpgsqlDataReader, T> row, object?[] values, CancellationToken cancellationToken)
    {
        await using var connection = await _source.OpenConnectionAsync(cancellationToken);
        return await ReadAsync(connection, sql, row, values, cancellationToken);
    }

    private static async Task<List<T>> ReadAsync<T>(NpgsqlConnection connection, string sql, Func<NpgsqlDataReader, T> row, object?[] values, CancellationToken cancellationToken)
    {
        await using var command = Sql.Command(connection, sql, values);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var rows = new List<T>();
        while (await reader.ReadAsync(cancellationToken)) rows.Add(row(reader));
        return rows;
    }
}
