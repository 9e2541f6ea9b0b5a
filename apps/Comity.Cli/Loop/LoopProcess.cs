using System.Diagnostics;
using System.Text.RegularExpressions;
using Comity.Declarations;

namespace Comity.Cli.Loop;

/// <summary>A program as another process, as a person at another machine would run it.</summary>
internal sealed partial class LoopProcess : IDisposable
{
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(20);
    private readonly Process _process;
    private readonly string _command;
    private readonly List<string> _lines = [];
    private readonly List<string> _output = [];

    private LoopProcess(Process process, string command) => (_process, _command) = (process, command);

    /// <summary>Starts a program; the first argument names its command in errors.</summary>
    public static LoopProcess Start(LoopProgram program, IReadOnlyDictionary<string, string> environment, params IReadOnlyList<string> arguments)
    {
        var started = new LoopProcess(new Process { StartInfo = program.StartInfo(arguments, environment) }, arguments[0]);
        started._process.OutputDataReceived += (_, e) => started.Take(e.Data, started._output);
        started._process.ErrorDataReceived += (_, e) => started.Take(e.Data, null);
        started._process.Start();
        started._process.BeginOutputReadLine();
        started._process.BeginErrorReadLine();
        return started;
    }

    /// <summary>Runs a command to its end.</summary>
    /// <returns>What it wrote.</returns>
    /// <exception cref="StoppedException">It failed; its last lines are told.</exception>
    public static async Task<string> RunAsync(LoopProgram program, IReadOnlyDictionary<string, string> environment, CancellationToken cancellationToken, params IReadOnlyList<string> arguments)
    {
        using var command = Start(program, environment, arguments);
        await command._process.WaitForExitAsync(cancellationToken);
        if (command._process.ExitCode != 0) throw command.Failed();
        lock (command._lines) return string.Join('\n', command._output);
    }

    /// <summary>Where a server listens, once it does.</summary>
    public async Task<Uri> ListeningAsync(CancellationToken cancellationToken) => new(await SaysAsync(Address(), cancellationToken));

    /// <summary>Waits until it says something.</summary>
    /// <returns>The words that match.</returns>
    /// <exception cref="StoppedException">It ended before.</exception>
    public async Task<string> SaysAsync(Regex pattern, CancellationToken cancellationToken)
    {
        while (true)
        {
            var ended = _process.HasExited;
            lock (_lines)
                foreach (var line in _lines)
                    if (pattern.Match(line) is { Success: true } found) return found.Value;
            if (ended) throw Failed();
            await Task.Delay(Look, cancellationToken);
        }
    }

    /// <summary>Asks it to stop as an operator would (SIGTERM), and waits until it has.</summary>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        if (_process.HasExited) return;
        if (OperatingSystem.IsWindows()) _process.Kill();
        else using (var kill = Process.Start("kill", [_process.Id.ToString(System.Globalization.CultureInfo.InvariantCulture)])) await kill.WaitForExitAsync(cancellationToken);
        await _process.WaitForExitAsync(cancellationToken);
    }

    public void Dispose()
    {
        if (!_process.HasExited) _process.Kill();
        _process.Dispose();
    }

    private void Take(string? line, List<string>? output)
    {
        if (line is null) return;
        lock (_lines)
        {
            _lines.Add(line);
            output?.Add(line);
        }
    }

    private StoppedException Failed()
    {
        lock (_lines) return new StoppedException(ExitCode.Failed, Texts.Problem("rehearse-failed", Place.InFile(_command), string.Join(' ', _lines.TakeLast(6))));
    }

    [GeneratedRegex(@"https?://127\.0\.0\.1:[1-9]\d*")]
    private static partial Regex Address();
}
