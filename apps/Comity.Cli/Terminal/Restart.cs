using System.Runtime.InteropServices;

namespace Comity.Cli.Terminal;

/// <summary>Starts the tool again with switches that the runtime reads once, at its own start: in place (<c>execve</c>), so that process id, terminal and signals stay the same.</summary>
internal static class Restart
{
    /// <summary>Whether this system can replace a running program.</summary>
    public static bool Possible => !OperatingSystem.IsWindows();

    /// <summary>Starts this process again with the same arguments. Returns only where the system refused.</summary>
    /// <param name="variables">Environment variables to set besides those that are set.</param>
    public static void With(IEnumerable<(string Name, string Value)> variables)
    {
        var environment = Environment.GetEnvironmentVariables();
        foreach (var (name, value) in variables) environment[name] = value;
        var block = new List<string?>();
        foreach (string name in environment.Keys) block.Add($"{name}={environment[name]}");
        var program = Environment.ProcessPath!;
        var arguments = Environment.GetCommandLineArgs();
        // Under the dotnet host the first argument is the assembly; an own executable is its own first argument.
        string?[] line = Path.GetFileNameWithoutExtension(program) == "dotnet" ? [program, .. arguments] : [program, .. arguments[1..]];
        _ = Execute(program, [.. line, null], [.. block, null]);
    }

    [DllImport("libc", EntryPoint = "execve", SetLastError = true, CharSet = CharSet.Ansi)]
    private static extern int Execute(string path, string?[] arguments, string?[] environment);
}
