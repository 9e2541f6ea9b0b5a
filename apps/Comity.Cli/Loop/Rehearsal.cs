using Comity.Cli.Commands;
using Comity.Cli.Releases;
using Comity.Insight.Loop;
using Comity.Serving.Feedback;
using Comity.Serving.Releases;

namespace Comity.Cli.Loop;

/// <summary>Plays the whole circle with real processes: train, release, deploy, serve in two markets, a shift in one, late labels, the next study, a canary, promotion.</summary>
/// <remarks>
/// Nothing is pretended: each step is the command that a person would type, orders and releases go through a coordinator over TLS, the servers answer over HTTP, and the page shows
/// what they stored. Only the people who approve are played.
/// </remarks>
internal sealed class Rehearsal(Session session, string example, string root)
{
    private const string By = "rehearsal", Because = "synthetic records, nobody is treated by them";
    private readonly long _started = session.Time.GetTimestamp();
    private readonly List<LoopEvent> _events = [];
    private readonly LoopProgram _tool = LoopProgram.Tool();

    private string Home => Path.Combine(root, "home");

    private string Study => Path.Combine(root, "study");

    private string Releases => Path.Combine(root, "releases");

    public async Task<string> PlayAsync(CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(Study);
        Directory.CreateDirectory(Releases);
        File.Copy(Path.Combine(example, "study.yaml"), Path.Combine(Study, "study.yaml"), overwrite: true);
        using var coordinator = await LoopCoordinator.StartAsync(LoopProgram.Coordinator(session), Path.Combine(root, "coordinator"), cancellationToken);
        var author = new Dictionary<string, string> { ["COMITY_HOME"] = Home, ["COMITY_COORDINATOR"] = coordinator.Code, ["COMITY_TOKEN"] = coordinator.Token };
        Task<string> Comity(params string[] arguments) => LoopProcess.RunAsync(_tool, author, cancellationToken, arguments);
        var (first, second) = (Path.Combine(Releases, "heart-1.0.0.comity"), Path.Combine(Releases, "heart-1.1.0.comity"));

        await Comity("run", Study, "--out", Path.Combine(root, "run-1"));
        Tell(0, "unsure", "trained");
        await Comity("release", Path.Combine(root, "run-1"), "--name", "heart", "--version", "1.0.0", "--out", Releases);
        await Comity("deploy", first, "--markets", "us,hu", "--approve-by", By, "--because", Because);
        Tell(0, "unsure", "released", "1.0.0");

        using var client = new HttpClient();
        using var us = Serve("us", coordinator.Code);
        using var hu = Serve("hu", coordinator.Code);
        var (usUsers, huUsers) = (new MarketTraffic("us", await us.ListeningAsync(cancellationToken), client), new MarketTraffic("hu", await hu.ListeningAsync(cancellationToken), client));
        await Task.WhenAll(coordinator.ApproveAsync("us-1", us, cancellationToken), coordinator.ApproveAsync("hu-1", hu, cancellationToken));
        Tell(0, "unsure", "joined");
        foreach (var users in new[] { usUsers, huUsers }) await users.WaitForAsync(["1.0.0"], cancellationToken);
        Tell(1, "unsure", "serving", "1.0.0");
        Tell(2, "unsure", "serving", "1.0.0");

        await Task.WhenAll(usUsers.AskAsync(Live("us-live-1"), cancellationToken), huUsers.AskAsync(Live("hu-live-1"), cancellationToken));
        await Task.WhenAll(usUsers.TellAsync(cancellationToken), huUsers.TellAsync(cancellationToken));
        Tell(1, "better", "quiet");
        Tell(2, "better", "quiet");
        Tell(2, "worse", "device");
        await Task.WhenAll(usUsers.AskAsync(Live("us-live-2"), cancellationToken), huUsers.AskAsync(Live("hu-live-2"), cancellationToken));
        await Task.WhenAll(usUsers.TellAsync(cancellationToken), huUsers.TellAsync(cancellationToken));
        var champion = Read(first);
        var reasons = new[] { "us", "hu" }.Select(m => MarketReason.Of(new MarketState(m, Serving.Feedback.StoreAddress.InFolder(State(m)), [champion]), champion)).ToList();
        for (var m = 0; m < reasons.Count; m++)
            Tell(m + 1, reasons[m].Alarm || reasons[m].Shifted.Count > 0 ? "worse" : "better", "judged", reasons[m].Text(session));

        // The hospital's own records have grown by those whose outcome is known now.
        await File.AppendAllLinesAsync(Path.Combine(Study, "hu.csv"), File.ReadLines(Live("hu-live-2")).Skip(1), cancellationToken);
        var proposal = Path.Combine(Study, "next-study.yaml");
        await Comity("next", first, "--study", Study, "--state", $"us={State("us")}", $"hu={State("hu")}", "--out", proposal);
        Tell(0, "unsure", "proposed");
        await Comity("run", proposal, "--out", Path.Combine(root, "run-2"));
        await Comity("release", Path.Combine(root, "run-2"), "--model", "combined/warm", "--name", "heart", "--version", "1.1.0", "--out", Releases);
        var compared = ChampionComparison.Of(session, champion, Read(second), proposal, cancellationToken);
        Tell(0, "better", "challenged", string.Join("; ", compared.Select(c => Difference(c))));

        await Comity("deploy", second, "--markets", "hu", "--canary", "25%", "--approve-by", By, "--because", Because);
        await huUsers.WaitForAsync(["1.0.0", "1.1.0"], cancellationToken);
        Tell(2, "unsure", "canary", MarketTraffic.Count(await huUsers.AskAsync(Live("hu-live-3"), cancellationToken)));
        await huUsers.TellAsync(cancellationToken);
        await Comity("deploy", second, "--markets", "hu", "--approve-by", By, "--because", Because);
        await huUsers.WaitForAsync(["1.1.0"], cancellationToken);
        Tell(2, "better", "promoted", MarketTraffic.Count(await huUsers.AskAsync(Live("hu-live-3"), cancellationToken)));
        await huUsers.TellAsync(cancellationToken);
        await File.WriteAllTextAsync(Path.Combine(root, "deployments.txt"), await Comity("deployments") + "\n", cancellationToken);
        await us.StopAsync(cancellationToken);
        await hu.StopAsync(cancellationToken);
        await coordinator.StopAsync(cancellationToken);

        var path = Path.Combine(root, "loop.html");
        var pages = new RehearsalPage(session, [champion, Read(second)], State);
        Insight.Results.AtomicFile.Write(path, await LoopPage.RenderAsync(pages.View(_events, compared)));
        return path;
    }

    private LoopProcess Serve(string market, string code) => LoopProcess.Start(
        _tool, new Dictionary<string, string> { ["COMITY_HOME"] = Home },
        "serve", "--market", market, "--listen", "http://127.0.0.1:0", "--state", State(market), "--join", code, "--node", market + "-1", "--poll", "0.2", "--window", "100", "--drain", "0.1");

    private Release Read(string file) => ReleaseFiles.Read(file, new ComityHome(Home).Trusted);

    private string State(string market) => Path.Combine(root, "state", market);

    private string Live(string name) => Path.Combine(Study, name + ".csv");

    private static string Difference(ChampionComparison market) =>
        market.Differences.FirstOrDefault(d => d.Metric == "rocAuc") is { } d ? string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{market.Market} AUC {d.Difference:+0.000;-0.000} [{d.Low:0.000}, {d.High:0.000}]") : market.Market;

    private void Tell(int lane, string tone, string what, params object?[] arguments)
    {
        var one = new LoopEvent(session.Time.GetElapsedTime(_started).TotalMinutes, lane, tone, session.Text("rehearse.event." + what, arguments));
        _events.Add(one);
        session.Out.Line($"{session.Time.GetElapsedTime(_started):m\\:ss}  {session.Text("rehearse.lane." + lane)}: {one.Text}");
    }
}
