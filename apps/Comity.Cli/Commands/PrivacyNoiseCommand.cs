using System.CommandLine;
using Comity.Cli.Accounting;

namespace Comity.Cli.Commands;

/// <summary><c>comity privacy noise</c>: the least noise with which training keeps a given ε.</summary>
internal static class PrivacyNoiseCommand
{
    public static Command Create(Session session)
    {
        var target = new Option<string?>("--epsilon") { Description = session.Text("option.privacy-epsilon"), HelpName = "EPSILON" };
        var options = new PrivacyOptions(session);
        var command = new Command("noise", session.Text("privacy.noise.description")) { target };
        options.AddTo(command);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var values = new TypedValues();
            var epsilon = values.Number(target.Name, parsed.GetValue(target), PlannedTraining.IsEpsilon);
            var planned = options.Read(parsed, values);
            if (values.Problems.HasErrors) return PrivacyOptions.Refuse(session, command, values.Problems);

            var noise = await Task.Run(() => planned.Noise(epsilon), cancellationToken).WaitAsync(cancellationToken);
            if (noise is not { } multiplier) return PrivacyOptions.Refuse(session, command, [planned.OutOfReach(epsilon)]);
            new PrivacyAccount(planned, multiplier, epsilon, Solved.Noise).Print(session, parsed.GetValue(options.Json), values.Problems);
            return (int)ExitCode.Done;
        });
        return command;
    }
}
