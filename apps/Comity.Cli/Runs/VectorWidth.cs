using System.Globalization;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Comity.Declarations;

namespace Comity.Cli.Runs;

/// <summary>
/// The vector width, on which the last bits of every sum depend. The runtime settles it at start, so another one is forced by starting the
/// tool again with the runtime's own switches: in place (<c>execve</c>), so that process id, terminal and signals stay the same.
/// </summary>
internal static class VectorWidth
{
    private const string Marker = "COMITY_WIDTH";

    /// <summary>Width in bits that this process computes with.</summary>
    public static int Current => Vector512.IsHardwareAccelerated ? 512 : Vector256.IsHardwareAccelerated ? 256 : 128;

    /// <summary>Returns when this process computes with <paramref name="bits"/>; otherwise starts the tool again so that it does.</summary>
    /// <exception cref="StoppedException">This machine has no such width.</exception>
    public static void Force(int bits, Func<string, string?> environment)
    {
        if (Current == bits) return;
        if (bits > Current || environment(Marker) is not null || OperatingSystem.IsWindows())
            throw new StoppedException(ExitCode.Usage, Texts.Problem("width-unavailable", Place.InFile("--width"), bits, Current));
        var variables = Environment.GetEnvironmentVariables();
        var block = new List<string?>();
        foreach (string name in variables.Keys) block.Add($"{name}={variables[name]}");
        block.AddRange(Switches(bits));
        block.Add(string.Create(CultureInfo.InvariantCulture, $"{Marker}={bits}"));
        var program = Environment.ProcessPath!;
        var arguments = Environment.GetCommandLineArgs();
        // Under the dotnet host the first argument is the assembly; an own executable is its own first argument.
        string?[] line = Path.GetFileNameWithoutExtension(program) == "dotnet" ? [program, .. arguments] : [program, .. arguments[1..]];
        _ = Execute(program, [.. line, null], [.. block, null]);
        throw new StoppedException(ExitCode.Failed, Texts.Problem("width-unavailable", Place.InFile("--width"), bits, Current));
    }

    private static IEnumerable<string> Switches(int bits)
    {
        yield return "DOTNET_EnableAVX512=0";
        yield return "DOTNET_EnableAVX512F=0"; // the switch's name before .NET 10
        if (bits == 128)
        {
            yield return "DOTNET_EnableAVX2=0";
            yield return "DOTNET_EnableAVX=0";
        }
    }

    [DllImport("libc", EntryPoint = "execve", SetLastError = true, CharSet = CharSet.Ansi)]
    private static extern int Execute(string path, string?[] arguments, string?[] environment);
}
