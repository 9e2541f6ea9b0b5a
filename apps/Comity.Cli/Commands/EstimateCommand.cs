using System.CommandLine;
using System.Text.Json;
using Comity.Cli.Composition;
using Comity.Cli.Estimates;
using Comity.Cli.Progress;
using Comity.Cli.Terminal;

namespace Comity.Cli.Commands;

/// <summary><c>comity estimate STUDY</c>: time, memory, bytes and rounds before starting, from a few measured steps.</summary>
internal static class EstimateCommand
{
    private static readonly JsonSerializerOptions Options = new() { WriteIndented = true, PropertyNamingPolicy = JsonNamingPolicy.CamelCase };

    public static Command Create(Session session)
    {
        var study = CommonOptions.Study(session);
        var json = CommonOptions.Json(session);
        var jobs = new Option<int>("--jobs") { Description = session.Text("option.jobs"), HelpName = "N", DefaultValueFactory = _ => Environment.ProcessorCount };
        var command = new Command("estimate", session.Text("estimate.description")) { study, jobs, json };
        command.SetAction((parsed, cancellationToken) =>
        {
            var read = CheckedStudy.Read(session, parsed.GetRequiredValue(study), cancellationToken);
            var estimate = StudyEstimate.Measure(read, Math.Max(1, parsed.GetValue(jobs)), session.Time, cancellationToken);
            if (parsed.GetValue(json)) session.Out.Line(JsonSerializer.Serialize(estimate, Options));
            else Print(session, estimate);
            return Task.FromResult((int)ExitCode.Done);
        });
        return command;
    }

    private static void Print(Session session, StudyEstimate estimate)
    {
        var output = session.Out;
        output.Line(output.Bold(session.Text("estimate.title", estimate.Parameters.ToString("N0", session.Language), estimate.Repeats)));
        var table = new TextTable([.. new[] { "model", "models", "rounds", "bytes", "time" }.Select(c => session.Text("estimate." + c))]);
        foreach (var model in estimate.Models)
            table.Add(model.Id, model.Models.ToString("N0", session.Language), model.Rounds.ToString("N0", session.Language), Bytes(session, model.Bytes), $"{model.CoreSeconds.ToString("N1", session.Language)} s");
        table.Add(session.Text("estimate.judging"), "", "", "", $"{estimate.JudgingSeconds.ToString("N1", session.Language)} s");
        foreach (var line in table.Lines()) output.Line(line);
        output.Line(session.Text("estimate.statistics", Bytes(session, estimate.StatisticsBytes)));
        output.Line(session.Text("estimate.total", RunClock.Show(TimeSpan.FromSeconds(estimate.WallSeconds)), estimate.Jobs, Bytes(session, estimate.MemoryBytes)));
        output.Line(session.Text("estimate.energy"));
    }

    private static string Bytes(Session session, long bytes) => bytes switch
    {
        >= 1_000_000_000 => (bytes / 1e9).ToString("N1", session.Language) + " GB",
        >= 1_000_000 => (bytes / 1e6).ToString("N1", session.Language) + " MB",
        >= 1_000 => (bytes / 1e3).ToString("N1", session.Language) + " kB",
        _ => bytes.ToString("N0", session.Language) + " B",
    };
}
