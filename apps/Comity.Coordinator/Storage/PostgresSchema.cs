using System.Globalization;
using Comity.Coordinator.Identity;
using Npgsql;

namespace Comity.Coordinator.Storage;

/// <summary>The tables in PostgreSQL, step by step: a step that was released is never changed, only followed by another.</summary>
internal static class PostgresSchema
{
    private static readonly string[] Steps =
    [
        """
        CREATE TABLE leadership (one INTEGER PRIMARY KEY CHECK (one = 1), epoch BIGINT NOT NULL, holder TEXT NOT NULL, taken_at BIGINT NOT NULL);
        INSERT INTO leadership VALUES (1, 0, '', 0);
        CREATE TABLE settings (key TEXT COLLATE "C" PRIMARY KEY, value TEXT NOT NULL);
        CREATE TABLE members (
            name TEXT COLLATE "C" PRIMARY KEY, role TEXT NOT NULL, fingerprint TEXT COLLATE "C" NOT NULL UNIQUE, public_key BYTEA NOT NULL,
            certificate BYTEA NOT NULL, not_after BIGINT NOT NULL, approved_at BIGINT NOT NULL, revoked_at BIGINT);
        CREATE TABLE retired_keys (fingerprint TEXT COLLATE "C" PRIMARY KEY, name TEXT NOT NULL, retired_at BIGINT NOT NULL);
        CREATE TABLE enrolments (
            fingerprint TEXT COLLATE "C" PRIMARY KEY, name TEXT NOT NULL, role TEXT NOT NULL, request BYTEA NOT NULL, address TEXT NOT NULL,
            asked_at BIGINT NOT NULL);
        CREATE TABLE tokens (
            id TEXT COLLATE "C" PRIMARY KEY, hash BYTEA NOT NULL, name TEXT NOT NULL, role TEXT NOT NULL, studies TEXT, created_at BIGINT NOT NULL,
            expires_at BIGINT NOT NULL, revoked_at BIGINT);
        CREATE TABLE studies (
            id TEXT COLLATE "C" PRIMARY KEY, study TEXT NOT NULL, author TEXT NOT NULL, submitted TEXT COLLATE "C" NOT NULL, state TEXT NOT NULL,
            submission TEXT NOT NULL, joined TEXT, problems TEXT NOT NULL);
        CREATE TABLE withdrawals (study TEXT COLLATE "C", site TEXT COLLATE "C", at TEXT NOT NULL, PRIMARY KEY (study, site));
        """,
        """
        -- Who reads the members keeps them in memory while this stands still.
        CREATE TABLE member_changes (one INTEGER PRIMARY KEY CHECK (one = 1), number BIGINT NOT NULL);
        INSERT INTO member_changes VALUES (1, 0);
        CREATE FUNCTION members_changed() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN UPDATE member_changes SET number = number + 1; RETURN NULL; END $$;
        CREATE TRIGGER members_changed AFTER INSERT OR UPDATE OR DELETE ON members FOR EACH STATEMENT EXECUTE FUNCTION members_changed();

        CREATE TABLE run (study TEXT COLLATE "C", key TEXT COLLATE "C", value TEXT NOT NULL, PRIMARY KEY (study, key));
        CREATE TABLE agreed (study TEXT COLLATE "C", repeat BIGINT, json TEXT NOT NULL, PRIMARY KEY (study, repeat));
        CREATE TABLE rounds (study TEXT COLLATE "C", model TEXT COLLATE "C", repeat BIGINT, round BIGINT, json TEXT NOT NULL, PRIMARY KEY (study, model, repeat, round));
        CREATE TABLE models (study TEXT COLLATE "C", model TEXT COLLATE "C", repeat BIGINT, json TEXT NOT NULL, PRIMARY KEY (study, model, repeat));
        CREATE TABLE evaluations (
            study TEXT COLLATE "C", model TEXT COLLATE "C", repeat BIGINT, site TEXT COLLATE "C", split TEXT COLLATE "C", json TEXT NOT NULL, predictions TEXT,
            number BIGINT GENERATED ALWAYS AS IDENTITY, PRIMARY KEY (study, model, repeat, site, split));
        CREATE TABLE evaluated (study TEXT COLLATE "C", model TEXT COLLATE "C", repeat BIGINT, PRIMARY KEY (study, model, repeat));
        CREATE TABLE comparisons (study TEXT COLLATE "C", candidate TEXT COLLATE "C", repeat BIGINT, json TEXT NOT NULL, PRIMARY KEY (study, candidate, repeat));

        CREATE TABLE accounts (
            id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, run TEXT COLLATE "C" NOT NULL, study TEXT NOT NULL, site TEXT COLLATE "C" NOT NULL, dataset TEXT NOT NULL,
            open BIGINT NOT NULL, UNIQUE (run, site));
        CREATE TABLE reserved (account BIGINT NOT NULL REFERENCES accounts, event TEXT COLLATE "C" NOT NULL, count BIGINT NOT NULL, PRIMARY KEY (account, event));
        CREATE TABLE charges (
            account BIGINT NOT NULL REFERENCES accounts, answer TEXT COLLATE "C" NOT NULL, event TEXT COLLATE "C" NOT NULL, count BIGINT NOT NULL, sha256 TEXT NOT NULL,
            time TEXT NOT NULL, PRIMARY KEY (account, answer));
        CREATE TABLE budgets (scope TEXT COLLATE "C", name TEXT COLLATE "C", epsilon DOUBLE PRECISION NOT NULL, delta DOUBLE PRECISION NOT NULL, PRIMARY KEY (scope, name));

        CREATE TABLE bodies (
            id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, study TEXT COLLATE "C" NOT NULL, name TEXT COLLATE "C" NOT NULL, length BIGINT NOT NULL, note TEXT NOT NULL,
            UNIQUE (study, name));
        CREATE TABLE body_parts (body BIGINT NOT NULL REFERENCES bodies ON DELETE CASCADE, part INTEGER NOT NULL, bytes BYTEA NOT NULL CHECK (octet_length(bytes) <= 8388608), PRIMARY KEY (body, part));
        -- Floats do not compress; trying to would cost more than reading them.
        ALTER TABLE body_parts ALTER COLUMN bytes SET STORAGE EXTERNAL;
        """,
        """
        -- Where other replicas reach the one that leads.
        ALTER TABLE leadership ADD COLUMN address TEXT NOT NULL DEFAULT '';
        """,
        """
        -- What a study's plan was reckoned by, so that its cost is.
        ALTER TABLE accounts ADD COLUMN accountant TEXT NOT NULL DEFAULT '';
        """,
        """
        -- The coordinator's audit log, line by line as it stands in audit.jsonl.
        CREATE TABLE audit (sequence BIGINT PRIMARY KEY, line TEXT NOT NULL);
        """,
    ];

    /// <summary>Version that this software writes.</summary>
    public static int Newest => Steps.Length;

    /// <summary>Makes the schema, or brings it to the newest version, all or nothing; one process at a time.</summary>
    /// <exception cref="NewerStateException">A newer version of the software wrote it; nothing was changed.</exception>
    public static void Migrate(NpgsqlConnection connection, string schema, int upTo)
    {
        using var transaction = connection.BeginTransaction();
        Execute(connection, string.Create(CultureInfo.InvariantCulture, $"SELECT pg_advisory_xact_lock(hashtextextended('{schema} migrates', 0))"));
        // Asked first: who may use a schema need not be allowed to make one.
        if (!Exists(connection, schema, "schema_version"))
        {
            if (!Exists(connection, schema)) Execute(connection, $"CREATE SCHEMA \"{schema}\"");
            Execute(connection, $"CREATE TABLE \"{schema}\".schema_version (one INTEGER PRIMARY KEY CHECK (one = 1), version INTEGER NOT NULL); INSERT INTO \"{schema}\".schema_version VALUES (1, 0)");
        }
        var version = Convert.ToInt32(Scalar(connection, $"SELECT version FROM \"{schema}\".schema_version"), CultureInfo.InvariantCulture);
        if (version > Newest) throw new NewerStateException(version, Newest);
        for (; version < upTo; version++) Execute(connection, Steps[version] + string.Create(CultureInfo.InvariantCulture, $"; UPDATE schema_version SET version = {version + 1}"));
        transaction.Commit();
    }

    private static bool Exists(NpgsqlConnection connection, string schema) => (bool)Scalar(connection, $"SELECT EXISTS (SELECT 1 FROM pg_namespace WHERE nspname = '{schema}')")!;

    private static bool Exists(NpgsqlConnection connection, string schema, string table) => (bool)Scalar(connection, $"SELECT to_regclass('\"{schema}\".{table}') IS NOT NULL")!;

    private static object? Scalar(NpgsqlConnection connection, string sql)
    {
        using var command = new NpgsqlCommand(sql, connection);
        return command.ExecuteScalar();
    }

    private static void Execute(NpgsqlConnection connection, string sql)
    {
        using var command = new NpgsqlCommand(sql, connection);
        command.ExecuteNonQuery();
    }
}
