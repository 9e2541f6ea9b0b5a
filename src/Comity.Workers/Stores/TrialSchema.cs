using System.Globalization;
using Npgsql;

namespace Comity.Workers.Stores;

/// <summary>The tables, step by step: a step that was released is never changed, only followed by another. They may lie beside a coordinator's.</summary>
internal static class TrialSchema
{
    private static readonly string[] Steps =
    [
        """
        CREATE TABLE trial_runs (
            run TEXT COLLATE "C" PRIMARY KEY, description TEXT NOT NULL, lease_seconds DOUBLE PRECISION NOT NULL, most_deliveries INTEGER NOT NULL, seen_at TIMESTAMPTZ NOT NULL);
        CREATE SEQUENCE trial_fences;
        CREATE TABLE trials (
            run TEXT COLLATE "C" NOT NULL REFERENCES trial_runs ON DELETE CASCADE, trial TEXT COLLATE "C", contents TEXT NOT NULL, cost DOUBLE PRECISION NOT NULL, slots INTEGER NOT NULL,
            state TEXT NOT NULL, deliveries INTEGER NOT NULL DEFAULT 0, fence BIGINT NOT NULL DEFAULT 0, worker TEXT NOT NULL DEFAULT '', taken_at TIMESTAMPTZ, expires TIMESTAMPTZ,
            published_at TIMESTAMPTZ NOT NULL, problem TEXT, PRIMARY KEY (run, trial));
        CREATE TABLE trial_files (
            id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, run TEXT COLLATE "C" NOT NULL REFERENCES trial_runs ON DELETE CASCADE, name TEXT COLLATE "C" NOT NULL,
            length BIGINT NOT NULL, sha256 TEXT NOT NULL, UNIQUE (run, name));
        CREATE TABLE trial_file_parts (
            file BIGINT NOT NULL REFERENCES trial_files ON DELETE CASCADE, part INTEGER NOT NULL, bytes BYTEA NOT NULL CHECK (octet_length(bytes) <= 8388608), PRIMARY KEY (file, part));
        -- Floats do not compress; trying to would cost more than reading them.
        ALTER TABLE trial_file_parts ALTER COLUMN bytes SET STORAGE EXTERNAL;
        CREATE TABLE trial_workers (
            worker TEXT COLLATE "C" PRIMARY KEY, machine TEXT NOT NULL, vector_bits INTEGER NOT NULL, slots INTEGER NOT NULL, speed DOUBLE PRECISION, free_share DOUBLE PRECISION NOT NULL, seen_at TIMESTAMPTZ NOT NULL);
        CREATE TABLE trial_declines (
            run TEXT COLLATE "C" NOT NULL REFERENCES trial_runs ON DELETE CASCADE, worker TEXT COLLATE "C", problem TEXT NOT NULL, PRIMARY KEY (run, worker));
        """,
    ];

    /// <summary>Makes the tables, or brings them to the newest version, all or nothing; one process at a time.</summary>
    /// <returns>The store's own name, by which its queue is called.</returns>
    public static async Task<string> MigrateAsync(NpgsqlConnection connection, string schema, CancellationToken cancellationToken)
    {
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await ExecuteAsync(connection, $"SELECT pg_advisory_xact_lock(hashtextextended('{schema} trials migrate', 0))", cancellationToken);
        // Asked first: who may use a schema need not be allowed to make one.
        if (await ScalarAsync(connection, $"SELECT to_regclass('\"{schema}\".trial_store')::TEXT", cancellationToken) is DBNull or null)
        {
            if (!(bool)(await ScalarAsync(connection, $"SELECT EXISTS (SELECT 1 FROM pg_namespace WHERE nspname = '{schema}')", cancellationToken))!) await ExecuteAsync(connection, $"CREATE SCHEMA \"{schema}\"", cancellationToken);
            await ExecuteAsync(connection, $"CREATE TABLE \"{schema}\".trial_store (one INTEGER PRIMARY KEY CHECK (one = 1), name TEXT NOT NULL, version INTEGER NOT NULL); INSERT INTO \"{schema}\".trial_store VALUES (1, replace(gen_random_uuid()::TEXT, '-', ''), 0)", cancellationToken);
        }
        var version = (int)(await ScalarAsync(connection, "SELECT version FROM trial_store", cancellationToken))!;
        for (; version < Steps.Length; version++) await ExecuteAsync(connection, Steps[version] + string.Create(CultureInfo.InvariantCulture, $"; UPDATE trial_store SET version = {version + 1}"), cancellationToken);
        var name = (string)(await ScalarAsync(connection, "SELECT name FROM trial_store", cancellationToken))!;
        await transaction.CommitAsync(cancellationToken);
        return name;
    }

    private static async Task<object?> ScalarAsync(NpgsqlConnection connection, string sql, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        return await command.ExecuteScalarAsync(cancellationToken);
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }
}
