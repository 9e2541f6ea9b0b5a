using System.Text.RegularExpressions;

namespace Comity.Cli.Loop;

/// <summary>The neutral party of a rehearsal: a coordinator of its own on this machine, and what its operator does at it.</summary>
internal sealed partial class LoopCoordinator : IDisposable
{
    private static readonly Dictionary<string, string> Nothing = [];
    private readonly LoopProgram _program;
    private readonly LoopProcess _process;
    private readonly string _data;

    private LoopCoordinator(LoopProgram program, LoopProcess process, string data) => (_program, _process, _data) = (program, process, data);

    /// <summary>Names it and its key, for whoever joins.</summary>
    public string Code { get; private set; } = "";

    /// <summary>An author's token.</summary>
    public string Token { get; private set; } = "";

    public static async Task<LoopCoordinator> StartAsync(LoopProgram program, string data, CancellationToken cancellationToken)
    {
        var coordinator = new LoopCoordinator(program, LoopProcess.Start(program, Nothing, "serve", "--data", data, "--listen", "https://127.0.0.1:0"), data);
        try
        {
            coordinator.Code = await coordinator._process.SaysAsync(JoinCode(), cancellationToken);
            coordinator.Token = (await LoopProcess.RunAsync(program, Nothing, cancellationToken, "tokens", "create", "--name", "rehearsal", "--role", "author", "--data", data)).Trim();
            return coordinator;
        }
        catch
        {
            coordinator.Dispose();
            throw;
        }
    }

    /// <summary>Approves a node by the fingerprint that it shows, as its operator would read it out.</summary>
    public async Task ApproveAsync(string node, LoopProcess process, CancellationToken cancellationToken) =>
        await LoopProcess.RunAsync(_program, Nothing, cancellationToken, "sites", "approve", node, "--fingerprint", await process.SaysAsync(Fingerprint(), cancellationToken), "--data", _data);

    public Task StopAsync(CancellationToken cancellationToken) => _process.StopAsync(cancellationToken);

    public void Dispose() => _process.Dispose();

    [GeneratedRegex("comity1-[0-9A-Za-z]+")]
    private static partial Regex JoinCode();

    [GeneratedRegex("([0-9A-Z]{4}-){7}[0-9A-Z]{4}")]
    private static partial Regex Fingerprint();
}
