using System.CommandLine;
using System.Security.Cryptography;
using Comity.Cli.Composition;
using Comity.Cli.Sites;
using Comity.Cli.Terminal;
using Comity.Declarations;
using Comity.Federation.AtRest;
using Comity.Transport.Identity;

namespace Comity.Cli.Commands;

/// <summary><c>comity site approve</c>: shows a person what would leave if the site took part in a study that asks, and takes the person's yes.</summary>
internal static class SiteApproveCommand
{
    public static Command Create(Session session)
    {
        var study = new Argument<string?>("STUDY") { Description = session.Text("argument.waiting-study"), Arity = ArgumentArity.ZeroOrOne };
        var config = SiteCommand.Config(session);
        var yes = new Option<bool>("--yes") { Description = session.Text("option.approve-yes") };
        var withdraw = new Option<bool>("--withdraw") { Description = session.Text("option.approve-withdraw") };
        var keys = new StateKeyOptions(session);
        var command = keys.On(new Command("approve", session.Text("site.approve.description")) { study, config, yes, withdraw });
        command.SetAction(parsed => (int)Run(session, DeclaredSite.Read(parsed.GetRequiredValue(config)), keys.Key(parsed), parsed.GetValue(study), parsed.GetValue(yes), parsed.GetValue(withdraw)));
        return command;
    }

    private static ExitCode Run(Session session, DeclaredSite site, StateKey? key, string? name, bool yes, bool withdraw)
    {
        using var vault = StateVault.IsSealedState(site.StateFolder) ? StateKeyOptions.Open(site, key) : StateVault.Plain;
        using var identity = SiteIdentity.Exists(site.StateFolder) ? SiteIdentity.OpenOrMake(site.StateFolder, vault) : null;
        using var nobody = ECDsa.Create(ECCurve.NamedCurves.nistP256); // a site that never ran has approved nothing
        var signing = identity?.Key ?? nobody;
        var steward = Steward.Of(site, signing);
        var waiting = steward.Approvals.All().Select(w => (w.Sha256, Study: Read(w.File))).Where(w => w.Study is not null).Select(w => (w.Sha256, Study: w.Study!)).ToList();
        if (name is null)
        {
            if (waiting.Count == 0) session.Out.Line(session.Text("approve.none"));
            foreach (var (sha256, asked) in waiting) session.Out.Line(session.Text(steward.Approvals.IsApproved(sha256, signing) ? "approve.approved" : "approve.waits", asked.Study.Study, sha256[..12]));
            return ExitCode.Done;
        }
        // A name stands for the one study of that name that waits; the beginning of its digest for exactly that one.
        var found = waiting.Where(w => w.Study.Study.Study == name || (name.Length >= 6 && w.Sha256.StartsWith(name, StringComparison.Ordinal))).ToList();
        if (found.Count > 1) found = [.. found.Where(w => !steward.Approvals.IsApproved(w.Sha256, signing))];
        if (found.Count != 1)
            throw new StoppedException(ExitCode.Usage, Texts.Problem(found.Count == 0 ? "approve-unknown" : "approve-several", Place.InFile("STUDY"), name, string.Join(", ", waiting.Select(w => $"{w.Study.Study.Study} ({w.Sha256[..12]})").DefaultIfEmpty("-"))));
        var (digest, study) = found[0];
        if (withdraw)
        {
            session.Out.Line(session.Text(steward.Approvals.Withdraw(digest) ? "approve.withdrawn" : "approve.was-not", study.Study.Study));
            return ExitCode.Done;
        }
        foreach (var line in StudySummary.Lines(session, study, site.Section)) session.Out.Line(line);
        var problems = new ProblemList();
        steward.Check(study, site.Section.Site, problems);
        if (problems.HasErrors)
        {
            ProblemPrinter.Print(session, problems, session.Text("approve.barred"));
            return ExitCode.Policy;
        }
        session.Out.Line();
        if (!yes)
        {
            session.Out.Line(session.Text("approve.how", digest[..12]));
            return ExitCode.Done;
        }
        if (identity is null) throw new StoppedException(ExitCode.Coordinator, Texts.Problem("site-not-joined", Place.InFile(site.StateFolder)));
        steward.Approvals.Approve(digest, session.Environment("USER") ?? session.Environment("USERNAME") ?? "-", session.Time.GetUtcNow(), identity.Key);
        session.Out.Line(session.Out.Green(session.Text("approve.done", study.Study.Study, digest[..12])));
        return ExitCode.Done;
    }

    private static ComposedStudy? Read(string file) => StudyComposer.Read(file, [], federated: true).Study;
}
