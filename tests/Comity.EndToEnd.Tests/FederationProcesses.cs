using System.Text.RegularExpressions;
using Comity.Testing;

namespace Comity.EndToEnd.Tests;

/// <summary>A coordinator and sites as processes over TLS on loopback, joined and approved as people do it.</summary>
internal sealed partial class FederationProcesses : IAsyncDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(4);
    private readonly string _folder;
    private readonly Dictionary<string, CommandProcess> _running = [];
    private readonly Dictionary<string, string> _fingerprints = [];
    private string _address = "https://127.0.0.1:0";

    private FederationProcesses(string folder) => _folder = folder;

    /// <summary>Names the coordinator and its key.</summary>
    public string Code { get; private set; } = "";

    /// <summary>What a site's people read out.</summary>
    public string FingerprintOf(string site) => _fingerprints[site];

    /// <summary>The address that people are told.</summary>
    public string Address => _address;

    /// <summary>Commands that people typed besides the coordinator's own start.</summary>
    public int Typed { get; private set; }

    private string Token { get; set; } = "";

    private string Home => Path.Combine(_folder, "home");

    /// <summary>Starts the coordinator and the sites, whose <c>site.yaml</c> are NAME.yaml in the folder, and lets them join.</summary>
    public static async Task<FederationProcesses> StartAsync(string folder, params string[] sites)
    {
        var federation = new FederationProcesses(folder);
        try
        {
            await federation.StartCoordinatorAsync();
            foreach (var site in sites) federation.StartSite(site, "--join", federation.Code);
            foreach (var site in sites)
            {
                var process = federation._running[site];
                Assert.True(await process.WaitUntilAsync(p => Fingerprint().IsMatch(p.Output), Limit), process.Error);
                federation._fingerprints[site] = Fingerprint().Match(process.Output).Value;
                var approved = await federation.CoordinatorAsync("sites", "approve", site, "--fingerprint", Fingerprint().Match(process.Output).Value, "--data", "coordinator");
                Assert.True(approved.ExitCode == 0, approved.ToString());
            }
            foreach (var site in sites) Assert.True(await federation.SaysAsync(site, "Ctrl-C stops it"), federation.Said());
            federation.Token = AuthorToken().Match(federation.OutputOf("coordinator")).Value;
            return federation;
        }
        catch
        {
            await federation.DisposeAsync();
            throw;
        }
    }

    public async Task StartCoordinatorAsync()
    {
        var process = CommandProcess.Start("dotnet", [CoordinatorPath, "serve", "--data", "coordinator", "--listen", _address, "--author", "ann", "--lang", "en"], _folder);
        _running["coordinator"] = process;
        Assert.True(await process.WaitUntilAsync(p => p.Output.Contains("Approve it with: ", StringComparison.Ordinal), Limit), process.Error); // the last line: the author's token stands before it
        Code = JoinCode().Match(process.Output).Value;
        _address = ListeningOn().Match(process.Output).Value; // the same port after a restart
    }

    public void StartSite(string site, params string[] options)
    {
        Typed++;
        _running[site] = CommandProcess.StartComity(["site", "run", "--config", $"{site}.yaml", "--log", $"{site}.jsonl", "--lang", "en", .. options], _folder);
    }

    /// <summary>Starts a serving node and, the first time, has it approved.</summary>
    public async Task StartNodeAsync(string node, string market, bool join = true)
    {
        string[] options = ["serve", "--market", market, "--listen", "http://127.0.0.1:0", "--state", Path.Combine(_folder, node), "--node", node, "--poll", "0.3", "--drain", "0", "--lang", "en"];
        var process = _running[node] = CommandProcess.StartComity(join ? [.. options, "--join", Code] : options, _folder, new Dictionary<string, string?> { ["COMITY_HOME"] = Home });
        if (!join) return;
        Assert.True(await process.WaitUntilAsync(p => Fingerprint().IsMatch(p.Output), Limit), process.Error);
        var approved = await CoordinatorAsync("sites", "approve", node, "--fingerprint", Fingerprint().Match(process.Output).Value, "--data", "coordinator");
        Assert.True(approved.ExitCode == 0, approved.ToString());
    }

    /// <summary>Kills a process where it stands.</summary>
    public async Task StopAsync(string name)
    {
        await _running[name].DisposeAsync();
        _running.Remove(name);
    }

    /// <summary>Has a process end by itself.</summary>
    public async Task<CommandResult> EndAsync(string name)
    {
        var process = _running[name];
        process.Terminate();
        var ended = await process.WaitAsync(Limit);
        await StopAsync(name);
        return ended;
    }

    /// <summary>What a process printed so far.</summary>
    public string OutputOf(string name) => _running[name].Output;

    /// <summary>What a process complained of so far.</summary>
    public string ErrorOf(string name) => _running[name].Error;

    /// <summary>Runs an author's command until its output is as expected, within the limit.</summary>
    public async Task<bool> ShowsAsync(Func<string, bool> expected, params string[] arguments)
    {
        var watch = System.Diagnostics.Stopwatch.StartNew();
        while (watch.Elapsed < Limit)
        {
            if (await AuthorAsync(arguments) is { ExitCode: 0 } shown && expected(shown.Output)) return true;
            await Task.Delay(200);
        }
        return false;
    }

    /// <summary>Kills a process where it stands, as a power cut or an impatient operator would, and starts it again.</summary>
    public async Task KillAndRestartAsync(string name)
    {
        await _running[name].DisposeAsync();
        if (name == "coordinator") await StartCoordinatorAsync();
        else StartSite(name);
    }

    /// <summary>Whether a process says something within the limit.</summary>
    public Task<bool> SaysAsync(string name, string text) => _running[name].WaitUntilAsync(p => p.Output.Contains(text, StringComparison.OrdinalIgnoreCase), Limit);

    /// <summary>Whether a process complains of something within the limit.</summary>
    public Task<bool> ComplainsAsync(string name, string text) => _running[name].WaitUntilAsync(p => p.Error.Contains(text, StringComparison.OrdinalIgnoreCase), Limit);

    /// <summary>An author's command.</summary>
    public Task<CommandResult> AuthorAsync(params string[] arguments)
    {
        Typed++;
        return CommandProcess.RunComityAsync(
            [.. arguments, "--lang", "en"], Limit, _folder, new Dictionary<string, string?> { ["COMITY_TOKEN"] = Token, ["COMITY_COORDINATOR"] = Code, ["COMITY_HOME"] = Home });
    }

    /// <summary>Submits a study and returns its id.</summary>
    public async Task<string> SubmitAsync(string study)
    {
        var submitted = await AuthorAsync("submit", study);
        Assert.True(submitted.ExitCode == 0, submitted.ToString());
        return StudyId().Match(submitted.Output).Groups[1].Value;
    }

    /// <summary>What all processes printed, for the message of an assertion.</summary>
    public string Said() => string.Join("\n", _running.Select(r => $"=== {r.Key}\n{r.Value.Output}\n{r.Value.Error}"));

    public async ValueTask DisposeAsync()
    {
        foreach (var process in _running.Values) await process.DisposeAsync();
    }

    private static string CoordinatorPath => Path.Combine(AppContext.BaseDirectory, "comity-coordinator.dll");

    private async Task<CommandResult> CoordinatorAsync(params string[] arguments)
    {
        Typed++;
        await using var process = CommandProcess.Start("dotnet", [CoordinatorPath, .. arguments, "--lang", "en"], _folder);
        return await process.WaitAsync(Limit);
    }

    [GeneratedRegex("comity1-[0-9A-Za-z]+")]
    private static partial Regex JoinCode();

    [GeneratedRegex("(?<=Listening on )https://[^\\s]+")]
    private static partial Regex ListeningOn();

    [GeneratedRegex("comity_[0-9a-f_]+\\.[0-9A-Z]+")]
    private static partial Regex AuthorToken();

    [GeneratedRegex("([0-9A-Z]{4}-){7}[0-9A-Z]{4}")]
    private static partial Regex Fingerprint();

    [GeneratedRegex("Its id: (\\S+)")]
    private static partial Regex StudyId();
}
