using System.Diagnostics;
using System.Reflection;
using System.Text.RegularExpressions;
using Comity.Declarations;

namespace Comity.Cli.Loop;

/// <summary>This tool as another process, as a person at another machine would run it.</summary>
internal sealed partial class ComityProcess : IDisposable
{
    private readonly Process _process;
    private readonly TaskCompletionSource<Uri> _listening = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly List<string> _lines = [];

    private ComityProcess(Process process) => _process = process;

    public static ComityProcess Start(string home, params IEnumerable<string> arguments)
    {
        var host = Environment.ProcessPath!;
        var own = Assembly.GetExecutingAssembly().Location;
        // Run by dotnet the program is the library; published as one file it is the process itself.
        var byHost = Path.GetFileNameWithoutExtension(host) == "dotnet";
        var start = new ProcessStartInfo(host) { RedirectStandardOutput = true, RedirectStandardError = true };
        if (byHost) start.ArgumentList.Add(own);
        foreach (var argument in arguments) start.ArgumentList.Add(argument);
        start.Environment["COMITY_HOME"] = home;
        var process = new Process { StartInfo = start };
        var started = new ComityProcess(process);
        process.OutputDataReceived += (_, e) => started.Take(e.Data);
        process.ErrorDataReceived += (_, e) => started.Take(e.Data);
        process.Start();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return started;
    }

    /// <summary>Runs a command to its end.</summary>
    /// <exception cref="StoppedException">It failed; its last lines are told.</exception>
    public static async Task RunAsync(string home, CancellationToken cancellationToken, params string[] arguments)
    {
        using var command = Start(home, arguments);
        await command._process.WaitForExitAsync(cancellationToken);
        if (command._process.ExitCode != 0) throw command.Failed(arguments[0]);
    }

    /// <summary>Where a server listens, once it does.</summary>
    public async Task<Uri> ListeningAsync(CancellationToken cancellationToken)
    {
        var first = await Task.WhenAny(_listening.Task, _process.WaitForExitAsync(cancellationToken));
        return first == _listening.Task ? await _listening.Task : throw Failed("serve");
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

    private void Take(string? line)
    {
        if (line is null) return;
        lock (_lines) _lines.Add(line);
        if (Address().Match(line) is { Success: true } found) _listening.TrySetResult(new Uri(found.Value));
    }

    private StoppedException Failed(string command)
    {
        lock (_lines) return new StoppedException(ExitCode.Failed, Texts.Problem("rehearse-failed", Place.InFile(command), string.Join(' ', _lines.TakeLast(6))));
    }

    [GeneratedRegex(@"http://127\.0\.0\.1:[1-9]\d*")]
    private static partial Regex Address();
}
