using System.Data.Common;
using System.Security.Cryptography;
using Npgsql;

namespace Comity.Serving.Feedback;

/// <summary>A market's store in a schema of a PostgreSQL database, for replicas on several machines. Commits are synchronous, whatever the database's own setting.</summary>
/// <remarks>Writers take turns by one advisory lock for each schema, as SQLite's do by its file: else an erasure and feedback on the same answer could each miss the other.</remarks>
internal sealed record PostgresStore(string Connection, string Schema) : StoreAddress
{
    private const int KeyBytes = 32;

    public static bool IsConnection(string text) =>
        text.StartsWith("postgres://", StringComparison.Ordinal) || text.StartsWith("postgresql://", StringComparison.Ordinal) || text.StartsWith("Host=", StringComparison.OrdinalIgnoreCase);

    public static PostgresStore Of(string connection, string market)
    {
        ArgumentNullException.ThrowIfNull(connection);
        // The name becomes part of a statement: only what can't end its quotes is taken.
        if (!Releases.ReleaseManifest.IsName(market)) throw new ArgumentException($"'{market}' is no name of a market.", nameof(market));
        var builder = connection.Contains("://", StringComparison.Ordinal) ? OfUrl(connection) : new NpgsqlConnectionStringBuilder(connection);
        builder.Pooling = false;
        builder.ApplicationName ??= "comity_" + market; // who looks at the database's connections sees whose they are
        return new PostgresStore(builder.ConnectionString, "comity_" + market);
    }

    public override bool Exists()
    {
        using var connection = Open();
        using var command = new NpgsqlCommand("SELECT EXISTS (SELECT 1 FROM information_schema.tables WHERE table_schema = @s AND table_name = 'feedback')", connection);
        command.Parameters.AddWithValue("s", Schema);
        return (bool)command.ExecuteScalar()!;
    }

    // The connection holds a password.
    public override string ToString() => $"PostgreSQL, {Schema}";

    internal override byte[] OpenAnswerKey(string folder)
    {
        using var connection = (NpgsqlConnection)OpenToWrite();
        using var command = new NpgsqlCommand("INSERT INTO answer_key (one, key) VALUES (1, @k) ON CONFLICT DO NOTHING", connection);
        command.Parameters.AddWithValue("k", RandomNumberGenerator.GetBytes(KeyBytes));
        command.ExecuteNonQuery();
        using var read = new NpgsqlCommand("SELECT key FROM answer_key", connection);
        return (byte[])read.ExecuteScalar()!;
    }

    internal override DbConnection OpenToRead()
    {
        var connection = Open();
        Execute(connection, $"SET search_path TO \"{Schema}\"; SET default_transaction_read_only = on");
        return connection;
    }

    internal override DbConnection OpenToWrite()
    {
        var connection = Open();
        try
        {
            // Replicas that start together would each find that there is no schema yet.
            Execute(connection, $"""
                BEGIN;
                {Turn};
                CREATE SCHEMA IF NOT EXISTS "{Schema}";
                SET search_path TO "{Schema}";
                SET synchronous_commit = on;
                CREATE TABLE IF NOT EXISTS feedback (
                  sequence BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, answer TEXT NOT NULL, digest TEXT NOT NULL, model TEXT NOT NULL, version TEXT NOT NULL,
                  answered BIGINT NOT NULL, received BIGINT NOT NULL, groups TEXT NOT NULL, outputs BYTEA NOT NULL, label TEXT, rating INTEGER, comment TEXT,
                  UNIQUE (answer, digest));
                CREATE TABLE IF NOT EXISTS erased (answer TEXT PRIMARY KEY);
                CREATE TABLE IF NOT EXISTS windows (sequence BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, model TEXT NOT NULL, version TEXT NOT NULL, ended BIGINT NOT NULL, json TEXT NOT NULL);
                CREATE TABLE IF NOT EXISTS answer_key (one INTEGER PRIMARY KEY CHECK (one = 1), key BYTEA NOT NULL);
                CREATE INDEX IF NOT EXISTS feedback_received ON feedback (received);
                COMMIT
                """);
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    internal override DbTransaction Begin(DbConnection connection)
    {
        var transaction = ((NpgsqlConnection)connection).BeginTransaction();
        try
        {
            Execute((NpgsqlConnection)connection, Turn);
            return transaction;
        }
        catch
        {
            transaction.Dispose();
            throw;
        }
    }

    private string Turn => $"SELECT pg_advisory_xact_lock(hashtextextended('{Schema}', 0))";

    private static NpgsqlConnectionStringBuilder OfUrl(string text)
    {
        if (!Uri.TryCreate(text, UriKind.Absolute, out var url) || url.Host.Length == 0) throw new ArgumentException("The connection is no URL such as postgres://user@host:5432/database.");
        var builder = new NpgsqlConnectionStringBuilder { Host = url.Host, Port = url.IsDefaultPort || url.Port < 0 ? 5432 : url.Port };
        if (url.AbsolutePath.Trim('/') is { Length: > 0 } database) builder.Database = Uri.UnescapeDataString(database);
        var user = url.UserInfo.Split(':', 2);
        if (user[0].Length > 0) builder.Username = Uri.UnescapeDataString(user[0]);
        if (user.Length > 1) builder.Password = Uri.UnescapeDataString(user[1]);
        foreach (var pair in url.Query.TrimStart('?').Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            var parts = pair.Split('=', 2);
            builder[Uri.UnescapeDataString(parts[0])] = Uri.UnescapeDataString(parts.ElementAtOrDefault(1) ?? "");
        }
        return builder;
    }

    private NpgsqlConnection Open()
    {
        var connection = new NpgsqlConnection(Connection);
        connection.Open();
        return connection;
    }

    private static void Execute(NpgsqlConnection connection, string sql)
    {
        using var command = new NpgsqlCommand(sql, connection);
        command.ExecuteNonQuery();
    }
}
