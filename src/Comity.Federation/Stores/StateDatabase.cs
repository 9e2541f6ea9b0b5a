using System.Data.Common;

namespace Comity.Federation.Stores;

/// <summary>Control state in one SQL database: a SQLite file of one process and its commands, or a part of a PostgreSQL database that machines share.</summary>
/// <remarks>
/// Statements are in what both understand: <c>@a</c>, <c>@b</c>, … are the values in their order, and a row is replaced by <c>ON CONFLICT … DO UPDATE</c>. A write that
/// must not be lost is repeated until it is known to stand, so it is one that may be done twice.
/// </remarks>
public abstract class StateDatabase : IDisposable
{
    /// <summary>Guards writes. Who keeps something read from the database guards that with this lock too: a lock of its own, taken inside and outside a transaction, would one day be waited for in a circle.</summary>
    public Lock Gate { get; } = new();

    /// <summary>Which rows of the tables of runs are this database's own; null: all, the file is one run's.</summary>
    public virtual string? Part => null;

    /// <summary>What a condition on a table of runs begins with.</summary>
    internal string Mine => Part is null ? "" : "study = @study AND ";

    /// <summary>What a list of columns of a table of runs begins with.</summary>
    internal string Column => Part is null ? "" : "study, ";

    /// <summary>What a list of values of a table of runs begins with.</summary>
    internal string Value => Part is null ? "" : "@study, ";

    /// <summary>The column that tells in which order rows came.</summary>
    internal string Arrival => Part is null ? "rowid" : "number";

    /// <summary>Rows of a query.</summary>
    /// <param name="sql">The query.</param>
    /// <param name="row">Reads one row.</param>
    /// <param name="values">Values of <c>@a</c>, <c>@b</c>, …</param>
    public abstract IReadOnlyList<T> Read<T>(string sql, Func<DbDataReader, T> row, params ReadOnlySpan<object?> values);

    /// <summary>One statement, durable when this returns unless it is part of <see cref="Atomically{T}"/>; how many rows it changed.</summary>
    /// <param name="sql">The statement.</param>
    /// <param name="values">Values of <c>@a</c>, <c>@b</c>, …</param>
    public abstract int Write(string sql, params ReadOnlySpan<object?> values);

    /// <summary>Several statements, all or none, and nobody's in between.</summary>
    /// <param name="work">The statements; done again where the database went away before they stood.</param>
    public abstract T Atomically<T>(Func<T> work);

    /// <summary>Brings to the disk what was committed; nothing to do where a commit has done so.</summary>
    public virtual void Sync()
    {
    }

    /// <inheritdoc/>
    public abstract void Dispose();

    /// <summary>Name of a value by its position.</summary>
    /// <param name="position">From 0.</param>
    protected static string NameOf(int position) => $"@{(char)('a' + position)}";
}
