using System.CommandLine;
using Comity.Cli.Releases;
using Comity.Declarations;
using Comity.Serving.Feedback;
using Comity.Serving.Releases;

namespace Comity.Cli.Commands;

/// <summary>A market's store and the releases that answered there.</summary>
internal sealed record MarketState(string Market, StoreAddress Store, IReadOnlyList<Release> Releases);

/// <summary>Options that name a market's store and the releases that answered there.</summary>
internal sealed class MarketStateOptions(Session session)
{
    public Option<string> Market { get; } = new("--market") { Description = session.Text("option.market"), HelpName = "ID", Required = true };

    public Option<string?> State { get; } = new("--state") { Description = session.Text("option.market-state"), HelpName = "DIR|URL" };

    public Option<string> Releases { get; } = new("--releases") { Description = session.Text("option.releases-of"), HelpName = "DIR", DefaultValueFactory = _ => "." };

    public void AddTo(Command command)
    {
        State.CompletionSources.Add(CommonOptions.Paths);
        Releases.CompletionSources.Add(CommonOptions.Paths);
        foreach (var option in new Option[] { Market, State, Releases }) command.Options.Add(option);
    }

    /// <summary>Names the store where no option does: a password belongs there rather than on a command line.</summary>
    public const string StoreVariable = "COMITY_STORE";

    /// <summary>A market's store.</summary>
    /// <param name="session">Who asks.</param>
    /// <param name="named">What a person named; null: where <c>COMITY_STORE</c> says, otherwise in the folder <c>serving</c>.</param>
    /// <param name="market">The market.</param>
    public static StoreAddress StoreOf(Session session, string? named, string market)
    {
        var text = named ?? session.Environment(StoreVariable) ?? Path.Combine("serving", market);
        try
        {
            return StoreAddress.Read(text, market);
        }
        catch (ArgumentException e)
        {
            throw new StoppedException(ExitCode.Usage, Texts.Problem("store-unreadable", Place.InFile("--store"), e.Message));
        }
    }

    public MarketState Read(Session session, ParseResult parsed) => Read(session, parsed.GetRequiredValue(Market), parsed.GetValue(State), parsed.GetRequiredValue(Releases));

    public static MarketState Read(Session session, string market, string? state, string releases)
    {
        var store = StoreOf(session, state, market);
        try
        {
            if (!store.Exists()) throw new StoppedException(ExitCode.InvalidStudy, Texts.Problem("market-state", Place.InFile(store.ToString()), market));
        }
        catch (System.Data.Common.DbException e)
        {
            throw new StoppedException(ExitCode.InvalidStudy, Texts.Problem("store-unreachable", Place.InFile(store.ToString()), e.Message));
        }
        var trusted = ComityHome.Of(session).Trusted;
        var files = Directory.Exists(releases) ? Directory.EnumerateFiles(releases, "*.comity").Order(StringComparer.Ordinal).ToList() : [];
        if (files.Count == 0) throw new StoppedException(ExitCode.InvalidStudy, Texts.Problem("market-releases", Place.InFile(releases)));
        return new MarketState(market, store, [.. files.Select(f => ReleaseFiles.Read(f, trusted))]);
    }
}
