using System.ComponentModel;
using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;

namespace Comity.EndToEnd.Tests;

/// <summary>Runs the real tool as a process of its own, as a user does.</summary>
internal static class Cli
{
    private static readonly string Tool = Path.Combine(AppContext.BaseDirectory, "comity.dll");

    /// <summary>Runs a command to its end.</summary>
    public static Task<CliResult> RunAsync(string folder, params string[] arguments) => Start(folder, arguments).EndAsync();

    /// <summary>Starts a command, so that a test can interrupt it.</summary>
    public static RunningCli Start(string folder, params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet")
        {
            WorkingDirectory = folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardOutputEncoding = Encoding.UTF8,
            StandardErrorEncoding = Encoding.UTF8,
        };
        start.ArgumentList.Add(Tool);
        foreach (var argument in arguments) start.ArgumentList.Add(argument);
        // The machine's own language must not decide whether a test passes.
        foreach (var name in new[] { "LC_ALL", "LC_MESSAGES", "NO_COLOR" }) start.Environment.Remove(name);
        start.Environment["LANG"] = "C.UTF-8";
        return new RunningCli(Process.Start(start)!);
    }
}

/// <summary>What a command left.</summary>
internal sealed record CliResult(int ExitCode, string Out, string Error)
{
    public string All => Out + Error;

    public override string ToString() => $"exit {ExitCode}\n{Out}\n{Error}";
}

/// <summary>A command under way.</summary>
internal sealed class RunningCli(Process process)
{
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(2);
    private readonly StringBuilder _out = new();
    private readonly Task<string> _error = process.StandardError.ReadToEndAsync();

    /// <summary>Reads standard output until a line satisfies the condition; false: the output ended first.</summary>
    public async Task<bool> SeesAsync(Func<string, bool> condition)
    {
        using var deadline = new CancellationTokenSource(Longest);
        while (await process.StandardOutput.ReadLineAsync(deadline.Token) is { } line)
        {
            _out.Append(line).Append('\n');
            if (condition(line)) return true;
        }
        return false;
    }

    /// <summary>SIGKILL: no code of ours runs any more.</summary>
    public void Kill()
    {
        try { process.Kill(); }
        catch (InvalidOperationException) { /* it has ended on its own, which a test of random moments allows */ }
    }

    /// <summary>SIGINT, as Ctrl-C sends it, or another signal.</summary>
    public void Signal(int signal)
    {
        if (SendSignal(process.Id, signal) != 0) throw new Win32Exception(Marshal.GetLastPInvokeError());
    }

    public async Task<CliResult> EndAsync()
    {
        using var deadline = new CancellationTokenSource(Longest);
        try
        {
            _out.Append(await process.StandardOutput.ReadToEndAsync(deadline.Token));
            await process.WaitForExitAsync(deadline.Token);
        }
        catch (OperationCanceledException)
        {
            Kill();
            throw new TimeoutException($"The command did not end within {Longest}. So far:\n{_out}");
        }
        var result = new CliResult(process.ExitCode, _out.ToString(), await _error);
        process.Dispose();
        return result;
    }

    [DllImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static extern int SendSignal(int processId, int signal);
}
