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

    /// <summary>A PowerShell script that registers a Windows service: started with the machine, again when it fails, under an account of its own that needs no password.</summary>
    public static string Windows(DeclaredSite site, IReadOnlyList<string> program)
    {
        var name = NameOf(site);
        // The service manager splits the line as a program does, so a path may hold blanks; PowerShell reads the whole as one literal.
        var command = $"{string.Join(' ', program.Select(p => $"\"{p}\""))} site run --config \"{site.Path}\" --service {name}";
        return $$"""
            # Run it in PowerShell as administrator; again where the program or site.yaml has moved.
            $ErrorActionPreference = 'Stop'
            $name = '{{name}}'
            $account = "NT SERVICE\$name"
            $command = '{{Literal(command)}}'
            if (Get-Service -Name $name -ErrorAction SilentlyContinue) {
                Stop-Service -Name $name
                Set-ItemProperty -Path "HKLM:\SYSTEM\CurrentControlSet\Services\$name" -Name ImagePath -Value $command
            } else {
                New-Service -Name $name -DisplayName 'Comity site {{site.Section.Site}}' -Description 'Trains and judges models on the records of this site. The records stay here.' -BinaryPathName $command -StartupType Automatic | Out-Null
            }
            sc.exe config $name obj= $account start= delayed-auto | Out-Null
            if ($LASTEXITCODE -ne 0) { throw "sc.exe config ended with $LASTEXITCODE." }
            sc.exe failure $name reset= 86400 actions= restart/5000/restart/5000/restart/60000 | Out-Null
            sc.exe failureflag $name 1 | Out-Null
            foreach ($folder in @({{string.Join(", ", new[] { site.Folder, site.StateFolder }.Distinct(StringComparer.Ordinal).Select(f => $"'{Literal(f)}'"))}})) {
                New-Item -ItemType Directory -Force -Path $folder | Out-Null
                icacls.exe $folder /grant "${account}:(OI)(CI)M" | Out-Null
                if ($LASTEXITCODE -ne 0) { throw "icacls.exe ended with $LASTEXITCODE at $folder." }
            }
            if (-not [System.Diagnostics.EventLog]::SourceExists($name)) { [System.Diagnostics.EventLog]::CreateEventSource($name, 'Application') }
            Start-Service -Name $name

            """;
    }

    /// <summary>The name under which the machine knows the site.</summary>
    public static string NameOf(DeclaredSite site) => $"comity-site-{site.Section.Site}";

    private static string Words(IEnumerable<string> words) => string.Join(' ', words.Select(w => w.Any(c => char.IsWhiteSpace(c) || c == '\'') ? $"\"{Escaped(w)}\"" : Escaped(w)));

    // systemd reads a percent sign as the beginning of a specifier, PowerShell a quote as the end of a literal.
    private static string Escaped(string text) => text.Replace("%", "%%", StringComparison.Ordinal);

    private static string Literal(string text) => text.Replace("'", "''", StringComparison.Ordinal);
}
