using System.CommandLine;
using Comity.Cli.Terminal;
using Comity.Insight.Report;
using Comity.Serving.Releases;

namespace Comity.Cli.Commands;

/// <summary><c>comity release diff A B</c>: in what two releases differ.</summary>
internal static class ReleaseDiffCommand
{
    private static readonly string[] Kinds = ["version", "signer", "study", "model", "comity", "contributors", "purpose", "licence", "classes", "contract", "weights", "weights-distance"];

    public static Command Create(Session session)
    {
        var (before, after) = (ReleaseFiles.Argument(session, "BEFORE"), ReleaseFiles.Argument(session, "AFTER"));
        var command = new Command("diff", session.Text("release.diff.description")) { before, after };
        command.SetAction((parsed, _) =>
        {
            var differences = ReleaseComparison.Between(ReleaseFiles.Read(parsed.GetRequiredValue(before), null), ReleaseFiles.Read(parsed.GetRequiredValue(after), null));
            if (differences.Count == 0) session.Out.Line(session.Text("release.same"));
            foreach (var difference in differences)
            {
                session.Out.Line(session.Out.Bold(Named(session, difference.What)));
                session.Out.Line($"  - {difference.Before}");
                session.Out.Line($"  + {difference.After}");
            }
            return Task.FromResult((int)ExitCode.Done);
        });
        return command;
    }

    // "contract age" and "rocAuc hu": the first word is of a kind, the second somebody's own name.
    private static string Named(Session session, string what)
    {
        var (kind, own) = what.IndexOf(' ', StringComparison.Ordinal) is > 0 and var at ? (what[..at], what[at..]) : (what, "");
        return (Kinds.Contains(kind) ? session.Text("diff." + kind) : new ReportTexts(session.Language).Metric(kind)) + own;
    }
}
