using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Comity.Cli.Attacks;
using Comity.Cli.Composition;
using Comity.Cli.Runs;
using Comity.Declarations;
using Comity.Insight.Results;

namespace Comity.Cli.Commands;

/// <summary><c>comity attack RUN</c>: attacks a finished run's model with the records that trained it, and writes what the attacks found into its folder.</summary>
internal static class AttackCommand
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    private const int LeastShadows = 4;
    private const int MostShadows = 1024;

    public static Command Create(Session session)
    {
        var run = new Argument<string>("RUN") { HelpName = "RUN", Description = session.Text("argument.run-attacked") };
        run.CompletionSources.Add(CommonOptions.Paths);
        var study = new Option<string?>("--study") { Description = session.Text("option.attack-study"), HelpName = "STUDY" };
        var model = new Option<string?>("--model") { Description = session.Text("option.attack-model"), HelpName = "ID" };
        var shadows = new Option<int>("--shadows") { Description = session.Text("option.attack-shadows"), HelpName = "N", DefaultValueFactory = _ => 16 };
        var json = CommonOptions.Json(session);
        var command = new Command("attack", session.Text("attack.description")) { run, study, model, shadows, json };
        command.SetAction((parsed, cancellationToken) =>
        {
            var (folder, count) = (parsed.GetRequiredValue(run), parsed.GetValue(shadows));
            if (count is < LeastShadows or > MostShadows) throw new StoppedException(ExitCode.Usage, Texts.Problem("attack-shadows", Place.InFile(shadows.Name), count, LeastShadows, MostShadows));
            var found = Attack(session, folder, parsed.GetValue(study), parsed.GetValue(model), count, cancellationToken);
            var text = string.Join('\n', found.Lines(session)) + "\n";
            OutputFile.Write(folder, () =>
            {
                AtomicFile.Write(Path.Combine(folder, "attack.json"), found.Json().ToJsonString(Indented) + "\n");
                AtomicFile.Write(Path.Combine(folder, "attack.md"), text);
            });
            session.Out.Line(parsed.GetValue(json) ? found.Json().ToJsonString(Indented) : text.TrimEnd());
            return Task.FromResult((int)ExitCode.Done);
        });
        return command;
    }

    private static AttackReport Attack(Session session, string run, string? studyFile, string? id, int shadows, CancellationToken cancellationToken)
    {
        var problems = new ProblemList();
        var path = Path.Combine(run, "results.json");
        var results = File.Exists(path) ? ResultsFile.Read(path, problems) : null;
        if (results is null) throw new StoppedException(ExitCode.InvalidStudy, problems.HasErrors ? problems : [Texts.Problem("attack-no-run", Place.InFile(path), run)]);
        var file = studyFile ?? results.StudyFile;
        if (file is null || !(File.Exists(file) || Directory.Exists(file))) throw new StoppedException(ExitCode.Usage, Texts.Problem("attack-no-study", Place.InFile("--study"), file ?? "-"));
        var study = CheckedStudy.Read(session, file, cancellationToken).With(results.Seed, null);
        if (study.Study.Declared.Sha256 != results.StudySha256) throw new StoppedException(ExitCode.InvalidStudy, Texts.Problem("attack-other-study", Place.InFile(file), results.Study));
        id ??= results.Models.FirstOrDefault(m => m.Arm == "federated")?.Id ?? results.Models.FirstOrDefault(m => m.Arm == "pooled")?.Id ?? results.Models[0].Id;
        if (results.Models.FirstOrDefault(m => m.Id == id && m.Repeat == 0) is not { } attacked)
            throw new StoppedException(ExitCode.Usage, Texts.Problem("attack-no-model", Place.InFile("--model"), id, string.Join(", ", results.Models.Select(m => m.Id).Distinct(StringComparer.Ordinal))));
        var model = ModelFolder.Read(Path.Combine(run, "models", id), null);
        return new RunAttack(study, model, attacked, results.Privacy, shadows).Run(cancellationToken);
    }
}
