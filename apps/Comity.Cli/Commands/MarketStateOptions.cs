using System.CommandLine;
using Comity.Cli.Releases;
using Comity.Declarations;
using Comity.Serving.Feedback;
using Comity.Serving.Releases;

namespace Comity.Cli.Commands;

/// <summary>A market's folder and the releases that answered there.</summary>
internal sealed record MarketState(string Market, string Folder, IReadOnlyList<Release> Releases);

/// <summary>Options that name a market's folder and the releases that answered there.</summary>
internal sealed class MarketStateOptions(Session session)
{
    public Option<string> Market { get; } = new("--market") { Description = session.Text("option.market"), HelpName = "ID", Required = true };

    public Option<string?> State { get; } = new("--state") { Description = session.Text("option.serve-state"), HelpName = "DIR" };

    public Option<string> Releases { get; } = new("--releases") { Description = session.Text("option.releases-of"), HelpName = "DIR", DefaultValueFactory = _ => "." };

    public void AddTo(Command command)
    {
        State.CompletionSources.Add(CommonOptions.Paths);
        Releases.CompletionSources.Add(CommonOptions.Paths);
        foreach (var option in new Option[] { Market, State, Releases }) command.Options.Add(option);
    }

    public MarketState Read(Session session, ParseResult parsed) => Read(session, parsed.GetRequiredValue(Market), parsed.GetValue(State), parsed.GetRequiredValue(Releases));

    public static MarketState Read(Session session, string market, string? state, string releases)
    {
        var folder = Path.GetFullPath(state ?? Path.Combine("serving", market));
        if (!MarketStore.Exists(folder)) throw new StoppedException(ExitCode.InvalidStudy, Texts.Problem("market-state", Place.InFile(folder), market));
        var trusted = ComityHome.Of(session).Trusted;
        var files = Directory.Exists(releases) ? Directory.EnumerateFiles(releases, "*.comity").Order(StringComparer.Ordinal).ToList() : [];
        if (files.Count == 0) throw new StoppedException(ExitCode.InvalidStudy, Texts.Problem("market-releases", Place.InFile(releases)));
        return new MarketState(market, folder, [.. files.Select(f => ReleaseFiles.Read(f, trusted))]);
    }
}
