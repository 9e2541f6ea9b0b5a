using System.Net;
using System.Net.Sockets;
using Comity.Testing;

namespace Comity.EndToEnd.Tests;

/// <summary>A coordinator and sites, each a process of its own, driven by the commands that people type.</summary>
internal sealed class Federation : IAsyncDisposable
{
    public static readonly TimeSpan Patience = TimeSpan.FromMinutes(4);

    private static readonly Dictionary<string, string?> Fixed = new() { ["LC_ALL"] = null, ["LC_MESSAGES"] = null, ["LANG"] = "C.UTF-8" };
    private readonly List<CommandProcess> _processes = [];

    private Federation(TempFolder folder, CommandProcess coordinator, string[] arguments) => (Folder, Coordinator, Arguments) = (folder, coordinator, arguments);

    public TempFolder Folder { get; }

    public CommandProcess Coordinator { get; private set; }

    public string JoinCode => Rest(Coordinator.Output, "Join code: ");

    public Uri Listening => new(Rest(Coordinator.Output, "Listening on "));

    private string Data => Folder.At("coordinator");

    private string[] Arguments { get; }

    public static async Task<Federation> StartAsync(params string[] arguments)
    {
        var folder = new TempFolder();
        if (arguments.Length == 0) arguments = ["--listen", $"https://127.0.0.1:{FreePort()}"];
        return new(folder, await ServeAsync(folder, arguments), arguments);
    }

    /// <summary>Kills the coordinator as a crash would, and starts it again.</summary>
    public async Task RestartAsync()
    {
        await Coordinator.DisposeAsync();
        Coordinator = await ServeAsync(Folder, Arguments);
    }

    /// <summary>An operator's command.</summary>
    public async Task<CommandResult> OperateAsync(params string[] arguments)
    {
        await using var process = Program([.. arguments, "--data", Data, "--lang", "en"]);
        return await process.WaitAsync(Patience);
    }

    /// <summary>Writes a site's file with two records beside it; returns its path.</summary>
    public string SiteFile(string name, string more = "")
    {
        Folder.Write($"{name}/records.csv", "age,num\n63,0\n67,1\n");
        return Folder.Write($"{name}/site.yaml", $"site: {name}\ndata: {{ source: {{ csv: records.csv }} }}\n{more}");
    }

    /// <summary>Starts <c>comity</c>; it ends with the federation.</summary>
    public CommandProcess Start(params string[] arguments)
    {
        var process = Cli.Start(Folder.FullPath, arguments);
        _processes.Add(process);
        return process;
    }

    /// <summary>Has a site join and be approved with the fingerprint that its own screen shows.</summary>
    public async Task<CommandProcess> JoinAsync(string name, string file, string? code = null)
    {
        var site = Start("site", "run", "--config", file, "--join", code ?? JoinCode);
        await UntilAsync(site, "waiting …");
        var fingerprint = Rest(site.Output, $"Fingerprint of the key of {name}: ");
        Assert.Contains(name + "  waits since", (await OperateAsync("sites")).Output, StringComparison.Ordinal);
        var approved = await OperateAsync("sites", "approve", name, "--fingerprint", fingerprint);
        Assert.True(approved.ExitCode == 0, approved.ToString());
        await UntilAsync(site, $"{name} serves ");
        return site;
    }

    public static async Task UntilAsync(CommandProcess process, string text) =>
        Assert.True(await process.WaitUntilAsync(p => (p.Output + p.Error).Contains(text, StringComparison.Ordinal), Patience), $"'{text}' did not come:\n{process.Output}\n{process.Error}");

    public static string Rest(string text, string start) => text[(text.IndexOf(start, StringComparison.Ordinal) + start.Length)..].Split('\n')[0].Trim();

    public static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var process in _processes) await process.DisposeAsync();
        await Coordinator.DisposeAsync();
        Folder.Dispose();
    }

    private static async Task<CommandProcess> ServeAsync(TempFolder folder, string[] arguments)
    {
        var process = Program(["serve", "--data", folder.At("coordinator"), "--lang", "en", .. arguments]);
        await UntilAsync(process, "A site joins with");
        return process;
    }

    private static CommandProcess Program(IEnumerable<string> arguments) =>
        CommandProcess.Start("dotnet", [Path.Combine(AppContext.BaseDirectory, "comity-coordinator.dll"), .. arguments], environment: Fixed);
}
