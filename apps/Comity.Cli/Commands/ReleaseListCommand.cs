using System.CommandLine;
using System.Globalization;
using Comity.Cli.Releases;
using Comity.Cli.Terminal;
using Comity.Serving.Releases;

namespace Comity.Cli.Commands;

/// <summary><c>comity release list [DIR]</c>: the releases of a folder, each verified.</summary>
internal static class ReleaseListCommand
{
    public static Command Create(Session session)
    {
        var folder = new Argument<string>("DIR") { HelpName = "DIR", Description = session.Text("argument.release-dir"), DefaultValueFactory = _ => "." };
        folder.CompletionSources.Add(CommonOptions.Paths);
        var command = new Command("list", session.Text("release.list.description")) { folder };
        command.SetAction((parsed, _) =>
        {
            var trusted = ComityHome.Of(session).Trusted;
            var table = new TextTable([.. new[] { "release", "created", "trained-on", "signer" }.Select(c => session.Text("release.column." + c))]);
            var sound = true;
            var files = Directory.Exists(parsed.GetRequiredValue(folder)) ? Directory.EnumerateFiles(parsed.GetRequiredValue(folder), "*.comity").Order(StringComparer.Ordinal).ToList() : [];
            foreach (var file in files)
            {
                try
                {
                    var release = ReleaseFiles.Read(file, trusted);
                    var manifest = release.Manifest;
                    table.Add(manifest.Id, manifest.Created.ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture), string.Join(", ", manifest.Origin.Contributors.Select(c => c.Site)), release.Signer[..16]);
                }
                catch (ReleaseRefusedException e)
                {
                    sound = false;
                    table.Add(Path.GetFileName(file), "–", session.Text("release.refused", e.Problem.Code), "–");
                }
            }
            foreach (var line in table.Lines()) session.Out.Line(line);
            return Task.FromResult((int)(sound ? ExitCode.Done : ExitCode.Refused));
        });
        return command;
    }
}
