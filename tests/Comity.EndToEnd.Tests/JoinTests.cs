using Comity.Testing;

namespace Comity.EndToEnd.Tests;

/// <summary>From nothing to a federation, as people do it: processes, commands, a code and a fingerprint that is read out.</summary>
public sealed class JoinTests
{
    [Fact]
    public async Task A_site_joins_is_examined_survives_a_restart_of_the_coordinator_and_ends_when_it_is_revoked()
    {
        await using var federation = await Federation.StartAsync();
        var file = federation.SiteFile("berlin");
        var site = await federation.JoinAsync("berlin", file);

        var key = federation.Folder.At("berlin", "site-state", "site.key");
        Assert.True(OperatingSystem.IsWindows() || File.GetUnixFileMode(key) == (UnixFileMode.UserRead | UnixFileMode.UserWrite));
        Assert.Contains("approved, certificate until", (await federation.OperateAsync("sites")).Output, StringComparison.Ordinal);

        var doctor = await Cli.RunAsync(federation.Folder.FullPath, "site", "doctor", "--config", file, "--seconds", "1", "--lang", "en");
        Assert.True(doctor.ExitCode == 0, doctor.ToString());
        foreach (var line in new[] { "Coordinator: proved the key", "Membership: known as berlin", "Clock: ", "Certificate: until ", "Mbit/s up", "Way out: directly" })
            Assert.Contains(line, doctor.Output, StringComparison.Ordinal);

        await federation.RestartAsync();
        var again = await Cli.RunAsync(federation.Folder.FullPath, "site", "doctor", "--config", file, "--seconds", "0", "--lang", "en");
        Assert.True(again.ExitCode == 0, again.ToString());
        Assert.False(site.HasExited, site.Output + site.Error);

        // Beside it a second one would write into its audit log and pay from its ledger.
        var second = await Cli.RunAsync(federation.Folder.FullPath, "site", "run", "--config", file, "--lang", "en");
        Assert.Equal(4, second.ExitCode);
        Assert.Contains("[site-state-held]", second.Error, StringComparison.Ordinal);
        Assert.False(site.HasExited, site.Output + site.Error);

        Assert.Equal(0, (await federation.OperateAsync("sites", "revoke", "berlin")).ExitCode);
        var ended = await site.WaitAsync(Federation.Patience);
        Assert.Equal(7, ended.ExitCode);
        Assert.Contains("revoked or replaced", ended.Error, StringComparison.Ordinal);
        var refused = await Cli.RunAsync(federation.Folder.FullPath, "site", "run", "--config", file, "--lang", "en");
        Assert.Equal(7, refused.ExitCode);
    }

    [Fact]
    public async Task A_code_of_another_coordinator_a_damaged_code_and_a_silent_address_say_what_to_do()
    {
        await using var federation = await Federation.StartAsync();
        await using var other = await Federation.StartAsync();
        var file = federation.SiteFile("berlin");

        Task<CommandResult> Join(string code) => Cli.RunAsync(federation.Folder.FullPath, "site", "run", "--config", file, "--join", code, "--lang", "en");
        var damaged = await Join(federation.JoinCode[..^2]);
        Assert.Equal(2, damaged.ExitCode);
        Assert.Contains("[join-code-damaged]", damaged.Error, StringComparison.Ordinal);

        // The key of one coordinator, the address of another: somebody is in between.
        var (ours, theirs) = (Transport.Identity.JoinCode.Parse(federation.JoinCode)!, Transport.Identity.JoinCode.Parse(other.JoinCode)!);
        var mixed = await Join((ours with { Coordinator = theirs.Coordinator }).ToString());
        Assert.Equal(7, mixed.ExitCode);
        Assert.Contains("[coordinator-untrusted]", mixed.Error, StringComparison.Ordinal);
        Assert.Contains("Nothing was sent", mixed.Error, StringComparison.Ordinal);

        var silent = await Join((ours with { Coordinator = new($"https://127.0.0.1:{Federation.FreePort()}/") }).ToString());
        Assert.Equal(7, silent.ExitCode);
        Assert.Contains("[coordinator-unreachable]", silent.Error, StringComparison.Ordinal);

        var nowhere = await Join((ours with { Coordinator = new("https://no-such-host.invalid:8440/") }).ToString());
        Assert.Equal(7, nowhere.ExitCode);
        Assert.Contains("[coordinator-name]", nowhere.Error, StringComparison.Ordinal);

        Assert.Contains("none waits", (await federation.OperateAsync("sites")).Output + (await other.OperateAsync("sites")).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_site_file_with_several_mistakes_shows_all_of_them()
    {
        using var folder = new TempFolder();
        var file = folder.Write("site.yaml", "site: ../berlin\ndata:\n  - source: { csv: a.csv }\n  - source: { csv: b.csv }\npolicy: { leastRows: 0 }\n");
        var wrong = await Cli.RunAsync(folder.FullPath, "site", "run", "--config", file, "--lang", "en");
        Assert.Equal(3, wrong.ExitCode);
        Assert.Contains("out-of-range", wrong.Error, StringComparison.Ordinal);
        file = folder.Write("site.yaml", "site: ../berlin\ndata:\n  - source: { csv: a.csv }\n  - source: { csv: b.csv }\n");
        wrong = await Cli.RunAsync(folder.FullPath, "site", "run", "--config", file, "--lang", "en");
        foreach (var code in new[] { "[site-name]", "[site-data-twice]" }) Assert.Contains(code, wrong.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_doctor_holds_records_against_a_study_and_install_writes_what_the_system_reads()
    {
        await using var federation = await Federation.StartAsync();
        var file = federation.SiteFile("berlin", "policy: { leastRows: 3 }\n");
        var study = federation.Folder.Write("study.yaml", """
            study: heart
            contract: { label: { column: num, positive: "1" }, features: [{ column: age, kind: number, range: [18, 120] }, { column: chol, kind: number }] }
            markets: [{ id: de, jurisdiction: DE }]
            sites: [{ id: berlin, market: de }]
            model: { kind: logistic }
            arms: [local]
            """);

        var doctor = await Cli.RunAsync(federation.Folder.FullPath, "site", "doctor", "--config", file, "--study", study, "--lang", "en");
        Assert.Equal(3, doctor.ExitCode);
        Assert.Contains("chol", doctor.Error, StringComparison.Ordinal);
        Assert.Contains("[site-not-joined]", doctor.Error, StringComparison.Ordinal);
        Assert.False(File.Exists(federation.Folder.At("berlin", "site-state", "site.key"))); // looking makes nothing

        foreach (var (system, word) in new[] { ("systemd", "ExecStart="), ("windows", "New-Service -Name $name") })
        {
            var to = federation.Folder.At("service." + system);
            var installed = await Cli.RunAsync(federation.Folder.FullPath, "site", "install", "--config", file, "--for", system, "--to", to, "--user", "comity", "--lang", "en");
            Assert.True(installed.ExitCode == 0, installed.ToString());
            var text = await File.ReadAllTextAsync(to);
            Assert.Contains(word, text, StringComparison.Ordinal);
            Assert.Contains($"site run --config {(system == "windows" ? "\"" : "")}{file}", text, StringComparison.Ordinal);
        }

        // Neither system takes what stands in a path for something of its own.
        var odd = federation.Folder.Write("o'neil 5% of us/site.yaml", "site: oneil\ndata: { source: { csv: records.csv } }\n");
        foreach (var (system, word) in new[] { ("systemd", "site run --config \"" + odd.Replace("%", "%%", StringComparison.Ordinal) + "\"\n"), ("windows", " site run --config \"" + odd.Replace("'", "''", StringComparison.Ordinal) + "\" --service comity-site-oneil'\n") })
        {
            var to = federation.Folder.At("odd." + system);
            var installed = await Cli.RunAsync(federation.Folder.FullPath, "site", "install", "--config", odd, "--for", system, "--to", to, "--user", "comity", "--lang", "en");
            Assert.True(installed.ExitCode == 0, installed.ToString());
            Assert.Contains(word, await File.ReadAllTextAsync(to), StringComparison.Ordinal);
        }

        // Elsewhere than on Windows there is no service manager to answer to.
        if (OperatingSystem.IsWindows()) return;
        var elsewhere = await Cli.RunAsync(federation.Folder.FullPath, "site", "run", "--config", file, "--service", "comity-site-berlin", "--lang", "en");
        Assert.Equal(2, elsewhere.ExitCode);
        Assert.Contains("--service is for the service manager of Windows", elsewhere.Error, StringComparison.Ordinal);
    }
}
