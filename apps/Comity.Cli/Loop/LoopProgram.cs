using System.Diagnostics;
using System.Reflection;
using Comity.Declarations;

namespace Comity.Cli.Loop;

/// <summary>A program that a rehearsal starts, and the arguments that come before its own.</summary>
internal sealed record LoopProgram(string File, params IReadOnlyList<string> First)
{
    private const string CoordinatorName = "comity-coordinator", CoordinatorVariable = "COMITY_COORDINATOR_PROGRAM";

    /// <summary>This tool itself.</summary>
    public static LoopProgram Tool() => Of(Environment.ProcessPath!, Assembly.GetExecutingAssembly().Location);

    /// <summary>The coordinator's program: named by an environment variable, beside this tool, or built beside it in the sources.</summary>
    /// <exception cref="StoppedException">There is none.</exception>
    public static LoopProgram Coordinator(Session session)
    {
        var own = AppContext.BaseDirectory;
        // apps/Comity.Cli/bin/CONFIGURATION/FRAMEWORK → apps/Comity.Coordinator/bin/CONFIGURATION/FRAMEWORK
        var (framework, configuration) = (Path.GetFileName(own.TrimEnd('/', '\\')), Path.GetFileName(Path.GetDirectoryName(own.TrimEnd('/', '\\'))!));
        var built = Path.Combine(own, "..", "..", "..", "..", "Comity.Coordinator", "bin", configuration, framework);
        string[] places = session.Environment(CoordinatorVariable) is { Length: > 0 } named ? [named] : [.. new[] { own, built }.SelectMany(d => new[] { Path.Combine(d, CoordinatorName + ".dll"), Path.Combine(d, CoordinatorName + (OperatingSystem.IsWindows() ? ".exe" : "")) })];
        if (places.FirstOrDefault(System.IO.File.Exists) is not { } found) throw new StoppedException(ExitCode.Usage, Texts.Problem("rehearse-coordinator", Place.InFile(places[0]), CoordinatorName, CoordinatorVariable));
        return found.EndsWith(".dll", StringComparison.OrdinalIgnoreCase) ? Of("dotnet", found) : new LoopProgram(found);
    }

    public ProcessStartInfo StartInfo(IEnumerable<string> arguments, IReadOnlyDictionary<string, string> environment)
    {
        var start = new ProcessStartInfo(File) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var argument in First.Concat(arguments)) start.ArgumentList.Add(argument);
        foreach (var (name, value) in environment) start.Environment[name] = value;
        return start;
    }

    // Run by dotnet a program is its library; published as one file it is the process itself.
    private static LoopProgram Of(string host, string library) => Path.GetFileNameWithoutExtension(host) == "dotnet" ? new LoopProgram(host, library) : new LoopProgram(host);
}
