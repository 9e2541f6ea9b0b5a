using Microsoft.Data.Sqlite;

namespace Comity.Transport.Stores;

/// <summary>Tells a disk without room from what is damaged or wrong: it passes once somebody makes room.</summary>
public static class DiskFull
{
    private const int SqliteFull = 13; // SQLITE_FULL

    /// <summary>Whether something failed for want of room, in a file or in a database.</summary>
    public static bool Is(Exception e)
    {
        ArgumentNullException.ThrowIfNull(e);
        return e is IOException && (e.HResult & 0xFFFF) is 28 or 112 // ENOSPC, ERROR_DISK_FULL
            || e is SqliteException { SqliteErrorCode: SqliteFull } || (e.InnerException is { } inner && Is(inner));
    }
}
