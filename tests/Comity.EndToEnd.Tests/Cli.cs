using Comity.Testing;

namespace Comity.EndToEnd.Tests;

/// <summary>Runs the real tool as a process of its own, as a user does, in a fixed language and without colours.</summary>
internal static class Cli
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(6);

    // The machine's own language must not decide whether a test passes.
    private static readonly Dictionary<string, string?> Fixed = new() { ["LC_ALL"] = null, ["LC_MESSAGES"] = null, ["LANG"] = "C.UTF-8", ["NO_COLOR"] = null };

    public static Task<CommandResult> RunAsync(string folder, params string[] arguments) => RunAsync(Limit, folder, arguments);

    public static Task<CommandResult> RunAsync(TimeSpan limit, string folder, params string[] arguments) =>
        CommandProcess.RunComityAsync(arguments, limit, folder, Fixed);

    public static CommandProcess Start(string folder, params string[] arguments) => CommandProcess.StartComity(arguments, folder, Fixed);

    public static Task<CommandResult> EndAsync(this CommandProcess process) => process.WaitAsync(Limit);
}
