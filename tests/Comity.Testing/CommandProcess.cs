using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;

namespace Comity.Testing;

/// <summary>How a command ended.</summary>
/// <param name="ExitCode">Exit code; 128 + signal when a signal ended it.</param>
/// <param name="Output">Standard output.</param>
/// <param name="Error">Standard error.</param>
public sealed record CommandResult(int ExitCode, string Output, string Error)
{
    /// <summary>All of it, for the message of an assertion.</summary>
    public override string ToString() => $"exit code {ExitCode}\n--- output\n{Output}\n--- error\n{Error}";
}

/// <summary>A real process under a test: no standard input, output captured as it comes, signals as a person or a crash would send them.</summary>
public sealed class CommandProcess : IAsyncDisposable
{
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(10);
    private readonly Process _process;
    private readonly StringBuilder _output = new();
    private readonly StringBuilder _error = new();

    private CommandProcess(Process process) => _process = process;

    /// <summary>Process id.</summary>
    public int Id => _process.Id;

    /// <summary>Whether it has ended.</summary>
    public bool HasExited => _process.HasExited;

    /// <summary>Standard output so far.</summary>
    public string Output
    {
        get { lock (_output) return _output.ToString(); }
    }

    /// <summary>Standard error so far.</summary>
    public string Error
    {
        get { lock (_error) return _error.ToString(); }
    }

    /// <summary>Starts <c>comity</c> as it was built beside the running tests, which must reference the CLI.</summary>
    /// <param name="arguments">Arguments of the command line.</param>
    /// <param name="folder">Working folder; null: this process's.</param>
    /// <param name="environment">Variables set besides the inherited ones; null unsets one.</param>
    public static CommandProcess StartComity(
        IEnumerable<string> arguments, string? folder = null, IReadOnlyDictionary<string, string?>? environment = null) =>
        Start(Environment.ProcessPath is { } host && Path.GetFileNameWithoutExtension(host) == "dotnet" ? host : "dotnet",
            [Path.Combine(AppContext.BaseDirectory, "comity.dll"), .. arguments], folder, environment);

    /// <summary>Runs <c>comity</c> to its end.</summary>
    /// <exception cref="TimeoutException">It did not end in time; it was killed.</exception>
    public static async Task<CommandResult> RunComityAsync(
        IEnumerable<string> arguments, TimeSpan limit, string? folder = null,
        IReadOnlyDictionary<string, string?>? environment = null, CancellationToken cancellationToken = default)
    {
        await using var command = StartComity(arguments, folder, environment);
        return await command.WaitAsync(limit, cancellationToken);
    }

    /// <summary>Starts a program.</summary>
    public static CommandProcess Start(
        string program, IEnumerable<string> arguments, string? folder = null, IReadOnlyDictionary<string, string?>? environment = null)
    {
        var start = new ProcessStartInfo(program)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardOutputEncoding = Encoding.UTF8,
            StandardErrorEncoding = Encoding.UTF8,
            WorkingDirectory = folder ?? "",
        };
        foreach (var argument in arguments) start.ArgumentList.Add(argument);
        foreach (var (name, value) in environment ?? new Dictionary<string, string?>())
        {
            if (value is null) start.Environment.Remove(name);
            else start.Environment[name] = value;
        }
        var process = new Process { StartInfo = start };
        var command = new CommandProcess(process);
        process.OutputDataReceived += (_, line) => Append(command._output, line.Data);
        process.ErrorDataReceived += (_, line) => Append(command._error, line.Data);
        process.Start();
        process.StandardInput.Close();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return command;
    }

    /// <summary>Waits for the end.</summary>
    /// <exception cref="TimeoutException">It did not end in time; it was killed, and the message holds what it printed.</exception>
    public async Task<CommandResult> WaitAsync(TimeSpan limit, CancellationToken cancellationToken = default)
    {
        using var deadline = new CancellationTokenSource(limit);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellationToken);
        try
        {
            await _process.WaitForExitAsync(either.Token);
        }
        catch (OperationCanceledException) when (deadline.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            Kill();
            throw new TimeoutException($"'{string.Join(' ', _process.StartInfo.ArgumentList)}' did not end within {limit.TotalSeconds:0} s.\n{Output}\n{Error}");
        }
        return new CommandResult(_process.ExitCode, Output, Error);
    }

    /// <summary>Waits until something holds, such as a line of progress or a file; false when the process ended or the time was up first.</summary>
    public async Task<bool> WaitUntilAsync(Func<CommandProcess, bool> condition, TimeSpan limit, CancellationToken cancellationToken = default)
    {
        var clock = Stopwatch.StartNew();
        while (!condition(this))
        {
            if (HasExited) return condition(this);
            if (clock.Elapsed > limit) return false;
            await Task.Delay(Poll, cancellationToken);
        }
        return true;
    }

    /// <summary>Sends SIGINT, as Ctrl-C does.</summary>
    public void Interrupt() => Signal(2);

    /// <summary>Sends SIGTERM, as a service manager does.</summary>
    public void Terminate() => Signal(15);

    /// <summary>Sends SIGSTOP (19 on Linux): it sleeps, and all its connections stay.</summary>
    public void Sleep() => Signal(19);

    /// <summary>Sends SIGCONT (18 on Linux): it goes on as if no time had passed.</summary>
    public void Wake() => Signal(18);

    /// <summary>Sends SIGKILL to it and its children: a crash.</summary>
    public void Kill()
    {
        if (!_process.HasExited) _process.Kill(entireProcessTree: true);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
    }

    private void Signal(int signal)
    {
        if (_process.HasExited) return;
        if (kill(_process.Id, signal) != 0 && !_process.HasExited)
            throw new InvalidOperationException($"Signal {signal} could not be sent: errno {Marshal.GetLastPInvokeError()}.");
    }

    private static void Append(StringBuilder text, string? line)
    {
        if (line is null) return;
        lock (text) text.Append(line).Append('\n');
    }

    [DllImport("libc", SetLastError = true)]
    private static extern int kill(int process, int signal);
}
