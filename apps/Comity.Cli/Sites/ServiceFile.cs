namespace Comity.Cli.Sites;

/// <summary>The file by which a machine starts a site with itself, and keeps it running.</summary>
internal static class ServiceFile
{
    /// <summary>A systemd unit. Secrets of <c>site.yaml</c> come from an environment file that only root may read.</summary>
    /// <param name="site">The site.</param>
    /// <param name="program">The tool, as it is started.</param>
    /// <param name="user">The account that it runs as.</param>
    public static string Systemd(DeclaredSite site, string program, string user) => $"""
        [Unit]
        Description=Comity site {site.Section.Site}
        Wants=network-online.target
        After=network-online.target

        [Service]
        User={user}
        WorkingDirectory={site.Folder}
        EnvironmentFile=-/etc/comity/{site.Section.Site}.env
        ExecStart={program} site run --config {Quoted(site.Path)}
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
    public static string Windows(DeclaredSite site, string program) => $"""
        $action = New-ScheduledTaskAction -Execute 'cmd.exe' -Argument '/c {program} site run --config "{site.Path}"' -WorkingDirectory '{site.Folder}'
        $trigger = New-ScheduledTaskTrigger -AtStartup
        $settings = New-ScheduledTaskSettingsSet -RestartCount 999 -RestartInterval (New-TimeSpan -Minutes 1) -ExecutionTimeLimit ([TimeSpan]::Zero) -StartWhenAvailable
        Register-ScheduledTask -TaskName 'Comity site {site.Section.Site}' -Action $action -Trigger $trigger -Settings $settings -User 'NT AUTHORITY\LOCAL SERVICE' -RunLevel Limited
        Start-ScheduledTask -TaskName 'Comity site {site.Section.Site}'

        """;

    private static string Quoted(string path) => path.Any(char.IsWhiteSpace) ? $"\"{path}\"" : path;
}
