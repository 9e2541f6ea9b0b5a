using System.CommandLine;
using System.Globalization;
using Comity.Cli.Network;
using Comity.Cli.Releases;
using Comity.Cli.Terminal;
using Comity.Serving.Deployments;

namespace Comity.Cli.Commands;

/// <summary><c>comity deployments --to URL</c>: what was ordered, by whom and why, and what the nodes made of it.</summary>
internal static class DeploymentsCommand
{
    /// <summary>What an order may say of the release, as <see cref="PolicyFinding.Code"/> has it; a later version's keeps its own word.</summary>
    private static readonly string[] Findings =
        ["judged", "not-judged", "thin-evidence", "no-better-than-chance", "jurisdiction-unknown", "licence-undeclared", "law-free", "law-conditional", "law-barred", "law-unknown"];

    // Of a refusal, the error's code is the reason.
    private static readonly string[] Reasons = ["canary-failures", "canary-latency", "canary-drift"];

    public static Command Create(Session session)
    {
        var folder = new Argument<string?>("DIR") { HelpName = "DIR", Description = session.Text("option.deployments"), Arity = ArgumentArity.ZeroOrOne };
        var place = new DeploymentPlace(session);
        folder.CompletionSources.Add(CommonOptions.Paths);
        var command = new Command("deployments", session.Text("deployments.description")) { folder };
        place.AddTo(command);
        command.SetAction(async (parsed, cancellationToken) => (int)await place.CallAsync(parsed, parsed.GetValue(folder), async source =>
        {
            var trusted = ComityHome.Of(session).Trusted;
            foreach (var name in await source.NamesAsync(cancellationToken))
            {
                var order = (await source.OrderAsync(name, trusted, cancellationToken))!;
                session.Out.Line(session.Out.Bold(session.Text("deployments.order", name, order.Revision, order.Issued.ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture))));
                foreach (var market in order.Markets)
                {
                    session.Out.Line("  " + (market.Canary is null ? session.Text("deployments.market", market.Market, market.Stable.Version) : session.Text("deployments.market-canary", market.Market, market.Stable.Version, market.Canary.Version, market.Share)));
                    session.Out.Line("    " + session.Text("deployments.approval", market.Approval.By, market.Approval.Because, string.Join("; ", market.Approval.Findings.Select(code => Findings.Contains(code) ? session.Text("deployments.finding." + code) : code))));
                }
            }
            var table = new TextTable([.. new[] { "node", "state", "versions", "answers", "failures", "p99" }.Select(c => session.Text("deployments.column." + c))]);
            foreach (var report in await source.ReportsAsync(cancellationToken))
            {
                var served = report.Versions.Where(v => v.Share > 0 || v.Canary).ToList();
                table.Add(
                    $"{report.Market}/{report.Node}", report.Reason is not { } reason ? session.Text("deployments.state." + report.State) : $"{session.Text("deployments.state." + report.State)} ({(Reasons.Contains(reason) ? session.Text("deployments.reason." + reason) : reason)})",
                    string.Join(", ", served.Select(v => $"{v.Name}@{v.Version} {v.Share.ToString("P0", session.Language)}")), served.Sum(v => v.Answers).ToString("N0", session.Language),
                    served.Sum(v => v.Failures).ToString("N0", session.Language), $"{served.Select(v => v.P99Milliseconds).DefaultIfEmpty(0).Max().ToString("N1", session.Language)} ms");
            }
            foreach (var line in table.Lines()) session.Out.Line(line);
            return ExitCode.Done;
        }, cancellationToken));
        return command;
    }
}
