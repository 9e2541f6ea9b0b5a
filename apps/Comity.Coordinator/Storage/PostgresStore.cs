using Comity.Coordinator.Identity;
using Comity.Federation.Stores;
using Comity.Transport.Stores;
using Npgsql;

namespace Comity.Coordinator.Storage;

/// <summary>A coordinator's state in PostgreSQL: opened, at the newest schema, and led by one process at a time.</summary>
/// <remarks>
/// <code>
/// write = BEGIN, the epoch is still mine?, statements, COMMIT        a stale epoch ─► refused, the process ends
/// lead  = the session's lock (so that two never lead by mistake), epoch + 1 (so that one who only slept writes nothing more)
/// </code>
/// </remarks>
internal sealed class PostgresStore : IDisposable
{
    // A session that sleeps within a transaction would keep a successor waiting; the server ends it and undoes what it did.
    private const string BeginWrite = "SET LOCAL synchronous_commit = on; SET LOCAL idle_in_transaction_session_timeout = '6s'; SELECT pg_advisory_xact_lock_shared({0}); SELECT epoch FROM leadership";

    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan WaitForPredecessor = TimeSpan.FromSeconds(30);

    private readonly NpgsqlDataSource _source;
    private readonly CancellationTokenSource _over = new();
    private readonly string _fence;
    private Leadership? _leadership;

    private PostgresStore(StoreAddress address, NpgsqlDataSource source)
    {
        (Address, _source) = (address, source);
        _fence = $"hashtextextended('{address.Schema} fence', 0)";
        Control = new PostgresDatabase(this, null, patient: true);
        Identity = new PostgresDatabase(this, null, patient: false);
    }

    public StoreAddress Address { get; }

    /// <summary>Studies and ledger, for what must not be lost.</summary>
    public StateDatabase Control { get; }

    /// <summary>Who belongs, for callers who can call again.</summary>
    public StateDatabase Identity { get; }

    /// <summary>Ends when another coordinator has taken over.</summary>
    public CancellationToken Superseded => _leadership?.Superseded ?? default;

    /// <summary>Whether the database answered when it was last looked at.</summary>
    public bool IsThere => _leadership?.IsThere ?? true;

    /// <summary>The epoch that this process leads in; 0: it does not lead.</summary>
    public long Epoch => _leadership?.Epoch ?? 0;

    /// <summary>Opens the store for an operator's command, which leads nothing.</summary>
    /// <exception cref="StoreRefusedException">It can't be used; a person must do something.</exception>
    /// <exception cref="NewerStateException">A newer version of the software wrote it.</exception>
    public static PostgresStore Open(StoreAddress address) => Open(address, PostgresSchema.Newest);

    internal static PostgresStore Open(StoreAddress address, int upTo)
    {
        var source = NpgsqlDataSource.Create(address.Connection);
        try
        {
            using var connection = source.OpenConnection();
            PostgresSchema.Migrate(connection, address.Schema, upTo);
            return new(address, source);
        }
        catch (Exception e)
        {
            source.Dispose();
            if (e is NpgsqlException) throw new StoreRefusedException(StoreFailure.Explain(e, address));
            throw;
        }
    }

    /// <summary>Opens the store and leads from now on; waits a while for a predecessor whose connection the server still holds.</summary>
    /// <exception cref="StoreRefusedException">It can't be used, or another coordinator leads.</exception>
    /// <exception cref="NewerStateException">A newer version of the software wrote it.</exception>
    public static PostgresStore Lead(StoreAddress address, TimeProvider time, ILogger log, CancellationToken cancellationToken) => Lead(address, null, time, log, WaitForPredecessor, cancellationToken);

    /// <summary>Opens the store and leads from now on, as somebody who was named to: a predecessor that sleeps is displaced, and writes nothing more.</summary>
    /// <param name="address">The store.</param>
    /// <param name="reachedAt">Where other replicas reach this process.</param>
    /// <param name="time">The clock.</param>
    /// <param name="log">Hears of loss and return.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <exception cref="StoreRefusedException">The database can't be used at the moment.</exception>
    public static PostgresStore LeadNamed(StoreAddress address, Uri reachedAt, TimeProvider time, ILogger log, CancellationToken cancellationToken) => Lead(address, reachedAt, time, log, WaitForPredecessor, cancellationToken);

    internal static PostgresStore Lead(StoreAddress address, Uri? reachedAt, TimeProvider time, ILogger log, TimeSpan wait, CancellationToken cancellationToken)
    {
        var store = Open(address);
        try
        {
            store._leadership = Leadership.Take(address, store._fence, reachedAt, time, log, wait, cancellationToken);
            return store;
        }
        catch (Exception e)
        {
            store.Dispose();
            if (e is NpgsqlException) throw new StoreRefusedException(StoreFailure.Explain(e, address));
            throw;
        }
    }

    /// <summary>Where a study's run keeps its state.</summary>
    public SharedState Of(string study) => new(new PostgresDatabase(this, study, patient: true), Control, new PostgresBodies(this, study, "run/"));

    /// <summary>A study's files beside its run.</summary>
    public IBodyStore FilesOf(string study) => new PostgresBodies(this, study, "");

    /// <summary>Orders, releases and reports of serving nodes, for callers who can call again.</summary>
    public IBodyStore Deployments => new PostgresBodies(this, "", "deployments/", patient: false);

    /// <summary>Nobody waits for the database any more.</summary>
    public void Stop() => _over.Cancel();

    public void Dispose()
    {
        Stop();
        _leadership?.Dispose();
        _source.Dispose();
    }

    internal NpgsqlConnection Connect() => _source.OpenConnection();

    /// <summary>A transaction that stands only if this process still leads.</summary>
    /// <exception cref="StaleEpochException">Another has taken over.</exception>
    internal T Transact<T>(Func<NpgsqlConnection, T> work)
    {
        using var connection = Connect();
        using var transaction = connection.BeginTransaction();
        if (_leadership is { } mine) Check(connection, mine);
        var result = work(connection);
        transaction.Commit();
        return result;
    }

    /// <summary>Before something is said that can't be taken back: this process still leads.</summary>
    /// <exception cref="StaleEpochException">Another has taken over.</exception>
    public void StillLeads() => Transact(_ => 0);

    /// <summary>The epoch that is in force, and where who leads in it is reached; null: that one is no replica, or nobody has led yet.</summary>
    public async Task<(long Epoch, Uri? Address)> LeaderAsync(CancellationToken cancellationToken)
    {
        await using var connection = await _source.OpenConnectionAsync(cancellationToken);
        await using var command = new NpgsqlCommand("SELECT epoch, address FROM leadership", connection) { CommandTimeout = 5 };
        await using var row = await command.ExecuteReaderAsync(cancellationToken);
        await row.ReadAsync(cancellationToken);
        return (row.GetInt64(0), row.GetString(1) is { Length: > 0 } address ? new Uri(address) : null);
    }

    /// <summary>Connections in the pool died with the server.</summary>
    public void Forget() => _source.Clear();

    /// <summary>Waits before something is asked again.</summary>
    /// <exception cref="StoreUnavailableException">The process ends, or the caller is one that can ask again itself.</exception>
    internal void WaitAfter(Exception reason, int tries, bool patient)
    {
        // Connections in the pool die with the server: the first failure says nothing of the next connection.
        _source.Clear();
        if (tries == 0 && !_over.IsCancellationRequested) return;
        var pause = TimeSpan.FromMilliseconds(Math.Min(LongestPause.TotalMilliseconds, 20 << Math.Min(tries, 10)));
        if (!patient || _over.Token.WaitHandle.WaitOne(pause)) throw new StoreUnavailableException(reason);
    }

    private void Check(NpgsqlConnection connection, Leadership mine)
    {
        using var command = new NpgsqlCommand(string.Format(System.Globalization.CultureInfo.InvariantCulture, BeginWrite, _fence), connection);
        using var reader = command.ExecuteReader();
        reader.NextResult(); // the lock, then the epoch: a successor raises it only when nobody writes
        reader.Read();
        var present = reader.GetInt64(0);
        if (present == mine.Epoch) return;
        mine.Lose();
        throw new StaleEpochException(mine.Epoch, present);
    }
}
