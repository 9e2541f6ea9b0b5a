using System.CommandLine;

namespace Comity.Cli.Commands;

/// <summary><c>comity privacy …</c>: what differential privacy costs: reckoned before anything is trained, and as charged.</summary>
internal static class PrivacyCommand
{
    public static Command Create(Session session) => new("privacy", session.Text("privacy.description"))
    {
        PrivacyEpsilonCommand.Create(session),
        PrivacyNoiseCommand.Create(session),
        PrivacyLedgerCommand.Create(session),
        PrivacyBudgetCommand.Create(session),
    };
}
