namespace Comity.Cli.Sites;

/// <summary>The file by which a machine starts a site with itself, and keeps it running.</summary>
internal static class ServiceFile
{
    /// <summary>A systemd unit. Secrets of <c>site.yaml</c> come from an environment file that only root may read.</summary>
    /// <param name="site">The site.</param>
    /// <param name="program">The tool, as it is started: a program, and what it is given first.</param>
    /// <param name="user">The account that it runs as.</param>
    public static string Systemd(DeclaredSite site, IReadOnlyList<string> program, string user) => $"""
        [Unit]
        Description=Comity site {site.Section.Site}
        Wants=network-online.target
        After=network-online.target

        [Service]
        User={user}
        WorkingDirectory={Escaped(site.Folder)}
        EnvironmentFile=-/etc/comity/{site.Section.Site}.env
        ExecStart={Words(program)} site run --config {Words([site.Path])}
        Restart=always
        RestartSec=5
        SuccessExitStatus=130
        UMask=0077
        NoNewPrivileges=yes
        PrivateTmp=yes

        [Install]
        WantedBy=multi-user.target

        """;

    /// <summary>A PowerShell script that has Windows start the site at boot and again when it ends.</summary>
    /// <remarks>cmd takes the outermost quotes away and leaves those within, so a path may hold blanks.</remarks>
    public static string Windows(DeclaredSite site, IReadOnlyList<string> program) => $"""
        $action = New-ScheduledTaskAction -Execute 'cmd.exe' -Argument '/c "{Literal(string.Join(' ', program.Select(p => $"\"{p}\"")))} site run --config "{Literal(site.Path)}""' -WorkingDirectory '{Literal(site.Folder)}'
        $trigger = New-ScheduledTaskTrigger -AtStartup
        $settings = New-ScheduledTaskSettingsSet -RestartCount 999 -RestartInterval (New-TimeSpan -Minutes 1) -ExecutionTimeLimit ([TimeSpan]::Zero) -StartWhenAvailable
        Register-ScheduledTask -TaskName 'Comity site {site.Section.Site}' -Action $action -Trigger $trigger -Settings $settings -User 'NT AUTHORITY\LOCAL SERVICE' -RunLevel Limited
        Start-ScheduledTask -TaskName 'Comity site {site.Section.Site}'

        """;

    private static string Words(IEnumerable<string> words) => string.Join(' ', words.Select(w => w.Any(c => char.IsWhiteSpace(c) || c == '\'') ? $"\"{Escaped(w)}\"" : Escaped(w)));

    // systemd reads a percent sign as the beginning of a specifier, PowerShell a quote as the end of a literal.
    private static string Escaped(string text) => text.Replace("%", "%%", StringComparison.Ordinal);

    private static string Literal(string text) => text.Replace("'", "''", StringComparison.Ordinal);
}
