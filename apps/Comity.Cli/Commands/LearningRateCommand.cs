using System.CommandLine;
using System.Text.Json;
using Comity.Cli.Composition;
using Comity.Cli.Estimates;
using Comity.Cli.Terminal;
using Comity.Declarations;
using Comity.Federation.Privacy;

namespace Comity.Cli.Commands;

/// <summary><c>comity learning-rate STUDY</c>: tries ever larger learning rates on each site's rows before a run starts.</summary>
internal static class LearningRateCommand
{
    private static readonly JsonSerializerOptions Options = new() { WriteIndented = true, PropertyNamingPolicy = JsonNamingPolicy.CamelCase };

    public static Command Create(Session session)
    {
        var study = CommonOptions.Study(session);
        var json = CommonOptions.Json(session);
        var steps = new Option<int>("--steps") { Description = session.Text("option.rate-steps"), HelpName = "N", DefaultValueFactory = _ => 100 };
        steps.Validators.Add(result => { if (result.GetValue(steps) < 10) result.AddError(session.Text("learning-rate.few-steps", result.GetValue(steps))); });
        var command = new Command("learning-rate", session.Text("learning-rate.description")) { study, steps, json };
        command.SetAction((parsed, cancellationToken) =>
        {
            var path = parsed.GetRequiredValue(study);
            var read = CheckedStudy.Read(session, path, cancellationToken);
            // What is chosen by looking at the rows tells of them, and nothing here is charged.
            if (read.Study.Study.Privacy?.DifferentialPrivacy is { Unit: PrivacyUnit.Record })
                throw new StoppedException(ExitCode.InvalidStudy, Texts.Problem("learning-rate-uncharged", read.Study.Declared.Root["privacy"]!.Place));
            var written = parsed.GetValue(json);
            var trials = LearningRateTrial.All(read, parsed.GetValue(steps), (model, site) => { if (!written) session.Error.Line(session.Text("learning-rate.trying", model, site)); }, cancellationToken);
            if (written) session.Out.Line(JsonSerializer.Serialize(trials, Options));
            else Print(session, trials);
            return Task.FromResult((int)ExitCode.Done);
        });
        return command;
    }

    private static void Print(Session session, IReadOnlyList<LearningRateTrial> trials)
    {
        if (trials.Count == 0)
        {
            session.Out.Line(session.Text("learning-rate.none"));
            return;
        }
        var table = new TextTable([.. new[] { "model", "site", "declared", "suggested", "curve" }.Select(c => session.Text("learning-rate." + c))]);
        foreach (var trial in trials)
            table.Add(trial.Model, trial.Site, Rate(trial.Declared), trial.Suggested is { } rate ? Rate(rate) : session.Text("learning-rate.never"), Curve(trial.Losses));
        foreach (var line in table.Lines()) session.Out.Line(line);
        session.Out.Line(session.Text("learning-rate.how", Rate(trials[0].Rates[0]), Rate(trials.Max(t => t.Rates[^1]))));

        string Rate(double value) => value.ToString("0.0e+0", session.Language);
    }

    // The smoothed loss from the first rate to the last, in forty bars.
    private static string Curve(IReadOnlyList<double> losses)
    {
        const string Bars = "▁▂▃▄▅▆▇█";
        double low = losses.Min(), high = Math.Min(losses.Max(), 2 * losses[0]);
        var width = Math.Min(40, losses.Count);
        return string.Concat(Enumerable.Range(0, width).Select(i => Bars[(int)Math.Clamp((losses[i * losses.Count / width] - low) / Math.Max(high - low, 1e-12) * 7.99, 0, 7)]));
    }
}
