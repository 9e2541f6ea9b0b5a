using System.Data.Common;
using Comity.Coordinator.Storage;
using Comity.Federation.Stores;

namespace Comity.Coordinator.Identity;

/// <summary>Who belongs to the federation: in the coordinator's SQLite file or in its PostgreSQL store. Read and written by the server and by the operator's commands at once.</summary>
internal sealed class CoordinatorDatabase : IDisposable
{
    public const string FileName = "coordinator.sqlite";

    private readonly StateDatabase _database;
    private readonly string _version;
    private readonly IDisposable? _held;

    private CoordinatorDatabase(StateDatabase database, string version, IDisposable? held) => (_database, _version, _held) = (database, version, held);

    /// <summary>Opens the file, made or brought to the newest schema if needed.</summary>
    /// <exception cref="NewerStateException">A newer version of the software wrote it.</exception>
    public static CoordinatorDatabase Open(string folder)
    {
        // Who belongs is worth an fsync: an approval or a revocation must survive the loss of power.
        var file = SqliteDatabase.Open(Path.Combine(folder, FileName), "PRAGMA synchronous=FULL; PRAGMA cache_size=-512; PRAGMA foreign_keys=ON;");
        try
        {
            Schema.Migrate(file);
            return new(file, "PRAGMA data_version", file);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>The part of a store that is about who belongs.</summary>
    public static CoordinatorDatabase Of(PostgresStore store) => new(store.Identity, "SELECT number FROM member_changes", null);

    /// <summary>Whether a folder holds a coordinator's state.</summary>
    public static bool Exists(string folder) => File.Exists(Path.Combine(folder, FileName));

    /// <summary>Guards writes, and what is kept of them in memory.</summary>
    public Lock Gate => _database.Gate;

    /// <summary>Changes whenever another process has written.</summary>
    public long OthersVersion => Read(_version, r => r.GetInt64(0))[0];

    /// <summary>Rows of a query.</summary>
    public IReadOnlyList<T> Read<T>(string sql, Func<DbDataReader, T> row, params ReadOnlySpan<object?> values) => _database.Read(sql, row, values);

    /// <summary>One statement; how many rows it changed.</summary>
    public int Write(string sql, params ReadOnlySpan<object?> values) => _database.Write(sql, values);

    /// <summary>Several statements, all or none, and nobody's in between.</summary>
    public T Atomically<T>(Func<T> work) => _database.Atomically(work);

    public void Dispose() => _held?.Dispose();
}
