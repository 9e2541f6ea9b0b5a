using System.CommandLine;

namespace Comity.Cli.Commands;

/// <summary><c>comity release verify FILE</c>: whether it is whole, unchanged and signed by somebody trusted here.</summary>
internal static class ReleaseVerifyCommand
{
    public static Command Create(Session session)
    {
        var file = ReleaseFiles.Argument(session);
        var command = new Command("verify", session.Text("release.verify.description")) { file };
        command.SetAction((parsed, _) =>
        {
            var release = ReleaseFiles.Read(session, parsed.GetRequiredValue(file));
            session.Out.Line(session.Text("release.verified", release.Manifest.Id, release.Signer, release.Sha256));
            return Task.FromResult((int)ExitCode.Done);
        });
        return command;
    }
}
