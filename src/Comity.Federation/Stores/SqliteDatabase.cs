using System.Data.Common;
using System.Globalization;
using Microsoft.Data.Sqlite;

namespace Comity.Federation.Stores;

/// <summary>Control state in a SQLite file (WAL), which other processes may read and write too.</summary>
public sealed class SqliteDatabase : StateDatabase
{
    private readonly SqliteConnection _connection;

    private SqliteDatabase(SqliteConnection connection) => _connection = connection;

    /// <summary>Opens the file, or begins it.</summary>
    /// <param name="path">The file.</param>
    /// <param name="pragmas">How it is to be kept.</param>
    public static SqliteDatabase Open(string path, string pragmas)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Pooling = false, DefaultTimeout = 10 }.ToString());
        var database = new SqliteDatabase(connection);
        try
        {
            connection.Open();
            database.Execute("PRAGMA journal_mode=WAL; " + pragmas);
            return database;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    /// <summary>Brings a database to the newest of its schemas, each step whole or not at all; another process may do the same at the same moment.</summary>
    /// <param name="steps">The statements of each step: one that was released is never changed, only followed by another.</param>
    /// <returns>The version that was found: above the number of steps a newer version of the software has been here, and nothing was changed.</returns>
    public int Migrate(IReadOnlyList<string> steps)
    {
        ArgumentNullException.ThrowIfNull(steps);
        while (true)
        {
            // Another process may migrate at the same moment, so the version is read under the lock.
            Execute("BEGIN IMMEDIATE");
            try
            {
                var version = Read("PRAGMA user_version", r => r.GetInt32(0))[0];
                if (version >= steps.Count)
                {
                    Execute("ROLLBACK");
                    return version;
                }
                Execute(steps[version] + string.Create(CultureInfo.InvariantCulture, $";PRAGMA user_version = {version + 1}; COMMIT"));
            }
            catch
            {
                Execute("ROLLBACK");
                throw;
            }
        }
    }

    /// <inheritdoc/>
    public override IReadOnlyList<T> Read<T>(string sql, Func<DbDataReader, T> row, params ReadOnlySpan<object?> values)
    {
        ArgumentNullException.ThrowIfNull(row);
        var rows = new List<T>();
        lock (Gate)
        {
            using var command = Command(sql, values);
            using var reader = command.ExecuteReader();
            while (reader.Read()) rows.Add(row(reader));
        }
        return rows;
    }

    /// <inheritdoc/>
    public override int Write(string sql, params ReadOnlySpan<object?> values)
    {
        lock (Gate)
        {
            using var command = Command(sql, values);
            return command.ExecuteNonQuery();
        }
    }

    /// <inheritdoc/>
    public override T Atomically<T>(Func<T> work)
    {
        ArgumentNullException.ThrowIfNull(work);
        lock (Gate)
        {
            Execute("BEGIN IMMEDIATE");
            try
            {
                var result = work();
                Execute("COMMIT");
                return result;
            }
            catch
            {
                Execute("ROLLBACK");
                throw;
            }
        }
    }

    /// <summary>Several statements without values.</summary>
    public void Execute(string sql) => Write(sql);

    /// <inheritdoc/>
    public override void Sync() => Execute("PRAGMA wal_checkpoint(PASSIVE)"); // fsyncs the log, then the file

    /// <inheritdoc/>
    public override void Dispose()
    {
        lock (Gate) _connection.Dispose();
    }

    private SqliteCommand Command(string sql, ReadOnlySpan<object?> values)
    {
        var command = _connection.CreateCommand();
        command.CommandText = sql;
        for (var i = 0; i < values.Length; i++) command.Parameters.AddWithValue(NameOf(i), values[i] ?? DBNull.Value);
        return command;
    }
}
