using System.Diagnostics;
using System.Net;

namespace Comity.Benchmarks.Serving;

/// <summary>A server as a process of its own, with the runtime settings that both sides share.</summary>
internal sealed class ServingProcess : IDisposable
{
    private readonly Process _process;

    private ServingProcess(Process process, int port) => (_process, Port, Address) = (process, port, $"http://127.0.0.1:{port}");

    public int Port { get; }

    public string Address { get; }

    /// <summary><c>comity serve</c> as it was built, or as it was published into the folder that COMITY_TOOL names.</summary>
    public static ServingProcess Comity(string home, int port, string state, params string[] arguments) =>
        Start(Path.Combine(Environment.GetEnvironmentVariable("COMITY_TOOL") ?? "", "comity.dll"), home, port, ["serve", .. arguments, "--market", "hu", "--listen", $"http://127.0.0.1:{port}", "--state", state]);

    public static ServingProcess Constant(string home, int port) => Start("Comity.Benchmarks.dll", home, port, ["serving-constant", port.ToString(System.Globalization.CultureInfo.InvariantCulture)]);

    /// <summary>Waits for the first answer to a request.</summary>
    /// <returns>Seconds since the process was started.</returns>
    public async Task<double> FirstAnswerAsync(HttpClient client, string path, string body)
    {
        while (!_process.HasExited)
        {
            try
            {
                using var response = await client.PostAsync(Address + path, new StringContent(body, System.Text.Encoding.UTF8, "application/json"));
                if (response.StatusCode == HttpStatusCode.OK) return (DateTime.Now - _process.StartTime).TotalSeconds;
            }
            catch (HttpRequestException)
            {
                // Not listening yet.
            }
            await Task.Delay(5);
        }
        throw new InvalidOperationException("The server ended: " + await _process.StandardError.ReadToEndAsync());
    }

    /// <summary>SIGKILL: nothing of the process runs any more.</summary>
    public void Kill()
    {
        _process.Kill();
        _process.WaitForExit();
    }

    /// <summary>SIGTERM: the process is asked to end.</summary>
    public void Terminate()
    {
        using var kill = Process.Start("kill", ["-TERM", _process.Id.ToString(System.Globalization.CultureInfo.InvariantCulture)]);
        kill.WaitForExit();
    }

    /// <summary>Waits until it has ended by itself.</summary>
    public void WaitForEnd() => _process.WaitForExit();

    public void Dispose()
    {
        if (!_process.HasExited) Kill();
        _process.Dispose();
    }

    private static ServingProcess Start(string dll, string home, int port, IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true, RedirectStandardError = true };
        start.ArgumentList.Add(Path.Combine(AppContext.BaseDirectory, dll));
        foreach (var argument in arguments) start.ArgumentList.Add(argument);
        start.Environment["COMITY_HOME"] = home;
        // A server of the tool has dynamic profiles, but no server's garbage collector, no concurrent collections and no spinning pool threads: so must its rival be.
        start.Environment.Remove("DOTNET_TieredPGO");
        start.Environment["DOTNET_ThreadPool_UnfairSemaphoreSpinLimit"] = "0";
        start.Environment["DOTNET_gcServer"] = "0";
        start.Environment["DOTNET_gcConcurrent"] = "0";
        var process = Process.Start(start)!;
        process.OutputDataReceived += (_, _) => { };
        process.BeginOutputReadLine();
        return new ServingProcess(process, port);
    }
}
