using System.Globalization;
using Comity.Coordinator.Storage;
using Comity.Testing;
using Comity.Transport.Stores;
using Npgsql;

namespace Comity.Coordinator.Tests.Storage;

/// <summary>A schema of one test, and a user of its own who can be shut out: then the database has gone away, for this test only.</summary>
internal sealed class TestDatabase : IDisposable
{
    private const string Password = "geheim";
    private readonly string _name = "t" + Guid.NewGuid().ToString("N");
    private readonly string _server = Requires.Postgres();

    public TestDatabase()
    {
        Execute($"CREATE ROLE {_name} LOGIN PASSWORD '{Password}'; CREATE SCHEMA {_name} AUTHORIZATION {_name}");
        Address = StoreAddress.Read(Text(), StoreAddress.Option, "comity-coordinator", [])!;
    }

    public StoreAddress Address { get; }

    public string Schema => _name;

    /// <summary>The address as a person writes it, changed.</summary>
    public string Text(Action<NpgsqlConnectionStringBuilder>? change = null)
    {
        var builder = new NpgsqlConnectionStringBuilder(_server) { Username = _name, Password = Password, SearchPath = _name, ApplicationName = _name };
        change?.Invoke(builder);
        return builder.ConnectionString;
    }

    /// <summary>All connections end, and none is let in.</summary>
    public void GoAway()
    {
        Execute($"ALTER ROLE {_name} NOLOGIN");
        Cut();
    }

    public void ComeBack() => Execute($"ALTER ROLE {_name} LOGIN");

    /// <summary>All connections end, as with a server that was restarted.</summary>
    public void Cut() => Execute($"SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity WHERE usename = '{_name}'");

    /// <summary>What a successor does to this one.</summary>
    public void RaiseEpoch() => Execute($"UPDATE {_name}.leadership SET epoch = epoch + 1");

    public void Execute(string sql)
    {
        using var connection = new NpgsqlConnection(_server);
        connection.Open();
        using var command = new NpgsqlCommand(sql, connection);
        command.ExecuteNonQuery();
    }

    public long Number(string sql)
    {
        using var connection = new NpgsqlConnection(_server);
        connection.Open();
        using var command = new NpgsqlCommand(sql.Replace("@schema", _name, StringComparison.Ordinal), connection);
        return Convert.ToInt64(command.ExecuteScalar(), CultureInfo.InvariantCulture);
    }

    /// <summary>The first column of each row.</summary>
    public List<string> Names(string sql)
    {
        using var connection = new NpgsqlConnection(_server);
        connection.Open();
        using var command = new NpgsqlCommand(sql.Replace("@schema", _name, StringComparison.Ordinal), connection);
        using var reader = command.ExecuteReader();
        var names = new List<string>();
        while (reader.Read()) names.Add(reader.GetString(0));
        return names;
    }

    public void Dispose()
    {
        Cut();
        Execute($"DROP SCHEMA IF EXISTS {_name} CASCADE; DROP ROLE {_name}");
    }
}
