using System.CommandLine;
using Comity.Cli.Sites;
using Comity.Declarations;
using Comity.Federation.AtRest;
using Comity.Federation.Privacy;
using Comity.Transport.Identity;

namespace Comity.Cli.Commands;

/// <summary><c>comity site data-set</c>: takes a person's signature that a name stands for records which no other data set of the site's ledger holds.</summary>
internal static class SiteDataSetCommand
{
    public static Command Create(Session session)
    {
        var name = new Argument<string>("NAME") { Description = session.Text("argument.data-set") };
        var config = SiteCommand.Config(session);
        var yes = new Option<bool>("--yes") { Description = session.Text("option.data-set-yes") };
        var keys = new StateKeyOptions(session);
        var command = keys.On(new Command("data-set", session.Text("site.data-set.description")) { name, config, yes });
        command.SetAction(parsed => (int)Run(session, DeclaredSite.Read(parsed.GetRequiredValue(config)), keys.Key(parsed), parsed.GetRequiredValue(name), parsed.GetValue(yes)));
        return command;
    }

    private static ExitCode Run(Session session, DeclaredSite site, StateKey? key, string name, bool yes)
    {
        if (!SiteIdentity.Exists(site.StateFolder)) throw new StoppedException(ExitCode.Coordinator, Texts.Problem("site-not-joined", Place.InFile(site.StateFolder)));
        using var vault = StateVault.IsSealedState(site.StateFolder) ? StateKeyOptions.Open(site, key) : StateVault.Plain;
        using var identity = SiteIdentity.OpenOrMake(site.StateFolder, vault);
        var path = Path.Combine(site.StateFolder, PrivacyLedger.FileName);
        IReadOnlyList<string> known = [];
        if (File.Exists(path))
        {
            using var ledger = PrivacyLedger.Open(path, session.Time);
            known = ledger.DataSets();
        }
        session.Out.Line(known.Count == 0 ? session.Text("data-set.none-known") : session.Text("data-set.known", string.Join(", ", known)));
        var acts = new DataSetActs(site.StateFolder);
        if (known.Contains(name) || acts.IsSigned(name, identity.Key))
        {
            session.Out.Line(session.Text("data-set.allowed", name));
            return ExitCode.Done;
        }
        session.Out.Line(session.Text("data-set.means", name));
        if (!yes)
        {
            session.Out.Line(session.Text("data-set.how", name));
            return ExitCode.Done;
        }
        acts.Sign(name, session.Environment("USER") ?? session.Environment("USERNAME") ?? "-", session.Time.GetUtcNow(), identity.Key);
        session.Out.Line(session.Out.Green(session.Text("data-set.signed", name)));
        return ExitCode.Done;
    }
}
