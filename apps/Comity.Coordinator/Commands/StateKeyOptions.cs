using System.CommandLine;
using Comity.Declarations;
using Comity.Federation.AtRest;
using Comity.Transport.Identity;

namespace Comity.Coordinator.Commands;

/// <summary>What opens the state, as every command takes it.</summary>
internal static class StateKeyOptions
{
    private const string File = "--key-file";
    private const string Passphrase = "--passphrase";

    public static void AddTo(RootCommand root, CommandContext context)
    {
        root.Options.Add(new Option<string>(File) { Description = context.Text("root.key-file", StateKey.Variable, StateKey.FileVariable), Recursive = true, HelpName = "FILE" });
        root.Options.Add(new Option<bool>(Passphrase) { Description = context.Text("root.passphrase", StateKey.PassphraseVariable), Recursive = true });
    }

    /// <summary>Asks for a passphrase.</summary>
    public static string Ask(CommandContext context, string text) =>
        TypedPassphrase.Read(context.Text(text), context.Error, Console.In, Console.IsInputRedirected ? null : () => Console.ReadKey(intercept: true));

    /// <summary>The key that was given; null: none, or problems.</summary>
    public static StateKey? Of(IReadOnlyList<string> args, CommandContext context, ProblemList problems)
    {
        string? file = null;
        for (var i = 0; i < args.Count; i++)
        {
            if (args[i] == File && i + 1 < args.Count) file = args[i + 1];
            else if (args[i].StartsWith(File + "=", StringComparison.Ordinal)) file = args[i][(File.Length + 1)..];
        }
        var typed = args.Contains(Passphrase) ? Ask(context, "passphrase.ask") : null;
        return StateKey.Find(file, typed, context.Environment, problems);
    }
}
