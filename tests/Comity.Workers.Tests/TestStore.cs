using Comity.Testing;
using Comity.Transport.Queues;
using Comity.Transport.Stores;
using Comity.Workers.Stores;
using Npgsql;

namespace Comity.Workers.Tests;

/// <summary>A store in a schema of its own on a real server.</summary>
internal sealed class TestStore : IAsyncDisposable
{
    private readonly string _server = Requires.Postgres();
    private readonly string _schema = "w" + Guid.NewGuid().ToString("N");

    public TestStore() => Address = StoreAddress.Read($"{_server};Search Path={_schema}", StoreAddress.Option, "comity", [])!;

    public StoreAddress Address { get; }

    public static QueueAddress Queue() => QueueAddress.Read(Requires.RabbitMq(), QueueAddress.Option, [])!;

    public Task<TrialStore> OpenAsync() => TrialStore.OpenAsync(Address, CancellationToken.None);

    public static RunDescription Description => new()
    {
        Study = "small", StudyFile = "study.yaml", StudySha256 = new string('a', 64), RecordsSha256 = new string('b', 64), Seed = 1, Arms = ["local"], VectorBits = 256, Architecture = "X64", Version = "1",
    };

    public static Federation.Trials.TrialOrder Order(string id, double cost = 1) => new() { Id = id, Repeat = 0, Models = [id], Cost = cost, Slots = 1, LayoutDigest = "l", Files = [] };

    public async ValueTask DisposeAsync()
    {
        await using var connection = new NpgsqlConnection(_server);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand($"DROP SCHEMA IF EXISTS {_schema} CASCADE", connection);
        await command.ExecuteNonQueryAsync();
    }
}
