using System.CommandLine;
using Comity.Coordinator.Hosting;
using Comity.Transport.Identity;

namespace Comity.Coordinator.Commands;

/// <summary><c>comity-coordinator join-code</c>: shows the code again, or makes the one that was handed out void.</summary>
internal static class JoinCodeCommand
{
    public static Command Create(CommandContext context)
    {
        var data = context.DataOption();
        var renew = new Option<bool>("--new") { Description = context.Text("join-code.new") };
        var command = new Command("join-code", context.Text("join-code.description")) { data, renew };
        command.SetAction(result => (int)context.OnState(result.GetRequiredValue(data).FullName, state =>
        {
            if (state.Registry.Recall("reached-at") is not { } reached) return context.Stop(CoordinatorExit.Unavailable, "never-served", "--data", state.Folder);
            var code = new JoinCode(new(reached), state.Authority.Key, state.Registry.JoinSecret(result.GetValue(renew)), state.Registry.Recall(Identity.Registry.ThroughProxy) == Identity.Registry.Yes);
            context.Output.WriteLine(code.ToString());
            return CoordinatorExit.Done;
        }));
        return command;
    }
}
