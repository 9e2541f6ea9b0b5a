using System.Data.Common;
using Comity.Federation.Stores;
using Npgsql;

namespace Comity.Coordinator.Storage;

/// <summary>Control state in PostgreSQL. What must not be lost is asked again until the database has it; what a caller can ask again fails at once.</summary>
/// <param name="store">The store.</param>
/// <param name="study">Which study's rows of the tables of runs are meant; null: this is for the other tables.</param>
/// <param name="patient">Whether to wait for a database that went away.</param>
internal sealed class PostgresDatabase(PostgresStore store, string? study, bool patient) : StateDatabase
{
    // Of the transaction that holds the gate.
    private NpgsqlConnection? _within;

    /// <inheritdoc/>
    public override string? Part => study;

    /// <inheritdoc/>
    public override IReadOnlyList<T> Read<T>(string sql, Func<DbDataReader, T> row, params ReadOnlySpan<object?> values)
    {
        if (Gate.IsHeldByCurrentThread && _within is { } within) return Read(within, sql, row, values);
        for (var tries = 0; ; tries++)
        {
            try
            {
                using var connection = store.Connect();
                return Read(connection, sql, row, values);
            }
            catch (Exception e) when (StoreFailure.Passes(e))
            {
                store.WaitAfter(e, tries, patient);
            }
        }
    }

    /// <inheritdoc/>
    public override int Write(string sql, params ReadOnlySpan<object?> values)
    {
        if (Gate.IsHeldByCurrentThread && _within is { } within)
        {
            using var command = Command(within, sql, values);
            return command.ExecuteNonQuery();
        }
        var kept = values.ToArray();
        return Atomically(() => Write(sql, kept));
    }

    /// <inheritdoc/>
    public override T Atomically<T>(Func<T> work)
    {
        lock (Gate)
        {
            if (_within is not null) return work();
            for (var tries = 0; ; tries++)
            {
                try
                {
                    return store.Transact(connection =>
                    {
                        _within = connection;
                        return work();
                    });
                }
                catch (Exception e) when (StoreFailure.Passes(e))
                {
                    store.WaitAfter(e, tries, patient);
                }
                finally
                {
                    _within = null;
                }
            }
        }
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        // Its connections are the store's.
    }

    private List<T> Read<T>(NpgsqlConnection connection, string sql, Func<DbDataReader, T> row, ReadOnlySpan<object?> values)
    {
        using var command = Command(connection, sql, values);
        using var reader = command.ExecuteReader();
        var rows = new List<T>();
        while (reader.Read()) rows.Add(row(reader));
        return rows;
    }

    private NpgsqlCommand Command(NpgsqlConnection connection, string sql, ReadOnlySpan<object?> values)
    {
        var command = new NpgsqlCommand(sql, connection);
        for (var i = 0; i < values.Length; i++)
        {
            // Columns of whole numbers are 64 bits wide; a null says nothing of its type, so the column does.
            command.Parameters.Add(values[i] is int whole ? new NpgsqlParameter(NameOf(i), (long)whole) : new NpgsqlParameter(NameOf(i), values[i] ?? DBNull.Value));
        }
        if (study is not null) command.Parameters.Add(new NpgsqlParameter("@study", study));
        return command;
    }
}
