using System.Diagnostics;
using System.Globalization;

namespace Comity.Benchmarks.Rivals;

/// <summary>Debian's PyTorch, or ONNX Runtime, in a process beside this one, on one thread, asked in turns so that both see the same machine.</summary>
internal sealed class TorchRival : IDisposable
{
    private readonly Process _process;

    private TorchRival(Process process, string version) => (_process, Version) = (process, version);

    public string Version { get; }

    /// <summary>Starts PyTorch, or says why not and returns null.</summary>
    public static TorchRival? Start() => Start("/usr/bin/python3", "torch_rival.py", "apt-get install python3-torch libopenblas0-pthread");

    /// <summary>Starts ONNX Runtime, or says why not and returns null.</summary>
    public static TorchRival? StartOnnx() => Start("node", "onnx_rival.cjs", "npm install --ignore-scripts onnxruntime-node, and NODE_PATH to its node_modules");

    private static TorchRival? Start(string program, string script, string remedy)
    {
        var start = new ProcessStartInfo(program, [Path.Combine(Repository.Root, "bench", "rivals", script)]) { RedirectStandardInput = true, RedirectStandardOutput = true };
        // torch.set_num_threads does not bind OpenBLAS; oneDNN and ATen take AVX-512 only when asked.
        foreach (var name in new[] { "OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS" }) start.Environment[name] = "1";
        if (System.Runtime.Intrinsics.Vector512.IsHardwareAccelerated) start.Environment["ATEN_CPU_CAPABILITY"] = "avx512";
        try
        {
            var process = Process.Start(start)!;
            if (process.StandardOutput.ReadLine() is { } version) return new TorchRival(process, version);
        }
        catch (System.ComponentModel.Win32Exception)
        {
        }
        Console.Error.WriteLine($"A rival is missing: {remedy}.");
        return null;
    }

    public void Make(string name, string workload) => Ask($"make {name} {workload}");

    /// <summary>Seconds of CPU time for one step.</summary>
    public double Measure(string name, double seconds) => Ask(string.Create(CultureInfo.InvariantCulture, $"cpu {name} {seconds}"));

    public void Dispose()
    {
        _process.StandardInput.WriteLine("quit");
        _process.WaitForExit(5000);
        _process.Dispose();
    }

    private double Ask(string line)
    {
        _process.StandardInput.WriteLine(line);
        _process.StandardInput.Flush();
        return double.Parse(_process.StandardOutput.ReadLine() ?? throw new InvalidOperationException("The rival has ended."), CultureInfo.InvariantCulture);
    }
}
