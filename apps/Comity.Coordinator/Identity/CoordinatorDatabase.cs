using Microsoft.Data.Sqlite;

namespace Comity.Coordinator.Identity;

/// <summary>The coordinator's SQLite file: who belongs to the federation. Read and written by the server and by the operator's commands at once (WAL).</summary>
internal sealed class CoordinatorDatabase : IDisposable
{
    public const string FileName = "coordinator.sqlite";

    private readonly Lock _gate = new();
    private readonly SqliteConnection _connection;
    private readonly SqliteCommand _version;

    private CoordinatorDatabase(SqliteConnection connection)
    {
        _connection = connection;
        _version = connection.CreateCommand();
        _version.CommandText = "PRAGMA data_version";
    }

    /// <summary>Opens the file, made or brought to the newest schema if needed.</summary>
    /// <exception cref="NewerStateException">A newer version of the software wrote it.</exception>
    public static CoordinatorDatabase Open(string folder)
    {
        var path = Path.Combine(folder, FileName);
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Pooling = false, DefaultTimeout = 10 }.ToString());
        try
        {
            connection.Open();
            // Who belongs is worth an fsync: an approval or a revocation must survive the loss of power.
            Execute(connection, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-512; PRAGMA foreign_keys=ON;");
            Schema.Migrate(connection);
            return new(connection);
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    /// <summary>Whether a folder holds a coordinator's state.</summary>
    public static bool Exists(string folder) => File.Exists(Path.Combine(folder, FileName));

    /// <summary>Guards the connection. Who keeps something read from it guards that with this lock too: a lock of its own, taken inside and outside a transaction, would one day be waited for in a circle.</summary>
    public Lock Gate => _gate;

    /// <summary>Changes whenever another process has written.</summary>
    public long OthersVersion
    {
        get { lock (_gate) return (long)_version.ExecuteScalar()!; }
    }

    /// <summary>Rows of a query.</summary>
    public List<T> Read<T>(string sql, Func<SqliteDataReader, T> row, params ReadOnlySpan<object?> values)
    {
        var rows = new List<T>();
        lock (_gate)
        {
            using var command = Command(sql, values);
            using var reader = command.ExecuteReader();
            while (reader.Read()) rows.Add(row(reader));
        }
        return rows;
    }

    /// <summary>One statement; how many rows it changed.</summary>
    public int Write(string sql, params ReadOnlySpan<object?> values)
    {
        lock (_gate)
        {
            using var command = Command(sql, values);
            return command.ExecuteNonQuery();
        }
    }

    /// <summary>Several statements, all or none, and nobody's in between.</summary>
    public T Atomically<T>(Func<T> work)
    {
        lock (_gate)
        {
            Execute(_connection, "BEGIN IMMEDIATE");
            try
            {
                var result = work();
                Execute(_connection, "COMMIT");
                return result;
            }
            catch
            {
                Execute(_connection, "ROLLBACK");
                throw;
            }
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _version.Dispose();
            _connection.Dispose();
        }
    }

    internal static void Execute(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }

    private SqliteCommand Command(string sql, ReadOnlySpan<object?> values)
    {
        var command = _connection.CreateCommand();
        command.CommandText = sql;
        for (var i = 0; i < values.Length; i++) command.Parameters.AddWithValue($"${(char)('a' + i)}", values[i] ?? DBNull.Value);
        return command;
    }
}
