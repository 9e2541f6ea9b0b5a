using System.CommandLine;

namespace Comity.Cli.Commands;

/// <summary><c>comity privacy …</c>: what differential privacy costs, reckoned before anything is trained.</summary>
internal static class PrivacyCommand
{
    public static Command Create(Session session) => new("privacy", session.Text("privacy.description"))
    {
        PrivacyEpsilonCommand.Create(session),
        PrivacyNoiseCommand.Create(session),
    };
}
