using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace Comity.Benchmarks.Wire;

/// <summary>A process of the federation under measurement: what it printed, how much memory it took at most, and its sudden death.</summary>
internal sealed class ChildProcess : IAsyncDisposable
{
    private readonly Process _process;
    private readonly StringBuilder _said = new();

    private ChildProcess(Process process) => _process = process;

    public int Id => _process.Id;

    public bool HasExited => _process.HasExited;

    public string Said
    {
        get { lock (_said) return _said.ToString(); }
    }

    /// <summary>Most memory it had resident, in bytes, as the kernel counted.</summary>
    public long Peak => Status("VmHWM:");

    /// <summary>Memory resident now, in bytes.</summary>
    public long Resident => Status("VmRSS:");

    /// <summary>Processor time so far, in seconds: it does not depend on what else runs.</summary>
    public double ProcessorSeconds
    {
        get
        {
            _process.Refresh();
            return _process.TotalProcessorTime.TotalSeconds;
        }
    }

    /// <summary>Starts one of the programs that lie beside the benchmarks, or as it was published in the folder that <c>COMITY_BENCH_APPS</c> names.</summary>
    /// <param name="dll">The program.</param>
    /// <param name="folder">Where it runs.</param>
    /// <param name="arguments">What it is told.</param>
    /// <param name="environment">What it finds in its environment beside ours; null: nothing.</param>
    /// <param name="runtimeOf">Whose settings of the runtime it has (collector, compiler, waiting threads): what stands in for a program must run as that one does. Null: its own.</param>
    public static ChildProcess Start(string dll, string folder, IEnumerable<string> arguments, IReadOnlyDictionary<string, string>? environment = null, string? runtimeOf = null)
    {
        var start = new ProcessStartInfo("dotnet") { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = folder };
        var published = Path.Combine(Environment.GetEnvironmentVariable("COMITY_BENCH_APPS") ?? "", dll);
        if (runtimeOf is not null)
        {
            start.ArgumentList.Add("exec");
            start.ArgumentList.Add("--runtimeconfig");
            start.ArgumentList.Add(Path.Combine(AppContext.BaseDirectory, runtimeOf + ".runtimeconfig.json"));
        }
        start.ArgumentList.Add(Path.IsPathRooted(published) && File.Exists(published) ? published : Path.Combine(AppContext.BaseDirectory, dll));
        foreach (var argument in arguments) start.ArgumentList.Add(argument);
        foreach (var (name, value) in environment ?? new Dictionary<string, string>()) start.Environment[name] = value;
        var child = new ChildProcess(new Process { StartInfo = start });
        child._process.OutputDataReceived += (_, line) => child.Hear(line.Data);
        child._process.ErrorDataReceived += (_, line) => child.Hear(line.Data);
        child._process.Start();
        child._process.StandardInput.Close();
        child._process.BeginOutputReadLine();
        child._process.BeginErrorReadLine();
        return child;
    }

    /// <summary>Waits until it has printed a text.</summary>
    /// <exception cref="InvalidOperationException">It ended, or did not within the time.</exception>
    public async Task SaysAsync(string text, double seconds = 60)
    {
        var clock = Stopwatch.StartNew();
        while (!Said.Contains(text, StringComparison.Ordinal))
        {
            if (HasExited || clock.Elapsed.TotalSeconds > seconds) throw new InvalidOperationException($"'{text}' did not come:\n{Said}");
            await Task.Delay(5);
        }
    }

    /// <summary>SIGKILL.</summary>
    public async Task KillAsync()
    {
        if (!_process.HasExited) _process.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await KillAsync();
        _process.Dispose();
    }

    private void Hear(string? line)
    {
        if (line is null) return;
        lock (_said) _said.Append(line).Append('\n');
    }

    private long Status(string name)
    {
        var line = File.ReadLines($"/proc/{_process.Id}/status").First(l => l.StartsWith(name, StringComparison.Ordinal));
        return 1024 * long.Parse(line[name.Length..].Replace("kB", "", StringComparison.Ordinal), CultureInfo.InvariantCulture);
    }
}
