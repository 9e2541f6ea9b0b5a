using System.CommandLine;
using System.Text;
using Comity.Cli.Releases;
using Comity.Cli.Terminal;
using Comity.Serving.Releases;

namespace Comity.Cli.Commands;

/// <summary><c>comity release show FILE</c>: the card, who signed it, and on what the model was judged.</summary>
internal static class ReleaseShowCommand
{
    public static Command Create(Session session)
    {
        var file = ReleaseFiles.Argument(session);
        var json = CommonOptions.Json(session);
        var command = new Command("show", session.Text("release.show.description")) { file, json };
        command.SetAction((parsed, _) =>
        {
            var release = ReleaseFiles.Read(parsed.GetRequiredValue(file), trusted: null);
            if (parsed.GetValue(json))
            {
                session.Out.Line(Encoding.UTF8.GetString(release.Manifest.ToBytes()));
                return Task.FromResult((int)ExitCode.Done);
            }
            var card = session.Language.Name == Language.SimplifiedChinese ? Release.ChineseCardPart : Release.CardPart;
            session.Out.Line(Encoding.UTF8.GetString(release[card].Span).TrimEnd());
            session.Out.Line();
            var trusted = ComityHome.Of(session).Trusted;
            var who = trusted.Signers.FirstOrDefault(s => s.Fingerprint == release.Signer)?.Name ?? session.Text("release.signer-unknown");
            session.Out.Line(session.Text("release.show.signed", release.Manifest.Id, release.Signer, who, release.Sha256));
            session.Out.Line(session.Text("release.show.terms", release.Manifest.Purpose ?? "–", release.Manifest.Licence ?? "–"));
            return Task.FromResult((int)ExitCode.Done);
        });
        return command;
    }
}
