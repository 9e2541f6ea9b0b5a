using System.CommandLine;
using Comity.Cli.Sites;
using Comity.Declarations;
using Comity.Transport.Clients;
using Comity.Federation.AtRest;
using Comity.Transport.Identity;
using Comity.Transport.Sites;

namespace Comity.Cli.Commands;

/// <summary><c>comity site withdraw</c>: a data owner leaves a study for good.</summary>
internal static class SiteWithdrawCommand
{
    public static Command Create(Session session)
    {
        var config = SiteCommand.Config(session);
        var study = new Argument<string>("STUDY") { Description = session.Text("site.withdraw.study") };
        var keys = new StateKeyOptions(session);
        var command = keys.On(new Command("withdraw", session.Text("site.withdraw.description")) { study, config });
        command.SetAction(async (parsed, cancellationToken) => (int)await RunAsync(session, DeclaredSite.Read(parsed.GetRequiredValue(config)), keys.Key(parsed), parsed.GetRequiredValue(study), cancellationToken));
        return command;
    }

    private static async Task<ExitCode> RunAsync(Session session, DeclaredSite site, StateKey? key, string study, CancellationToken cancellationToken)
    {
        var withdrawals = new Withdrawals(site.StateFolder);
        // First the mark, then the rest: whether or not the coordinator can be reached, nothing more leaves.
        var withdrawal = Leave(session, site, withdrawals, study);
        session.Out.Line(session.Text("site.withdraw.deleted", site.Section.Site, study, withdrawal.Files, withdrawal.Bytes));

        using var vault = StateVault.IsSealedState(site.StateFolder) ? StateKeyOptions.Open(site, key) : StateVault.Plain; // a lost key keeps nobody in a study
        using var identity = SiteIdentity.OpenOrMake(site.StateFolder, vault);
        var connection = new Membership(session, site, identity).Connection();
        using var http = SiteConnections.Open(connection, session);
        var told = await CoordinatorProblems.GuardAsync(connection.Address, () => new SiteClient(http, session.Time).WithdrawAsync(study, cancellationToken));
        withdrawals.Tell(withdrawal.Study, told);
        foreach (var model in told.Remains) session.Out.Line(session.Text("site.withdraw.remains", model.Model, model.Repeat + 1, model.Rounds.Count, model.Rounds[^1]));
        if (told.Remains.Count == 0) session.Out.Line(session.Text("site.withdraw.nothing"));
        session.Out.Line(session.Text("site.withdraw.state", session.Text("state." + told.State), Path.Combine(site.StateFolder, "withdrawn", study + ".json")));
        return ExitCode.Done;
    }

    private static Withdrawal Leave(Session session, DeclaredSite site, Withdrawals withdrawals, string study)
    {
        try
        {
            return withdrawals.Leave(study, session.Time.GetUtcNow());
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            throw new StoppedException(ExitCode.Output, Texts.Problem("site-state-damaged", Place.InFile(site.StateFolder), e.Message));
        }
    }
}
