using System.CommandLine;
using Comity.Cli.Sites;
using Comity.Declarations;
using Comity.Insight.Results;

namespace Comity.Cli.Commands;

/// <summary><c>comity site install</c>: has the machine start the site with itself.</summary>
internal static class SiteInstallCommand
{
    public static Command Create(Session session)
    {
        var config = SiteCommand.Config(session);
        var system = new Option<string>("--for") { Description = session.Text("site.install.for"), HelpName = "systemd|windows", DefaultValueFactory = _ => OperatingSystem.IsWindows() ? "windows" : "systemd" };
        system.AcceptOnlyFromAmong("systemd", "windows");
        var to = new Option<string?>("--to") { Description = session.Text("site.install.to"), HelpName = "FILE" };
        var user = new Option<string>("--user") { Description = session.Text("site.install.user"), HelpName = "NAME", DefaultValueFactory = _ => Environment.UserName };
        var command = new Command("install", session.Text("site.install.description")) { config, system, to, user };
        command.SetAction(parsed =>
        {
            var site = DeclaredSite.Read(parsed.GetRequiredValue(config));
            var windows = parsed.GetRequiredValue(system) == "windows";
            var path = Path.GetFullPath(parsed.GetValue(to) ?? (windows ? $"{ServiceFile.NameOf(site)}.ps1" : $"/etc/systemd/system/{ServiceFile.NameOf(site)}.service"));
            var text = windows ? ServiceFile.Windows(site, Program()) : ServiceFile.Systemd(site, Program(), parsed.GetRequiredValue(user));
            try
            {
                AtomicFile.Write(path, text);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                throw new StoppedException(ExitCode.Output, Texts.Problem("service-unwritable", Place.InFile(path), e.Message));
            }
            session.Out.Line(session.Text(windows ? "site.installed.windows" : "site.installed.systemd", path, ServiceFile.NameOf(site)));
            return (int)ExitCode.Done;
        });
        return command;
    }

    /// <summary>How this tool was started: by itself, or by dotnet.</summary>
    private static IReadOnlyList<string> Program()
    {
        var process = Environment.ProcessPath ?? "comity";
        return Path.GetFileNameWithoutExtension(process) == "dotnet" ? [process, Path.Combine(AppContext.BaseDirectory, "comity.dll")] : [process];
    }
}
