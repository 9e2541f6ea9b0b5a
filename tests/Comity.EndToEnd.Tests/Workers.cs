using Comity.Testing;
using Npgsql;

namespace Comity.EndToEnd.Tests;

/// <summary>Worker processes over a real broker and a schema of their own.</summary>
internal sealed class Workers : IAsyncDisposable
{
    public static readonly TimeSpan Limit = TimeSpan.FromMinutes(5);

    private readonly string _server = Requires.Postgres();
    private readonly string _schema = "w" + Guid.NewGuid().ToString("N");
    private readonly Dictionary<string, string?> _environment;
    private readonly List<CommandProcess> _processes = [];

    public Workers() => _environment = new()
    {
        ["COMITY_STORE"] = $"{_server};Search Path={_schema}", ["COMITY_QUEUE"] = Requires.RabbitMq(), ["LC_ALL"] = null, ["LC_MESSAGES"] = null, ["LANG"] = "C.UTF-8", ["NO_COLOR"] = null,
    };

    /// <summary>Starts a worker and waits until it is there.</summary>
    public async Task<CommandProcess> StartAsync(string folder, params string[] arguments)
    {
        var worker = Begin(folder, ["worker", "--jobs", "1", .. arguments]);
        Assert.True(await worker.WaitUntilAsync(p => p.Output.Contains("Ctrl-C stops it", StringComparison.Ordinal), Limit), worker.Output + worker.Error);
        return worker;
    }

    /// <summary>Starts a run that is spread over the workers.</summary>
    public CommandProcess Run(string folder, params string[] arguments) => Begin(folder, ["run", ".", "--out", "out", "--queue", .. arguments]);

    public string Said() => string.Join("\n", _processes.Select(p => $"=== {p.Id}\n{p.Output}\n{p.Error}"));

    /// <summary>A number from the store.</summary>
    public async Task<long> CountAsync(string sql)
    {
        await using var connection = new NpgsqlConnection($"{_server};Search Path={_schema}");
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        return Convert.ToInt64(await command.ExecuteScalarAsync(), System.Globalization.CultureInfo.InvariantCulture);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var process in _processes) await process.DisposeAsync();
        await using var connection = new NpgsqlConnection(_server);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand($"DROP SCHEMA IF EXISTS {_schema} CASCADE", connection);
        await command.ExecuteNonQueryAsync();
    }

    private CommandProcess Begin(string folder, IEnumerable<string> arguments)
    {
        var process = CommandProcess.StartComity([.. arguments, "--lang", "en"], folder, _environment);
        _processes.Add(process);
        return process;
    }
}
