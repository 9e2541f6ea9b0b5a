using System.CommandLine;
using System.Security.Cryptography;
using Comity.Cli.Composition;
using Comity.Cli.Network;
using Comity.Cli.Runs;
using Comity.Cli.Terminal;
using Comity.Data.Shared;
using Comity.Declarations;
using Comity.Transport.Protocol;

namespace Comity.Cli.Commands;

/// <summary><c>comity submit STUDY --to URL</c>: hands a study to a coordinator.</summary>
internal static class SubmitCommand
{
    public static Command Create(Session session)
    {
        var (study, connection) = (CommonOptions.Study(session), new AuthorConnection(session));
        var watch = new Option<bool>("--watch") { Description = session.Text("option.watch") };
        var command = new Command("submit", session.Text("submit.description")) { study, watch };
        connection.AddTo(command);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var submission = Read(session, parsed.GetRequiredValue(study));
            return (int)await connection.CallAsync(parsed, async client =>
            {
                var view = await client.SubmitAsync(submission, cancellationToken);
                session.Out.Line(session.Text("submit.done", view.Study, view.Id));
                if (!parsed.GetValue(watch)) return ExitCode.Done;
                return WatchCommand.Ended(session, await new WatchView(session).FollowAsync(client, view.Id, cancellationToken));
            });
        });
        return command;
    }

    private static StudySubmission Read(Session session, string path)
    {
        var problems = new ProblemList();
        var (_, study) = StudyComposer.Read(path, problems, federated: true);
        if (study is null || problems.HasErrors) throw new StoppedException(ExitCode.InvalidStudy, problems);
        if (problems.Count > 0) ProblemPrinter.Print(session, problems);
        if (study.Study.Combined.Any(c => !c.FromLocal))
            throw new StoppedException(ExitCode.InvalidStudy, Texts.Problem("submit-given-models", study.Declared.Root["combined"]?.Place ?? Place.InFile(path)));
        // A new id for each submission; within one call it stays the same, however often the call is repeated.
        var id = $"{Name(study.Study.Study)}-{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(4))}";
        var plan = new StudyPlan(
            SharedStatistics.Steps(study.Contract, study.Preprocess), study.Contract.Label.TaskName, study.Contract.Label.Column, study.Evaluation.PrimaryFor(study.Task), ToolVersion.Text);
        return new(id, Path.GetFileName(study.Declared.File), Convert.ToBase64String(File.ReadAllBytes(study.Declared.File)), plan);
    }

    private static string Name(string study) =>
        string.Concat(study.Take(60).Select(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.' ? c : '-')).Trim('-', '.', '_') is { Length: > 0 } name ? name : "study";
}
