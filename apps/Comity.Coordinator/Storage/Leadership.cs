using System.Globalization;
using Comity.Coordinator.Hosting;
using Comity.Transport.Stores;
using Npgsql;

namespace Comity.Coordinator.Storage;

/// <summary>That this process leads: a lock of its own session, and an epoch that every write carries.</summary>
internal sealed class Leadership : IDisposable
{
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(1);

    // A sleeper's transaction is ended by the server after 6 s.
    private const int FenceSeconds = 20;

    private readonly string _connectionString;
    private readonly string _lock;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly StoreAddress _address;
    private readonly CancellationTokenSource _superseded = new();
    private readonly CancellationTokenSource _over = new();
    private readonly Task _watching;
    private readonly bool _named;
    private NpgsqlConnection? _session;
    private bool _locked;
    private volatile bool _there = true;

    private Leadership(StoreAddress address, NpgsqlConnection session, long epoch, bool named, bool locked, TimeProvider time, ILogger log)
    {
        (_address, _connectionString, _lock, _session, Epoch, _named, _locked, _time, _log) = (address, ConnectionOf(address), LockOf(address), session, epoch, named, locked, time, log);
        _watching = Task.Run(WatchAsync);
    }

    /// <summary>The number of this leadership: each has a higher one than those before.</summary>
    public long Epoch { get; }

    public bool IsThere => _there;

    /// <summary>Ends when another leads.</summary>
    public CancellationToken Superseded => _superseded.Token;

    /// <summary>Takes the lead.</summary>
    /// <param name="address">The store.</param>
    /// <param name="fence">SQL of the key that writes hold in common.</param>
    /// <param name="reachedAt">Where other replicas reach this process. Given: it was named to lead, so a predecessor that still holds the lock sleeps, and is displaced. Null: it leads alone, and waits.</param>
    /// <param name="time">The clock.</param>
    /// <param name="log">Hears of waiting, loss and return.</param>
    /// <param name="wait">How long a predecessor may still be there.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    /// <exception cref="StoreRefusedException">Another leads.</exception>
    public static Leadership Take(StoreAddress address, string fence, Uri? reachedAt, TimeProvider time, ILogger log, TimeSpan wait, CancellationToken cancellationToken)
    {
        var session = new NpgsqlConnection(ConnectionOf(address));
        try
        {
            session.Open();
            Scalar(session, "SET tcp_keepalives_idle = 5; SET tcp_keepalives_interval = 2; SET tcp_keepalives_count = 3"); // of the server: a machine that went away is noticed in seconds
            var (began, told) = (time.GetTimestamp(), false);
            var locked = false;
            while (!(locked = (bool)Scalar(session, $"SELECT pg_try_advisory_lock({LockOf(address)})")!) && reachedAt is null)
            {
                if (time.GetElapsedTime(began) >= wait) throw new StoreRefusedException(Texts.Problem("store-led", address.Place, address.Shown, Scalar(session, "SELECT holder FROM leadership") as string));
                if (!told) LogLines.StoreLed(log, address.Shown);
                told = true;
                cancellationToken.WaitHandle.WaitOne(TimeSpan.FromMilliseconds(200));
                cancellationToken.ThrowIfCancellationRequested();
            }
            // Who still writes in the epoch before ends first; who begins later finds the new one.
            using var transaction = session.BeginTransaction();
            using (var fenced = new NpgsqlCommand($"SELECT pg_advisory_xact_lock({fence})", session) { CommandTimeout = FenceSeconds }) fenced.ExecuteNonQuery();
            using var raise = new NpgsqlCommand("UPDATE leadership SET epoch = epoch + 1, holder = @h, taken_at = @t, address = @a RETURNING epoch", session);
            raise.Parameters.AddWithValue("a", reachedAt?.AbsoluteUri ?? "");
            raise.Parameters.AddWithValue("h", string.Create(CultureInfo.InvariantCulture, $"{Environment.MachineName}, process {Environment.ProcessId}"));
            raise.Parameters.AddWithValue("t", time.GetUtcNow().ToUnixTimeMilliseconds());
            var epoch = (long)raise.ExecuteScalar()!;
            transaction.Commit();
            LogLines.StoreTaken(log, address.Shown, epoch);
            return new(address, session, epoch, reachedAt is not null, locked, time, log);
        }
        catch
        {
            session.Dispose();
            throw;
        }
    }

    /// <summary>Another leads.</summary>
    public void Lose()
    {
        if (!_superseded.IsCancellationRequested) _superseded.Cancel();
    }

    public void Dispose()
    {
        _over.Cancel();
        _watching.Wait();
        _session?.Dispose(); // gives the lock back
    }

    private async Task WatchAsync()
    {
        var lost = 0L;
        while (!_over.IsCancellationRequested && !_superseded.IsCancellationRequested)
        {
            await Task.Delay(LookEvery, _over.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (_over.IsCancellationRequested) return;
            try
            {
                await LookAsync(_over.Token);
                if (!_there) LogLines.StoreBack(_log, _address.Shown, _time.GetElapsedTime(lost).TotalSeconds);
                _there = true;
            }
            catch (OperationCanceledException) when (_over.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e) when (e is NpgsqlException or InvalidOperationException or TimeoutException)
            {
                if (_there) LogLines.StoreLost(_log, _address.Shown, e.Message);
                if (_there) lost = _time.GetTimestamp();
                _there = false;
                if (_session is { } broken) await broken.DisposeAsync();
                (_session, _locked) = (null, false);
            }
        }
    }

    private async Task LookAsync(CancellationToken cancellationToken)
    {
        if (_session is null)
        {
            var session = new NpgsqlConnection(_connectionString);
            await session.OpenAsync(cancellationToken);
            _session = session;
        }
        if (await ScalarAsync("SELECT epoch FROM leadership", cancellationToken) is long present && present != Epoch)
        {
            Lose();
            return;
        }
        // The lock goes with a session; a new one takes it again, unless somebody is about to lead: the epoch then says so next time.
        if (!_locked) _locked = (bool)(await ScalarAsync($"SELECT pg_try_advisory_lock({_lock})", cancellationToken))!;
        if (!_locked && !_named) throw new NpgsqlException("Another session holds the lead.");
    }

    private async Task<object?> ScalarAsync(string sql, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(sql, _session);
        return await command.ExecuteScalarAsync(cancellationToken);
    }

    private static string LockOf(StoreAddress address) => $"hashtextextended('{address.Schema} lead', 0)";

    // Outside the pool, for its lock is the session's.
    private static string ConnectionOf(StoreAddress address) => new NpgsqlConnectionStringBuilder(address.Connection) { Pooling = false, CommandTimeout = 5 }.ConnectionString;

    private static object? Scalar(NpgsqlConnection connection, string sql)
    {
        using var command = new NpgsqlCommand(sql, connection);
        return command.ExecuteScalar();
    }
}
