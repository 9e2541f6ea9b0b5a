using System.CommandLine;
using Comity.Cli.Releases;
using Comity.Declarations;
using Comity.Serving.Releases;

namespace Comity.Cli.Commands;

/// <summary><c>comity release trust FINGERPRINT --signer NAME</c>: pins a signer after a person has compared fingerprints.</summary>
internal static class ReleaseTrustCommand
{
    public static Command Create(Session session)
    {
        var fingerprint = new Argument<string>("FINGERPRINT") { HelpName = "FINGERPRINT", Description = session.Text("argument.fingerprint") };
        var signer = new Option<string>("--signer") { Description = session.Text("option.signer"), HelpName = "NAME", Required = true };
        var command = new Command("trust", session.Text("release.trust.description")) { fingerprint, signer };
        command.SetAction((parsed, _) =>
        {
            var pinned = parsed.GetRequiredValue(fingerprint).Replace(":", "", StringComparison.Ordinal).Replace(" ", "", StringComparison.Ordinal).ToLowerInvariant();
            if (pinned.Length != 64 || !pinned.All(char.IsAsciiHexDigit)) throw new StoppedException(ExitCode.Usage, Texts.Problem("fingerprint-form", Place.InFile("FINGERPRINT"), pinned.Length));
            var home = ComityHome.Of(session);
            home.Trusted.With(new TrustedSigner(pinned, parsed.GetRequiredValue(signer), session.Time.GetUtcNow())).Write(home.TrustFile);
            session.Out.Line(session.Text("release.trusted", pinned, parsed.GetRequiredValue(signer), home.TrustFile));
            return Task.FromResult((int)ExitCode.Done);
        });
        return command;
    }
}
