using System.Security.Cryptography;
using Comity.Federation.AtRest;
using Comity.Testing;

namespace Comity.EndToEnd.Tests;

/// <summary>Encrypted state of a site and of a coordinator, as people handle it: keys, mistakes, rotation, kills.</summary>
public sealed class AtRestTests
{
    [Fact]
    public async Task A_site_with_a_key_joins_and_is_examined_and_opens_for_nothing_but_that_key()
    {
        await using var federation = await Federation.StartAsync();
        var file = federation.SiteFile("berlin");
        var (first, second) = (KeyFile(federation.Folder, "first.key"), KeyFile(federation.Folder, "second.key"));
        Task<CommandResult> Site(params string[] arguments) => Cli.RunAsync(federation.Folder.FullPath, ["site", .. arguments, "--config", file, "--lang", "en"]);

        // Begun without a key: it is said, and a key encrypts what lies there already.
        var key = federation.Folder.At("berlin", "site-state", "site.key");
        await using (var open = Cli.Start(federation.Folder.FullPath, "site", "run", "--config", file, "--join", federation.JoinCode, "--lang", "en"))
        {
            await Federation.UntilAsync(open, "waiting …");
            Assert.Contains("is not encrypted", open.Output, StringComparison.Ordinal);
            Assert.Contains("PRIVATE KEY", await File.ReadAllTextAsync(key), StringComparison.Ordinal);
        }
        await using (var site = Cli.Start(federation.Folder.FullPath, "site", "run", "--config", file, "--join", federation.JoinCode, "--key-file", first, "--lang", "en"))
        {
            await Federation.UntilAsync(site, "waiting …");
            Assert.Contains("1 files that lay there", site.Output, StringComparison.Ordinal);
            Assert.Contains("is encrypted", site.Output, StringComparison.Ordinal);
        }
        Assert.True(StateVault.IsSealedFile(key));
        Assert.True(OperatingSystem.IsWindows() || File.GetUnixFileMode(key) == (UnixFileMode.UserRead | UnixFileMode.UserWrite));

        var doctor = await Site("doctor", "--key-file", first, "--seconds", "0");
        Assert.Contains("Encryption at rest: models, updates, shares and keys are encrypted", doctor.Output, StringComparison.OrdinalIgnoreCase);
        foreach (var (arguments, code) in new[] { (Array.Empty<string>(), "state-key-missing"), (["--key-file", second], "state-key-wrong") })
        {
            var shut = await Site(["run", .. arguments]);
            Assert.Equal(4, shut.ExitCode);
            Assert.Contains($"[{code}]", shut.Error, StringComparison.Ordinal);
        }

        var rotated = await Site("rotate-key", "--key-file", first, "--new-key-file", second);
        Assert.True(rotated.ExitCode == 0, rotated.ToString());
        Assert.Contains("[state-key-wrong]", (await Site("doctor", "--key-file", first)).Error, StringComparison.Ordinal);
        Assert.DoesNotContain("state-key", (await Site("doctor", "--key-file", second, "--seconds", "0")).Error, StringComparison.Ordinal);
        var none = await Site("rotate-key", "--key-file", second);
        Assert.Equal(2, none.ExitCode);
        Assert.Contains("[rotate-no-key]", none.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Wherever_a_rotation_is_killed_one_of_the_two_keys_opens_the_state()
    {
        using var folder = new TempFolder();
        folder.Write("records.csv", "age,num\n63,0\n");
        var file = folder.Write("site.yaml", "site: berlin\ndata: { source: { csv: records.csv } }\n");
        string[] keys = [KeyFile(folder, "0.key"), KeyFile(folder, "1.key")];
        using (var made = StateKey.OfFile(keys[0], []))
        using (var vault = StateVault.Open(folder.At("site-state"), made)) vault.WriteAll(folder.At("site-state", "model.f32"), [1, 2, 3]);

        var now = 0;
        for (var kill = 0; kill < 6; kill++)
        {
            await using (var rotation = Cli.Start(folder.FullPath, "site", "rotate-key", "--config", file, "--key-file", keys[now], "--new-key-file", keys[1 - now], "--lang", "en"))
            {
                await Task.Delay(TimeSpan.FromMilliseconds(60 * kill)); // wherever it is by then; disposing kills it
            }
            if (!Opens(folder, keys[now]))
            {
                now = 1 - now;
                Assert.True(Opens(folder, keys[now]), "neither key opens the state");
            }
        }
        // Nobody knows how far the last one came: asking again settles it.
        var again = await Cli.RunAsync(folder.FullPath, "site", "rotate-key", "--config", file, "--key-file", keys[now], "--new-key-file", keys[1 - now], "--lang", "en");
        Assert.True(again.ExitCode == 0, again.ToString());
        Assert.True(Opens(folder, keys[1 - now]) && !Opens(folder, keys[now]));
    }

    [Fact]
    public async Task A_coordinators_authority_and_commands_need_its_key()
    {
        using var folder = new TempFolder();
        await using var federation = await Federation.StartAsync("--listen", $"https://127.0.0.1:{Federation.FreePort()}", "--key-file", KeyFile(folder, "c.key"));
        Assert.Contains("are encrypted (AES-256-GCM)", federation.Coordinator.Output, StringComparison.Ordinal);
        Assert.True(StateVault.IsSealedFile(federation.Folder.At("coordinator", "authority.key")));

        var shut = await federation.OperateAsync("sites");
        Assert.Equal(4, shut.ExitCode);
        Assert.Contains("[state-key-missing]", shut.Error, StringComparison.Ordinal);
        Assert.Equal(0, (await federation.OperateAsync("sites", "--key-file", folder.At("c.key"))).ExitCode);
        var rotated = await federation.OperateAsync("rotate-key", "--key-file", folder.At("c.key"), "--new-key-file", KeyFile(folder, "d.key"));
        Assert.True(rotated.ExitCode == 0, rotated.ToString());
        Assert.Equal(0, (await federation.OperateAsync("sites", "--key-file", folder.At("d.key"))).ExitCode); // while it serves
    }

    private static bool Opens(TempFolder folder, string file)
    {
        using var key = StateKey.OfFile(file, []);
        try
        {
            using var vault = StateVault.Open(folder.At("site-state"), key);
            return vault.ReadAll(folder.At("site-state", "model.f32")) is [1, 2, 3];
        }
        catch (Comity.Declarations.InvalidDeclarationException)
        {
            return false;
        }
    }

    private static string KeyFile(TempFolder folder, string name) => folder.Write(name, Convert.ToHexString(RandomNumberGenerator.GetBytes(32)));
}
