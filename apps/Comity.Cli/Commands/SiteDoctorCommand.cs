using System.CommandLine;
using System.Security.Cryptography;
using Comity.Cli.Sites;
using Comity.Cli.Terminal;
using Comity.Declarations;
using Comity.Federation.AtRest;
using Comity.Transport.Identity;

namespace Comity.Cli.Commands;

/// <summary><c>comity site doctor</c>: finds what is wrong before a study does.</summary>
internal static class SiteDoctorCommand
{
    public static Command Create(Session session)
    {
        var config = SiteCommand.Config(session);
        var study = new Option<string?>("--study") { Description = session.Text("site.doctor.study"), HelpName = "STUDY" };
        study.CompletionSources.Add(CommonOptions.Paths);
        var seconds = new Option<int>("--seconds") { Description = session.Text("site.doctor.seconds"), HelpName = "N", DefaultValueFactory = _ => 10 };
        var keys = new StateKeyOptions(session);
        var command = keys.On(new Command("doctor", session.Text("site.doctor.description")) { config, study, seconds });
        command.SetAction(async (parsed, cancellationToken) =>
            (int)await RunAsync(session, DeclaredSite.Read(parsed.GetRequiredValue(config)), keys.Key(parsed), parsed.GetValue(study), TimeSpan.FromSeconds(Math.Clamp(parsed.GetValue(seconds), 0, 600)), cancellationToken));
        return command;
    }

    private static async Task<ExitCode> RunAsync(Session session, DeclaredSite site, StateKey? key, string? study, TimeSpan measure, CancellationToken cancellationToken)
    {
        // Looking makes no vault either.
        using var vault = StateVault.IsSealedState(site.StateFolder) ? StateKeyOptions.Open(site, key) : StateVault.Plain;
        using var identity = Open(site, vault);
        var (found, code) = (new List<Problem>(), ExitCode.Done);
        await foreach (var finding in new Doctor(session, site, identity, vault).LookAsync(study, measure, cancellationToken))
        {
            var word = finding.Problems.Count == 0 ? session.Out.Green(session.Text("doctor.well")) : finding.IsWell ? session.Out.Yellow(session.Text("problem.warning")) : session.Out.Red(session.Text("problem.error"));
            session.Out.Line($"{word}  {session.Text("doctor.check." + finding.Check)}{(finding.Says.Length > 0 ? ": " + finding.Says : "")}");
            found.AddRange(finding.Problems);
            if (!finding.IsWell && code == ExitCode.Done) code = finding.Check is "records" ? ExitCode.InvalidStudy : finding.Check is "disk" or "key" or "at-rest" ? ExitCode.Output : ExitCode.Coordinator;
        }
        if (found.Count > 0) ProblemPrinter.Print(session, found, session.Text("doctor.end"));
        else session.Out.Line(session.Text("doctor.all-well"));
        return code;
    }

    // Looking makes no key: that is for site run.
    private static SiteIdentity? Open(DeclaredSite site, StateVault vault)
    {
        if (!SiteIdentity.Exists(site.StateFolder)) return null;
        try
        {
            return SiteIdentity.OpenOrMake(site.StateFolder, vault);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or CryptographicException or ArgumentException)
        {
            throw new StoppedException(ExitCode.Output, Texts.Problem("site-state-damaged", Place.InFile(site.StateFolder), e.Message));
        }
    }
}
