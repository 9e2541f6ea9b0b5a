using System.CommandLine;
using Comity.Cli.Releases;
using Comity.Cli.Runs;
using Comity.Declarations;
using Comity.Insight.Results;
using Comity.Serving.Releases;

namespace Comity.Cli.Commands;

/// <summary><c>comity release RUN</c>: signs a model of a run and writes it as one file; its subcommands look at such files.</summary>
internal static class ReleaseCommand
{
    public static Command Create(Session session)
    {
        var run = new Argument<string>("RUN_DIR") { HelpName = "RUN_DIR", Description = session.Text("argument.run"), Arity = ArgumentArity.ZeroOrOne };
        var model = new Option<string?>("--model") { Description = session.Text("option.release-model"), HelpName = "ID" };
        var name = new Option<string?>("--name") { Description = session.Text("option.release-name"), HelpName = "NAME" };
        var version = new Option<string?>("--version") { Description = session.Text("option.release-version"), HelpName = "X.Y.Z" };
        var site = new Option<string?>("--site") { Description = session.Text("option.site"), HelpName = "ID" };
        var purpose = new Option<string?>("--purpose") { Description = session.Text("option.purpose"), HelpName = "TEXT" };
        var licence = new Option<string?>("--licence") { Description = session.Text("option.licence"), HelpName = "SPDX" };
        var output = new Option<string>("--out") { Description = session.Text("option.release-out"), HelpName = "DIR", DefaultValueFactory = _ => "." };
        run.CompletionSources.Add(CommonOptions.Paths);
        output.CompletionSources.Add(CommonOptions.Paths);
        var command = new Command("release", session.Text("release.description")) { run, model, name, version, site, purpose, licence, output };
        command.Subcommands.Add(ReleaseListCommand.Create(session));
        command.Subcommands.Add(ReleaseShowCommand.Create(session));
        command.Subcommands.Add(ReleaseVerifyCommand.Create(session));
        command.Subcommands.Add(ReleaseDiffCommand.Create(session));
        command.Subcommands.Add(ReleaseCompareCommand.Create(session));
        command.Subcommands.Add(ReleaseTrustCommand.Create(session));
        command.SetAction((parsed, _) =>
        {
            var problems = new ProblemList();
            string Required(string? value, string option)
            {
                if (string.IsNullOrEmpty(value)) problems.Add(Texts.Problem("release-needs", Place.InFile(option), option));
                return value ?? "";
            }
            var wish = new ReleaseWish(
                Required(parsed.GetValue(name), "--name"), Required(parsed.GetValue(version), "--version"), parsed.GetValue(model), parsed.GetValue(site), parsed.GetValue(purpose), parsed.GetValue(licence));
            var folder = Required(parsed.GetValue(run), "RUN_DIR");
            if (problems.HasErrors) throw new StoppedException(ExitCode.Usage, problems);
            var (manifest, parts) = ReleaseMaker.Make(folder, wish, session.Time);
            var path = Path.GetFullPath(Path.Combine(parsed.GetRequiredValue(output), manifest.FileName));
            // A version that went out may run somewhere: another file of the same name and version must not come to be.
            if (File.Exists(path)) throw new StoppedException(ExitCode.Output, Texts.Problem("release-exists", Place.InFile(path), manifest.Id));
            using var key = ComityHome.Of(session).OpenKey(session);
            try
            {
                AtomicFile.Write(path, stream => stream.Write(Release.Write(manifest, parts, key)));
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                throw new StoppedException(ExitCode.Output, Texts.Problem("output-unwritable", Place.InFile(path), e.Message));
            }
            session.Out.Line(session.Text("release.written", manifest.Id, path, key.Fingerprint));
            return Task.FromResult((int)ExitCode.Done);
        });
        return command;
    }
}
