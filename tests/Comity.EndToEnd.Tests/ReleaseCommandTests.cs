using System.Text.Json.Nodes;
using Comity.Testing;

namespace Comity.EndToEnd.Tests;

/// <summary>From a run to a file that another machine trusts, or refuses.</summary>
public sealed class ReleaseCommandTests(SmallRun run) : IClassFixture<SmallRun>
{
    private static Task<CommandResult> Comity(TempFolder home, params string[] arguments) =>
        CommandProcess.RunComityAsync(arguments, TimeSpan.FromMinutes(2), home.FullPath, new Dictionary<string, string?> { ["COMITY_HOME"] = home.At("home"), ["LC_ALL"] = null, ["LANG"] = "C.UTF-8" });

    [Fact]
    public async Task A_release_is_made_shown_and_verified()
    {
        using var here = new TempFolder();

        var made = await Comity(here, "release", run.Folder, "--model", "pooled", "--name", "small", "--version", "1.0.0", "--licence", "Apache-2.0");
        var verified = await Comity(here, "release", "verify", "small-1.0.0.comity");
        var shown = await Comity(here, "release", "show", "small-1.0.0.comity", "--json");

        Assert.True(made.ExitCode == 0, made.ToString());
        Assert.True(verified.ExitCode == 0, verified.ToString());
        var manifest = JsonNode.Parse(shown.Output)!;
        Assert.Equal(["north", "south"], manifest["origin"]!["contributors"]!.AsArray().Select(c => (string)c!["site"]!));
        var market = manifest["markets"]!.AsArray().Single(m => (string)m!["id"]! == "there")!;
        Assert.True((int)market["testRows"]! > 0);
        var auc = market["metrics"]!["rocAuc"]!;
        Assert.InRange((double)auc["value"]!, (double)auc["low"]!, (double)auc["high"]!);
    }

    [Fact]
    public async Task A_version_is_never_made_twice()
    {
        using var here = new TempFolder();
        string[] release = ["release", run.Folder, "--model", "pooled", "--name", "small", "--version", "1.0.0"];

        Assert.Equal(0, (await Comity(here, release)).ExitCode);
        var before = File.ReadAllBytes(here.At("small-1.0.0.comity"));
        var again = await Comity(here, release);

        Assert.Equal(4, again.ExitCode);
        Assert.Contains("release-exists", again.Error, StringComparison.Ordinal);
        Assert.Equal(before, File.ReadAllBytes(here.At("small-1.0.0.comity")));
    }

    [Fact]
    public async Task Another_machine_refuses_it_until_a_person_trusts_the_signer()
    {
        using var here = new TempFolder();
        using var there = new TempFolder();
        await Comity(here, "release", run.Folder, "--model", "pooled", "--name", "small", "--version", "1.0.0");
        File.Copy(here.At("small-1.0.0.comity"), there.At("small-1.0.0.comity"));

        var refused = await Comity(there, "release", "verify", "small-1.0.0.comity");
        Assert.Equal(9, refused.ExitCode);
        var fingerprint = JsonNode.Parse(File.ReadAllText(here.At("home", "trusted-signers.json")))!["signers"]![0]!["fingerprint"]!.ToString();
        Assert.Contains(fingerprint, refused.Error, StringComparison.Ordinal);

        Assert.Equal(0, (await Comity(there, "release", "trust", fingerprint, "--signer", "the ministry")).ExitCode);
        Assert.Equal(0, (await Comity(there, "release", "verify", "small-1.0.0.comity")).ExitCode);

        var bytes = File.ReadAllBytes(there.At("small-1.0.0.comity"));
        bytes[bytes.Length / 2] ^= 1;
        File.WriteAllBytes(there.At("small-1.0.0.comity"), bytes);
        var tampered = await Comity(there, "release", "list");
        Assert.Equal(9, tampered.ExitCode);
        Assert.Contains("release-tampered", tampered.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_deployment_tells_what_the_laws_of_the_places_of_training_say_and_waits_for_a_person()
    {
        using var here = new TempFolder();
        await Comity(here, "release", run.Folder, "--model", "pooled", "--name", "small", "--version", "1.0.0");

        var asked = await Comity(here, "deploy", "small-1.0.0.comity", "--markets", "here,there", "--to", "orders");

        Assert.Equal(9, asked.ExitCode);
        Assert.Contains("deploy-approval", asked.Error, StringComparison.Ordinal);
        var exports = asked.Output.Split('\n').Where(l => l.Contains("the model", StringComparison.OrdinalIgnoreCase) && l.Contains("go", StringComparison.Ordinal)).ToList();
        Assert.Contains(exports, l => l.StartsWith("here: ", StringComparison.Ordinal));
        Assert.Contains(exports, l => l.StartsWith("there: ", StringComparison.Ordinal));
        Assert.False(Directory.Exists(here.At("orders", "orders")));
    }

    [Fact]
    public async Task Every_option_that_is_missing_is_named_at_once()
    {
        using var here = new TempFolder();

        var result = await Comity(here, "release");

        Assert.Equal(2, result.ExitCode);
        foreach (var option in new[] { "--name", "--version", "RUN_DIR" }) Assert.Contains(option, result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_differs_between_two_releases_is_shown()
    {
        using var here = new TempFolder();
        await Comity(here, "release", run.Folder, "--model", "pooled", "--name", "small", "--version", "1.0.0");
        await Comity(here, "release", run.Folder, "--model", "local/north", "--name", "small", "--version", "1.1.0");

        var result = await Comity(here, "release", "diff", "small-1.0.0.comity", "small-1.1.0.comity");

        Assert.True(result.ExitCode == 0, result.ToString());
        Assert.Contains("contributors", result.Output, StringComparison.Ordinal);
        Assert.Contains("distance between the weights", result.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("contract age", result.Output, StringComparison.Ordinal);
    }
}
