using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Comity.Testing;

namespace Comity.EndToEnd.Tests;

/// <summary>One run of the small study, shared by the tests that only look at what it left.</summary>
public sealed class SmallRun : IAsyncLifetime
{
    private readonly SmallStudy _study = new();

    public string Folder => _study.At("out");

    internal SmallStudy Study => _study;

    public CommandResult Result { get; private set; } = new(-1, "", "");

    public async ValueTask InitializeAsync() => Result = await Cli.RunAsync(_study.Folder, "run", ".", "--out", "out");

    public ValueTask DisposeAsync()
    {
        _study.Dispose();
        return ValueTask.CompletedTask;
    }
}

/// <summary>What a run leaves behind.</summary>
public sealed class RunTests(SmallRun run) : IClassFixture<SmallRun>
{
    [Fact]
    public void A_run_ends_well_and_says_where_the_report_is()
    {
        Assert.True(run.Result.ExitCode == 0, run.Result.ToString());
        Assert.Contains("report.html", run.Result.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("\u001b", run.Result.Output, StringComparison.Ordinal);
        Assert.Empty(run.Result.Error);
    }

    [Fact]
    public void The_folder_holds_every_file_that_was_promised_and_nothing_unfinished()
    {
        var files = Directory.EnumerateFiles(run.Folder, "*", SearchOption.AllDirectories).Select(f => Path.GetRelativePath(run.Folder, f)).ToHashSet(StringComparer.Ordinal);
        Assert.Superset(new HashSet<string>(["results.json", "predictions.csv", "report.html", "audit.jsonl"], StringComparer.Ordinal), files);
        foreach (var model in new[] { "local/north", "local/south", "pooled", "federated/average", "federated/tuned", "federated/tuned+north", "federated/tuned+south" })
        {
            foreach (var file in new[] { "model.safetensors", "preprocessing.json", "card.md" })
                Assert.Contains(Path.Combine("models", model, file), files);
        }
        Assert.DoesNotContain(files, f => f.EndsWith(".unfinished", StringComparison.Ordinal) || f.StartsWith("state", StringComparison.Ordinal));
    }

    [Fact]
    public void Every_model_is_judged_at_every_site()
    {
        var evaluation = RunFiles.Results(run.Folder)["evaluation"]!.AsArray();
        foreach (var model in new[] { "local/north", "local/south", "pooled", "federated/average" })
        {
            foreach (var site in new[] { "north", "south" })
                Assert.Equal(2, evaluation.Count(e => (string?)e!["model"] == model && (string?)e["site"] == site && (string?)e["split"] == "test"));
        }
    }

    [Fact]
    public void Fairness_between_the_wards_is_measured_wherever_a_model_is_judged()
    {
        var tests = RunFiles.Results(run.Folder)["evaluation"]!.AsArray().Where(e => (string?)e!["model"] == "pooled" && (string?)e["split"] == "test").ToArray();

        Assert.Equal(6, tests.Length); // two sites and their union, twice
        foreach (var fairness in tests.Select(t => Assert.Single(t!["result"]!["fairness"]!.AsArray())))
        {
            Assert.Equal("ward", (string?)fairness!["attribute"]);
            Assert.InRange((double)fairness["measures"]!["demographicParityDifference"]!["value"]!, 0, 1);
            Assert.InRange((int)fairness["supports"]!["demographicParityDifference"]!, 1, (int)fairness["smallestGroup"]!);
        }
        Assert.Contains("demographic parity difference", File.ReadAllText(Path.Combine(run.Folder, "report.html")), StringComparison.Ordinal);
    }

    [Fact]
    public void Predictions_give_back_the_accuracy_in_the_results()
    {
        var rows = RunFiles.Csv(Path.Combine(run.Folder, "predictions.csv"))
            .Where(r => r["model"] == "pooled" && r["site"] == "north" && r["repeat"] == "0").ToArray();
        var right = rows.Count(r => (double.Parse(r["p:1"], CultureInfo.InvariantCulture) >= 0.5 ? "1" : "0") == r["label"]);

        var judged = RunFiles.Results(run.Folder)["evaluation"]!.AsArray()
            .Single(e => (string?)e!["model"] == "pooled" && (string?)e["site"] == "north" && (string?)e["split"] == "test" && (int)e["repeat"]! == 0)!;
        Assert.Equal((double)judged["result"]!["metrics"]!["accuracy"]!["value"]!, (double)right / rows.Length, 1e-9);
    }

    [Fact]
    public void The_audit_log_is_one_unbroken_chain_that_holds_no_record()
    {
        var previous = new string('0', 64);
        var lines = File.ReadAllLines(Path.Combine(run.Folder, "audit.jsonl"));
        Assert.NotEmpty(lines);
        foreach (var line in lines)
        {
            Assert.Contains($"\"previous\":\"{previous}\"", line, StringComparison.Ordinal);
            previous = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(line)));
        }
        var kinds = RunFiles.Audit(run.Folder).Select(e => e.GetProperty("kind").GetString()).ToHashSet(StringComparer.Ordinal);
        Assert.Superset(new HashSet<string?>(["statistics", "update", "evaluation"], StringComparer.Ordinal), kinds);
    }

    [Fact]
    public async Task The_report_shows_what_left_each_site_as_its_log_has_it_and_names_a_log_that_was_edited()
    {
        var shown = LeftOnPage.Read(await File.ReadAllTextAsync(Path.Combine(run.Folder, "report.html"), TestContext.Current.CancellationToken));
        List<LeftOnPage> told = [.. new[] { "north", "south" }.SelectMany(site => LeftOnPage.OfLog(Path.Combine(run.Folder, "audit", site + ".jsonl"), _ => site))];
        Assert.True(told.Count >= 10, "A run lets statistics, updates, metrics and more out of two sites.");
        Assert.Equal(told.OrderBy(l => l.ToString(), StringComparer.Ordinal), shown.OrderBy(l => l.ToString(), StringComparer.Ordinal));

        using var copy = new TempFolder();
        Directory.CreateDirectory(copy.At("audit"));
        File.Copy(Path.Combine(run.Folder, "results.json"), copy.At("results.json"));
        foreach (var file in Directory.EnumerateFiles(Path.Combine(run.Folder, "audit"))) File.Copy(file, copy.At("audit", Path.GetFileName(file)));
        var whole = await ReportAsync(copy);
        Assert.Contains("All 2 logs were checked when this page was made and hold", whole, StringComparison.Ordinal);
        var lines = await File.ReadAllLinesAsync(copy.At("audit", "south.jsonl"), TestContext.Current.CancellationToken);
        var edited = Array.FindIndex(lines, l => l.Contains("\"kind\":\"update\"", StringComparison.Ordinal));
        lines[edited] = lines[edited].Replace("\"round\":1", "\"round\":2", StringComparison.Ordinal);
        await File.WriteAllTextAsync(copy.At("audit", "south.jsonl"), string.Join('\n', lines) + "\n", TestContext.Current.CancellationToken);
        var broken = await ReportAsync(copy);
        Assert.Contains("The audit log of south does not hold", broken, StringComparison.Ordinal);
        Assert.DoesNotContain("checked when this page was made and hold", broken, StringComparison.Ordinal);

        // A folder without logs claims nothing.
        Directory.Delete(copy.At("audit"), recursive: true);
        Assert.Contains("The sites’ audit logs are not beside this page", await ReportAsync(copy), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_parties_logs_hold_and_fit_and_an_edit_ends_with_its_own_exit_code()
    {
        using var copy = new TempFolder();
        foreach (var file in Directory.EnumerateFiles(Path.Combine(run.Folder, "audit")).Append(Path.Combine(run.Folder, "audit.jsonl"))) File.Copy(file, copy.At(Path.GetFileName(file)));
        var verified = await Cli.RunAsync(copy.FullPath, "audit", "verify", ".", "--json");
        var reconciled = await Cli.RunAsync(copy.FullPath, "audit", "reconcile", "audit.jsonl", "north.jsonl", "--json");
        var exported = await Cli.RunAsync(copy.FullPath, "audit", "export", "north.jsonl", "--format", "csv");

        Assert.True(verified.ExitCode == 0, verified.ToString());
        Assert.True((bool)JsonNode.Parse(verified.Output)!["closed"]!);
        Assert.True(reconciled.ExitCode == 0, reconciled.ToString());
        Assert.True((int)JsonNode.Parse(reconciled.Output)!["matched"]! > 10, reconciled.ToString());
        Assert.Equal(File.ReadAllLines(copy.At("north.jsonl")).Length + 1, exported.Output.TrimEnd().Split('\n').Length);

        var lines = File.ReadAllLines(copy.At("north.jsonl"));
        File.WriteAllLines(copy.At("north.jsonl"), [.. lines[..^3], .. lines[^2..]]);
        var edited = await Cli.RunAsync(copy.FullPath, "audit", "verify", "north.jsonl", "--lang", "zh-Hans");
        Assert.Equal(8, edited.ExitCode);
        Assert.Contains("[audit-missing]", edited.Error, StringComparison.Ordinal);
        Assert.Contains("缺少第", edited.Error, StringComparison.Ordinal);

        // Of a hundred things that are missing for one reason a person reads a few, and a program all.
        File.WriteAllLines(copy.At("north.jsonl"), lines[..(lines.Length / 3)]);
        var cut = await Cli.RunAsync(copy.FullPath, "audit", "reconcile", "audit.jsonl", "north.jsonl");
        Assert.Equal(8, cut.ExitCode);
        Assert.Equal(3, cut.Error.Split("error [audit-unsent]").Length - 1);
        Assert.Matches(@"and \d+ more \[audit-unsent\] in .*audit\.jsonl", cut.Error);
        var all = JsonNode.Parse((await Cli.RunAsync(copy.FullPath, "audit", "reconcile", "audit.jsonl", "north.jsonl", "--json")).Output)!["findings"]!.AsArray();
        Assert.True(all.Count(f => (string?)f!["code"] == "audit-unsent") > 3);
    }

    [Fact]
    public async Task A_complete_run_is_not_overwritten()
    {
        var again = await Cli.RunAsync(run.Study.Folder, "run", ".", "--out", "out");

        Assert.Equal(4, again.ExitCode);
        Assert.Contains("remedy:", again.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_report_is_rendered_again_in_Chinese()
    {
        using var copy = new TempFolder();
        foreach (var file in new[] { "results.json", "predictions.csv" }) File.Copy(Path.Combine(run.Folder, file), copy.At(file));

        var result = await Cli.RunAsync(copy.FullPath, "report", ".", "--lang", "zh-Hans");

        Assert.True(result.ExitCode == 0, result.ToString());
        Assert.Contains("lang=\"zh-Hans\"", File.ReadAllText(copy.At("report.html")), StringComparison.Ordinal);
    }

    private static async Task<string> ReportAsync(TempFolder folder)
    {
        var rendered = await Cli.RunAsync(folder.FullPath, "report", ".");
        Assert.True(rendered.ExitCode == 0, rendered.ToString());
        return await File.ReadAllTextAsync(folder.At("report.html"), TestContext.Current.CancellationToken);
    }
}
