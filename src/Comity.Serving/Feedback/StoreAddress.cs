using System.Data.Common;

namespace Comity.Serving.Feedback;

/// <summary>Where a market's store lies: one SQLite file in its folder, or a schema of a PostgreSQL database that replicas on several machines share.</summary>
public abstract record StoreAddress
{
    private protected StoreAddress()
    {
    }

    /// <summary>A SQLite file in a folder; replicas on one machine share it.</summary>
    /// <param name="folder">The market's folder.</param>
    public static StoreAddress InFolder(string folder) => new SqliteStore(folder);

    /// <summary>A schema of a PostgreSQL database.</summary>
    /// <param name="connection"><c>postgres://user:password@host:port/database</c>, or a connection string of Npgsql.</param>
    /// <param name="market">The market, a name as releases have them; each has a schema of its own.</param>
    /// <exception cref="ArgumentException">The connection can't be read.</exception>
    public static StoreAddress InPostgres(string connection, string market) => PostgresStore.Of(connection, market);

    /// <summary>Reads what a person wrote: a PostgreSQL connection, otherwise a folder.</summary>
    /// <exception cref="ArgumentException">The connection can't be read.</exception>
    public static StoreAddress Read(string text, string market) => PostgresStore.IsConnection(text) ? InPostgres(text, market) : InFolder(Path.GetFullPath(text));

    /// <summary>Whether there is a store.</summary>
    /// <exception cref="DbException">The database can't be reached.</exception>
    public abstract bool Exists();

    /// <summary>The market's key for answer ids, made at its first use; all replicas have the same.</summary>
    /// <param name="folder">The market's folder, where the key lies unless the store holds it.</param>
    internal abstract byte[] OpenAnswerKey(string folder);

    /// <summary>Opens a connection for reading.</summary>
    internal abstract DbConnection OpenToRead();

    /// <summary>Opens a connection for writing; begins a store where there is none.</summary>
    internal abstract DbConnection OpenToWrite();

    /// <summary>Begins a transaction that no other writer's runs beside: an erasure must see what is being stored, and the other way round.</summary>
    internal abstract DbTransaction Begin(DbConnection connection);
}
