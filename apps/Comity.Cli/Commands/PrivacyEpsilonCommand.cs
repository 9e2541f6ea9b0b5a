using System.CommandLine;
using Comity.Cli.Accounting;

namespace Comity.Cli.Commands;

/// <summary><c>comity privacy epsilon</c>: what training with a given noise costs.</summary>
internal static class PrivacyEpsilonCommand
{
    public static Command Create(Session session)
    {
        var noise = new Option<string?>("--noise") { Description = session.Text("option.privacy-noise"), HelpName = "MULTIPLIER" };
        var options = new PrivacyOptions(session);
        var command = new Command("epsilon", session.Text("privacy.epsilon.description")) { noise };
        options.AddTo(command);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var values = new TypedValues();
            var multiplier = values.Number(noise.Name, parsed.GetValue(noise), PlannedTraining.IsNoise);
            var planned = options.Read(parsed, values);
            if (values.Problems.HasErrors) return PrivacyOptions.Refuse(session, command, values.Problems);

            // The accountants can't be interrupted, but Ctrl-C need not wait for them.
            var epsilon = await Task.Run(() => planned.Epsilon(multiplier), cancellationToken).WaitAsync(cancellationToken);
            if (double.IsInfinity(epsilon)) return PrivacyOptions.Refuse(session, command, [planned.Unbounded(multiplier)]);
            new PrivacyAccount(planned, multiplier, epsilon, Solved.Epsilon).Print(session, parsed.GetValue(options.Json), values.Problems);
            return (int)ExitCode.Done;
        });
        return command;
    }
}
