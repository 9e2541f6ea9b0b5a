using System.CommandLine;

namespace Comity.Cli.Commands;

/// <summary><c>comity site …</c>: a data owner's machine in a federation.</summary>
internal static class SiteCommand
{
    public static Command Create(Session session) => new("site", session.Text("site.description"))
    {
        SiteRunCommand.Create(session),
        SiteApproveCommand.Create(session),
        SiteDataSetCommand.Create(session),
        SiteDoctorCommand.Create(session),
        SiteInstallCommand.Create(session),
        SiteWithdrawCommand.Create(session),
        SiteRotateKeyCommand.Create(session),
        SiteLeftCommand.Create(session),
    };

    /// <summary><c>--config site.yaml</c>.</summary>
    public static Option<string> Config(Session session)
    {
        var option = new Option<string>("--config") { Description = session.Text("option.site-config"), HelpName = "FILE", DefaultValueFactory = _ => "site.yaml" };
        option.CompletionSources.Add(CommonOptions.Paths);
        return option;
    }
}
