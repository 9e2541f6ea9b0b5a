using System.Globalization;
using System.Text.RegularExpressions;
using Comity.Testing;
using Comity.Transport.Identity;
using Npgsql;

namespace Comity.EndToEnd.Tests;

/// <summary>Two coordinators over one database and one broker behind a plain load balancer, and sites that dial the balancer.</summary>
internal sealed partial class ReplicaProcesses : IAsyncDisposable
{
    public static readonly TimeSpan Limit = TimeSpan.FromMinutes(6);

    private readonly string _folder;
    private readonly string _schema = "r" + Guid.NewGuid().ToString("N");
    private readonly string _server = Requires.Postgres();
    private readonly int[] _ports = [Federation.FreePort(), Federation.FreePort()];
    private readonly CommandProcess[] _replicas = new CommandProcess[2];
    private readonly Dictionary<string, CommandProcess> _sites = [];
    private readonly Dictionary<string, string?> _environment;
    private readonly Balancer _balancer;
    private string _token = "";

    /// <param name="folder">Where the replicas' folders lie.</param>
    /// <param name="stateKey">What encrypts their state; null: nothing does.</param>
    public ReplicaProcesses(string folder, string? stateKey = null)
    {
        _folder = folder;
        _environment = new()
        {
            ["COMITY_STORE"] = $"{_server};Search Path={_schema}", ["COMITY_QUEUE"] = Requires.RabbitMq(), ["COMITY_REPLICA_SECRET"] = "a secret of this test, which is long enough",
            ["COMITY_STATE_KEY"] = stateKey, ["LC_ALL"] = null, ["LC_MESSAGES"] = null, ["LANG"] = "C.UTF-8",
        };
        _balancer = new(_ports);
    }

    public string Code { get; private set; } = "";

    public CommandProcess Replica(int index) => _replicas[index];

    /// <summary>Starts a replica with its own folder and port; nothing is copied to it.</summary>
    public async Task StartReplicaAsync(int index)
    {
        var process = _replicas[index] = Program(["serve", "--data", $"replica-{index}", "--listen", $"https://127.0.0.1:{_ports[index]}", "--address", $"https://127.0.0.1:{_balancer.Port}"]);
        Assert.True(await process.WaitUntilAsync(p => p.Output.Contains("A site joins", StringComparison.Ordinal), Limit), process.Output + process.Error);
        Code = JoinCode().Match(process.Output).Value;
    }

    /// <summary>Starts a replica that will not serve.</summary>
    public async Task<CommandResult> RefusedReplicaAsync(int index)
    {
        await using var process = Program(["serve", "--data", $"replica-{index}", "--listen", $"https://127.0.0.1:{_ports[index]}", "--address", $"https://127.0.0.1:{_balancer.Port}"]);
        return await process.WaitAsync(Limit);
    }

    /// <summary>Lets a site join through the balancer.</summary>
    public async Task JoinAsync(string site)
    {
        var process = _sites[site] = CommandProcess.StartComity(["site", "run", "--config", $"{site}.yaml", "--lang", "en", "--join", Code], _folder);
        Assert.True(await process.WaitUntilAsync(p => Fingerprint().IsMatch(p.Output), Limit), process.Error);
        await OperateAsync("sites", "approve", site, "--fingerprint", Fingerprint().Match(process.Output).Value);
        Assert.True(await process.WaitUntilAsync(p => p.Output.Contains("Ctrl-C stops it", StringComparison.Ordinal), Limit), process.Error);
    }

    public async Task<string> SubmitAsync(string study)
    {
        _token = (await OperateAsync("tokens", "create", "--name", "ann", "--role", "author")).Output.Trim();
        var submitted = await AuthorAsync("submit", study);
        Assert.True(submitted.ExitCode == 0, submitted + Said());
        return StudyId().Match(submitted.Output).Groups[1].Value;
    }

    public Task<CommandResult> AuthorAsync(params string[] arguments) => CommandProcess.RunComityAsync(
        [.. arguments, "--lang", "en"], Limit, _folder, new Dictionary<string, string?> { ["COMITY_TOKEN"] = _token, ["COMITY_COORDINATOR"] = Code, ["COMITY_HOME"] = Path.Combine(_folder, "home") });

    /// <summary>A client of the author's, through the balancer.</summary>
    public HttpClient AuthorHttp()
    {
        var code = Transport.Identity.JoinCode.Parse(Code)!;
        return CoordinatorHttp.Connect(new() { Address = code.Coordinator, Authority = code.Authority, Token = _token }, TimeProvider.System);
    }

    /// <summary>An operator's command beside one of the replicas.</summary>
    public async Task<CommandResult> OperateAsync(params string[] arguments)
    {
        await using var process = Program([.. arguments, "--data", "replica-1"]);
        var result = await process.WaitAsync(Limit);
        Assert.True(result.ExitCode == 0, result.ToString());
        return result;
    }

    /// <summary>The epoch that is in force, and which replica drives in it.</summary>
    public (long Epoch, int Driver) Leader()
    {
        using var connection = new NpgsqlConnection(_server);
        connection.Open();
        using var command = new NpgsqlCommand($"SELECT epoch, address FROM {_schema}.leadership", connection);
        using var row = command.ExecuteReader();
        row.Read();
        return (row.GetInt64(0), row.GetString(1) is { Length: > 0 } address ? Array.IndexOf(_ports, new Uri(address).Port) : -1);
    }

    /// <summary>Waits until somebody drives in an epoch above the one given.</summary>
    public async Task<(long Epoch, int Driver)> TakenOverAsync(long epoch)
    {
        using var limit = new CancellationTokenSource(Limit);
        while (true)
        {
            if (Leader() is { Driver: >= 0 } leader && leader.Epoch > epoch) return leader;
            Assert.False(limit.IsCancellationRequested, Said());
            await Task.Delay(50);
        }
    }

    /// <summary>Waits until a study's round is in the database, whoever writes it.</summary>
    public async Task RoundAsync(int round)
    {
        using var limit = new CancellationTokenSource(Limit);
        while (true)
        {
            await using var connection = new NpgsqlConnection(_server);
            await connection.OpenAsync();
            await using var command = new NpgsqlCommand($"SELECT coalesce(max(round), 0) FROM {_schema}.rounds WHERE model = 'federated/average'", connection);
            if (Convert.ToInt64(await command.ExecuteScalarAsync(), CultureInfo.InvariantCulture) >= round) return;
            Assert.False(limit.IsCancellationRequested, Said());
            await Task.Delay(20);
        }
    }

    /// <summary>Waits for a study's end in the database.</summary>
    public async Task DoneAsync(string study)
    {
        using var limit = new CancellationTokenSource(Limit);
        while (true)
        {
            await using var connection = new NpgsqlConnection(_server);
            await connection.OpenAsync();
            await using var command = new NpgsqlCommand($"SELECT state FROM {_schema}.studies WHERE id = @id", connection);
            command.Parameters.AddWithValue("id", study);
            var state = (string?)await command.ExecuteScalarAsync();
            if (state == "Done") return;
            Assert.False(_sites.Values.Any(s => s.HasExited), Said());
            Assert.False(limit.IsCancellationRequested || state is "Stopped" or "Cancelled", $"{state}\n{Said()}");
            await Task.Delay(50);
        }
    }

    public string Said() => string.Join("\n", _replicas.Concat(_sites.Values).Select(p => $"=== {p?.Id}\n{p?.Output}\n{p?.Error}"));

    public async ValueTask DisposeAsync()
    {
        foreach (var process in _sites.Values.Concat(_replicas)) await (process?.DisposeAsync() ?? default);
        await _balancer.DisposeAsync();
        await using var connection = new NpgsqlConnection(_server);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand($"DROP SCHEMA IF EXISTS {_schema} CASCADE", connection);
        await command.ExecuteNonQueryAsync();
    }

    private CommandProcess Program(IEnumerable<string> arguments) => CommandProcess.Start("dotnet", [Path.Combine(AppContext.BaseDirectory, "comity-coordinator.dll"), .. arguments, "--lang", "en"], _folder, _environment);

    [GeneratedRegex("comity1-[0-9A-Za-z]+")]
    private static partial Regex JoinCode();

    [GeneratedRegex("([0-9A-Z]{4}-){7}[0-9A-Z]{4}")]
    private static partial Regex Fingerprint();

    [GeneratedRegex("Its id: (\\S+)")]
    private static partial Regex StudyId();
}
