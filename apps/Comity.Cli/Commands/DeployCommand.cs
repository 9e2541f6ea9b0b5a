using System.CommandLine;
using System.Globalization;
using Comity.Cli.Network;
using Comity.Cli.Releases;
using Comity.Declarations;
using Comity.Federation.Policies;
using Comity.Serving.Deployments;

namespace Comity.Cli.Commands;

/// <summary><c>comity deploy FILE --markets us,hu --to URL</c>: orders a release into markets, whose nodes come for it.</summary>
internal static class DeployCommand
{
    public static Command Create(Session session)
    {
        var file = ReleaseFiles.Argument(session);
        var markets = new Option<string>("--markets") { Description = session.Text("option.markets"), HelpName = "A,B,…", Required = true };
        var place = new DeploymentPlace(session);
        var canary = new Option<string?>("--canary") { Description = session.Text("option.canary"), HelpName = "10%" };
        var by = new Option<string?>("--approve-by") { Description = session.Text("option.approve-by"), HelpName = "NAME" };
        var because = new Option<string?>("--because") { Description = session.Text("option.because"), HelpName = "TEXT" };
        var command = new Command("deploy", session.Text("deploy.description")) { file, markets, canary, by, because };
        place.AddTo(command);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var problems = new ProblemList();
            var share = Share(parsed.GetValue(canary), problems);
            var home = ComityHome.Of(session);
            var path = parsed.GetRequiredValue(file);
            var release = ReleaseFiles.Read(path, home.Trusted);
            var wanted = parsed.GetRequiredValue(markets).Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
            var (name, approver, reason) = (release.Manifest.Name, parsed.GetValue(by), parsed.GetValue(because));
            var packs = PolicyPacks.BuiltIn();
            var findings = wanted.ToDictionary(m => m, m => (IReadOnlyList<PolicyFinding>)[.. MarketPolicy.Judge(release.Manifest, m), .. EntryPolicy.Judge(release.Manifest, m, packs, session.Language)], StringComparer.Ordinal);
            foreach (var (market, found) in findings)
            {
                foreach (var finding in found) session.Out.Line($"{market}: {finding.Text(session.Language)}");
                if (found.Any(f => f.Bars)) problems.Add(Texts.Problem("deploy-barred", Place.InFile(market), market));
            }
            if (string.IsNullOrWhiteSpace(approver) || string.IsNullOrWhiteSpace(reason)) problems.Add(Texts.Problem("deploy-approval", Place.InFile("--approve-by")));
            if (problems.HasErrors) throw new StoppedException(ExitCode.Refused, problems);

            using var key = home.OpenKey(session);
            return (int)await place.CallAsync(parsed, null, async source =>
            {
                var before = await source.OrderAsync(name, home.Trusted, cancellationToken);
                var ordered = new OrderedRelease(release.Manifest.Version, release.Sha256);
                var changed = wanted.Select(market =>
                {
                    var approval = new MarketApproval(approver!, reason!, [.. findings[market].Select(f => f.Code)]);
                    // The first version of a market has nothing to be tried against.
                    return share is { } tried && before?.For(market) is { } present && present.Stable != ordered
                        ? new MarketOrder(market, present.Stable, ordered, tried, approval)
                        : new MarketOrder(market, ordered, null, 0, approval);
                }).ToList();
                var order = new DeploymentOrder(name, (before?.Revision ?? 0) + 1, session.Time.GetUtcNow(), [.. (before?.Markets ?? []).Where(m => !wanted.Contains(m.Market)), .. changed]);
                await source.OrderAsync(order, key, path, release.Sha256, cancellationToken);
                foreach (var market in changed)
                    session.Out.Line(market.Canary is null ? session.Text("deploy.ordered", market.Market, release.Manifest.Id, order.Revision) : session.Text("deploy.tried", market.Market, release.Manifest.Id, market.Share, market.Stable.Version, order.Revision));
                return ExitCode.Done;
            }, cancellationToken);
        });
        return command;
    }

    private static double? Share(string? text, ProblemList problems)
    {
        if (text is null) return null;
        var percent = text.EndsWith('%');
        if (double.TryParse(text.TrimEnd('%'), NumberStyles.Float, CultureInfo.InvariantCulture, out var value) && (percent ? value / 100 : value) is > 0 and < 1 and var share) return share;
        problems.Add(Texts.Problem("deploy-share", Place.InFile("--canary"), text));
        return null;
    }
}
