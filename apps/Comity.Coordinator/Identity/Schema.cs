using Comity.Federation.Stores;

namespace Comity.Coordinator.Identity;

/// <summary>The tables, step by step: a step that was released is never changed, only followed by another.</summary>
internal static class Schema
{
    private static readonly string[] Steps =
    [
        """
        CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
        CREATE TABLE members (
            name TEXT PRIMARY KEY, role TEXT NOT NULL, fingerprint TEXT NOT NULL UNIQUE, public_key BLOB NOT NULL,
            certificate BLOB NOT NULL, not_after INTEGER NOT NULL, approved_at INTEGER NOT NULL, revoked_at INTEGER) STRICT;
        CREATE TABLE retired_keys (fingerprint TEXT PRIMARY KEY, name TEXT NOT NULL, retired_at INTEGER NOT NULL) STRICT;
        CREATE TABLE enrolments (
            fingerprint TEXT PRIMARY KEY, name TEXT NOT NULL, role TEXT NOT NULL, request BLOB NOT NULL, address TEXT NOT NULL,
            asked_at INTEGER NOT NULL) STRICT;
        """,
        """
        CREATE TABLE tokens (
            id TEXT PRIMARY KEY, hash BLOB NOT NULL, name TEXT NOT NULL, role TEXT NOT NULL, studies TEXT, created_at INTEGER NOT NULL,
            expires_at INTEGER NOT NULL, revoked_at INTEGER) STRICT;
        """,
    ];

    /// <summary>Version that this software writes.</summary>
    public static int Newest => Steps.Length;

    /// <summary>Brings a database to the newest schema, each step whole or not at all.</summary>
    /// <exception cref="NewerStateException">A newer version of the software wrote it.</exception>
    public static void Migrate(SqliteDatabase database)
    {
        if (database.Migrate(Steps) is var version && version > Newest) throw new NewerStateException(version, Newest);
    }
}

/// <summary>The state was written by a newer version of the software.</summary>
internal sealed class NewerStateException(int found, int newest) : Exception($"Schema {found} is newer than {newest}.")
{
    public int Found { get; } = found;

    public int Newest { get; } = newest;
}
