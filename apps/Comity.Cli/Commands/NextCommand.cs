using System.CommandLine;
using Comity.Cli.Composition;
using Comity.Cli.Estimates;
using Comity.Cli.Loop;
using Comity.Cli.Progress;
using Comity.Declarations;
using Comity.Federation.Studies;
using Comity.Insight.Results;
using Comity.Serving.Releases;

namespace Comity.Cli.Commands;

/// <summary><c>comity next NAME --out FILE</c>: proposes the next study from what the markets saw. Trains nothing: a person runs it.</summary>
internal static class NextCommand
{
    public static Command Create(Session session)
    {
        var file = ReleaseFiles.Argument(session, "NAME", "argument.next-release");
        var study = new Option<string?>("--study") { Description = session.Text("option.next-study"), HelpName = "STUDY" };
        var states = new Option<string[]>("--state") { Description = session.Text("option.next-state"), HelpName = "MARKET=DIR", AllowMultipleArgumentsPerToken = true };
        var output = new Option<string>("--out") { Description = session.Text("option.next-out"), HelpName = "FILE", Required = true };
        var rounds = new Option<int>("--rounds") { Description = session.Text("option.next-rounds"), HelpName = "N", DefaultValueFactory = _ => 20 };
        var ledger = new Option<string?>("--ledger") { Description = session.Text("option.next-ledger"), HelpName = "FILE|RUN" };
        ledger.CompletionSources.Add(CommonOptions.Paths);
        study.CompletionSources.Add(CommonOptions.Paths);
        output.CompletionSources.Add(CommonOptions.Paths);
        var command = new Command("next", session.Text("next.description")) { file, study, states, output, rounds, ledger };
        command.SetAction((parsed, cancellationToken) =>
        {
            var path = NextInputs.FileOf(session, parsed.GetRequiredValue(file));
            var release = ReleaseFiles.Read(session, path);
            var target = Path.GetFullPath(parsed.GetRequiredValue(output));
            var source = NextInputs.StudyOf(parsed.GetValue(study), target);
            var reasons = NextInputs.Markets(session, parsed.GetValue(states) ?? [], release, Path.GetDirectoryName(Path.GetFullPath(path))!).Select(state => MarketReason.Of(state, release)).ToList();
            foreach (var reason in reasons) session.Out.Line(reason.Text(session));

            if (Path.GetDirectoryName(target) != Path.GetDirectoryName(Path.GetFullPath(source))) throw new StoppedException(ExitCode.Usage, Texts.Problem("next-folder", Place.InFile(target), Path.GetDirectoryName(Path.GetFullPath(source))));
            var weights = $"{release.Manifest.Name}-{release.Manifest.Version}.safetensors";
            // Joining a given model is not among what is accounted under differential privacy: such a study trains anew.
            var (declared, warm) = (new ProblemList(), parsed.GetValue(rounds) as int?);
            if (StudyReader.Read(source, declared)?.Section.Privacy?.DifferentialPrivacy is not null) warm = null;
            if (warm is not null) AtomicFile.Write(Path.Combine(Path.GetDirectoryName(target)!, weights), stream => stream.Write(release[Release.WeightsPart].Span));
            List<string> head = [session.Text("next.head", release.Manifest.Id, session.Time.GetUtcNow().ToString("yyyy-MM-dd", System.Globalization.CultureInfo.InvariantCulture)), .. reasons.Select(r => r.Text(session)), .. warm is null ? new[] { session.Text("next.anew") } : []];
            void Propose() => AtomicFile.Write(target, NextStudy.Write(File.ReadAllText(source), release, weights, head, warm));
            Propose();

            session.Out.Line(session.Text(reasons.Any(r => r.Calls) ? "next.called" : "next.not-called"));
            var proposed = CheckedStudy.Read(session, target, cancellationToken);
            var estimate = StudyEstimate.Measure(proposed, Environment.ProcessorCount, session.Time, cancellationToken);
            using var budgets = parsed.GetValue(ledger) is { } named ? LedgerFile.Open(named, session) : null;
            string[] costs = [session.Text("next.cost", RunClock.Show(TimeSpan.FromSeconds(estimate.WallSeconds)), estimate.Models.Sum(m => m.Bytes) / 1e6, estimate.MemoryBytes / 1e6), .. NextBudgets.Of(session, proposed.Study.Study, release, budgets)];
            foreach (var line in costs) session.Out.Line(line);
            // Cost and budgets stand in the proposal beside the reasons: whoever approves it reads one file.
            head.AddRange(costs);
            Propose();
            session.Out.Line(session.Text("next.written", target));
            return Task.FromResult((int)ExitCode.Done);
        });
        return command;
    }
}
