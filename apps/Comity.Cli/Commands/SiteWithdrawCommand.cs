using System.CommandLine;
using System.Text.RegularExpressions;
using Comity.Cli.Sites;
using Comity.Declarations;
using Comity.Federation.AtRest;
using Comity.Transport.Clients;
using Comity.Transport.Identity;
using Comity.Transport.Sites;

namespace Comity.Cli.Commands;

/// <summary><c>comity site withdraw</c>: a data owner leaves a study for good.</summary>
internal static partial class SiteWithdrawCommand
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

    private static async Task<ExitCode> RunAsync(Session session, DeclaredSite site, StateKey? key, string named, CancellationToken cancellationToken)
    {
        if (!SiteIdentity.Exists(site.StateFolder)) throw new StoppedException(ExitCode.Coordinator, Texts.Problem("site-not-joined", Place.InFile(site.StateFolder)));
        var withdrawals = new Withdrawals(site.StateFolder);
        var study = Find(withdrawals.Known, named);
        // First the mark, then the rest: whether or not the coordinator can be reached, nothing more leaves. What is not known here must be
        // known there: who mistypes a study must not believe that the site has left it.
        var withdrawal = withdrawals.Known.Contains(study, StringComparer.Ordinal) ? Leave(session, site, withdrawals, study) : null;

        using var vault = StateVault.IsSealedState(site.StateFolder) ? StateKeyOptions.Open(site, key) : StateVault.Plain; // a lost key keeps nobody in a study
        using var identity = SiteIdentity.OpenOrMake(site.StateFolder, vault);
        var connection = new Membership(session, site, identity).Connection();
        using var http = SiteConnections.Open(connection, session);
        var told = await CoordinatorProblems.GuardAsync(connection.Address, async () =>
        {
            try
            {
                return await new SiteClient(http, session.Time).WithdrawAsync(study, cancellationToken);
            }
            catch (WireException e) when (withdrawal is null && e.Told.Code == "study-unknown")
            {
                throw Unknown(withdrawals.Known, named);
            }
            catch (Exception e) when (withdrawal is null && CoordinatorProblems.MayPass(e))
            {
                Leave(session, site, withdrawals, study); // it may be on its way here
                throw;
            }
        });
        if (withdrawal is null) Leave(session, site, withdrawals, study);
        withdrawals.Tell(study, told);
        foreach (var model in told.Remains) session.Out.Line(session.Text("site.withdraw.remains", model.Model, model.Repeat + 1, model.Rounds.Count, model.Rounds[^1]));
        if (told.Remains.Count == 0) session.Out.Line(session.Text("site.withdraw.nothing"));
        session.Out.Line(session.Text("site.withdraw.state", session.Text("state." + told.State), Path.Combine(site.StateFolder, "withdrawn", study + ".json")));
        return ExitCode.Done;
    }

    /// <summary>The study that is meant: its id, or its name where the site knows one study of that name.</summary>
    private static string Find(IReadOnlyList<string> known, string named)
    {
        if (known.Contains(named, StringComparer.Ordinal)) return named;
        var ofName = known.Where(id => Suffix().IsMatch(id) && Suffix().Replace(id, "") == named).ToList();
        return ofName.Count == 1 ? ofName[0] : ofName.Count == 0 && Withdrawals.IsStudy(named) ? named : throw Unknown(ofName.Count > 1 ? ofName : known, named);
    }

    private static StoppedException Unknown(IReadOnlyList<string> known, string named) =>
        new(ExitCode.Usage, Texts.Problem("withdraw-unknown", Place.InFile("STUDY"), named, string.Join(", ", known.DefaultIfEmpty("-"))));

    private static Withdrawal Leave(Session session, DeclaredSite site, Withdrawals withdrawals, string study)
    {
        try
        {
            var withdrawal = withdrawals.Leave(study, session.Time.GetUtcNow());
            session.Out.Line(session.Text("site.withdraw.deleted", site.Section.Site, study, withdrawal.Files, withdrawal.Bytes));
            return withdrawal;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            throw new StoppedException(ExitCode.Output, Texts.Problem("site-state-damaged", Place.InFile(site.StateFolder), e.Message));
        }
    }

    // submit names a study so.
    [GeneratedRegex("-[0-9a-f]{8}\\z")]
    private static partial Regex Suffix();
}
