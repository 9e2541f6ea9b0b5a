using System.CommandLine;
using System.CommandLine.Completions;
using Comity.Cli.Terminal;

namespace Comity.Cli.Commands;

/// <summary>Options and arguments that several commands share.</summary>
internal static class CommonOptions
{
    public static Option<string> Language(Session session)
    {
        var option = new Option<string>("--lang") { Description = session.Text("option.lang"), Recursive = true, HelpName = "en|zh-Hans" };
        option.AcceptOnlyFromAmong(Terminal.Language.English, Terminal.Language.SimplifiedChinese);
        return option;
    }

    public static Argument<string> Study(Session session)
    {
        var argument = new Argument<string>("STUDY") { HelpName = "STUDY", Description = session.Text("argument.study") };
        argument.CompletionSources.Add(Paths);
        return argument;
    }

    public static Option<bool> Json(Session session) => new("--json") { Description = session.Text("option.json") };

    public static Option<ulong?> Seed(Session session) => new("--seed") { Description = session.Text("option.seed"), HelpName = "N" };

    /// <summary>Completes files and folders below what was typed.</summary>
    public static IEnumerable<CompletionItem> Paths(CompletionContext context)
    {
        var word = context.WordToComplete;
        var folder = Path.GetDirectoryName(word) is { Length: > 0 } typed ? typed : ".";
        if (!Directory.Exists(folder)) return [];
        var start = Path.GetFileName(word);
        return Directory.EnumerateFileSystemEntries(folder)
            .Where(e => Path.GetFileName(e).StartsWith(start, StringComparison.Ordinal))
            .Select(e => folder == "." && !word.StartsWith('.') ? Path.GetFileName(e) : e)
            .Order(StringComparer.Ordinal)
            .Select(e => new CompletionItem(Directory.Exists(e) ? e + "/" : e));
    }
}
