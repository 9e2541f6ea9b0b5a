using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Comity.Tensors.Randomness;

namespace Comity.EndToEnd.Tests;

/// <summary>Labels that were flipped on purpose are found by the site's owner, and only there.</summary>
public sealed class LabelAuditTests
{
    private static readonly int[] Flipped = [3, 17, 31, 58, 74, 90, 111, 136, 150, 177];

    [Fact]
    public async Task Most_flipped_labels_are_listed_first_and_few_others()
    {
        using var study = Study();

        var described = await Cli.RunAsync(study.Folder, "data", "describe", ".", "--json");

        Assert.True(described.ExitCode == 0, described.ToString());
        var audit = JsonNode.Parse(described.Output)!.AsArray().Single(s => (string?)s!["site"] == "north")!["labelAudit"]!;
        Assert.Equal(200, (int)audit["rows"]!);
        var suspicious = audit["suspicious"]!.AsArray();
        var found = suspicious.Count(s => Flipped.Contains((int)s!["row"]!));
        Assert.True(found >= 8, $"{found} of {Flipped.Length} flipped labels found");
        Assert.True(suspicious.Count - found <= 10, $"{suspicious.Count - found} labels are called wrong that are right");
        var first = suspicious.First(s => Flipped.Contains((int)s!["row"]!))!;
        Assert.NotEqual((string?)first["given"], (string?)first["likely"]);
        Assert.InRange((double)first["confidence"]!, 0.5, 1);
    }

    [Fact]
    public async Task The_console_lists_rows_and_check_tells_only_how_many()
    {
        using var study = Study();

        var described = await Cli.RunAsync(study.Folder, "data", "describe", ".");
        var check = await Cli.RunAsync(study.Folder, "check", ".", "--json");

        Assert.True(described.ExitCode == 0, described.ToString());
        Assert.Contains("likelier", described.Output, StringComparison.Ordinal);
        Assert.True(check.ExitCode == 0, check.ToString());
        var warning = JsonNode.Parse(check.Output)!.AsArray().First(p => (string?)p!["code"] == "labels-suspicious")!;
        Assert.Equal("warning", (string?)warning["severity"]);
        Assert.Matches("^At site north the other records contradict \\d+ of 200 labels\\.$", (string?)warning["found"]);
    }

    [Fact]
    public async Task A_run_with_an_audit_declared_leaves_what_a_run_without_it_leaves()
    {
        using var audited = Study();
        using var plain = Study(audit: false);

        var outputs = new List<string>();
        foreach (var study in new[] { audited, plain })
        {
            var run = await Cli.RunAsync(study.Folder, "run", ".", "--arms", "local", "--out", "out");
            Assert.True(run.ExitCode == 0, run.ToString());
            outputs.Add(run.Output);
        }

        Assert.Equal(RunFiles.Weights(plain.At("out")), RunFiles.Weights(audited.At("out")));
        Assert.Equal(File.ReadAllLines(plain.At("out", "audit.jsonl")).Length, File.ReadAllLines(audited.At("out", "audit.jsonl")).Length);
        Assert.DoesNotContain("suspicious", File.ReadAllText(audited.At("out", "results.json")), StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task A_numeric_label_cannot_be_audited_and_check_says_so()
    {
        using var study = new SmallStudy(y => y.Replace("label: { column: sick, positive: 1 }", "label: { column: sick, kind: number }", StringComparison.Ordinal)
            .Replace("preprocess:", "clean: { labelAudit: { folds: 4 } }\npreprocess:", StringComparison.Ordinal));

        var check = await Cli.RunAsync(study.Folder, "check", ".", "--json");

        Assert.Equal(3, check.ExitCode);
        Assert.Contains("label-audit-number", check.Output, StringComparison.Ordinal);
    }

    private static SmallStudy Study(bool audit = true) => new(
        y => y.Replace("preprocess:", (audit ? "clean: { labelAudit: { folds: 5 } }\n" : "") + "preprocess:", StringComparison.Ordinal).Replace("repeats: 2", "repeats: 1", StringComparison.Ordinal),
        _ => Records("north", Flipped), _ => Records("south", []));

    /// <summary>200 records whose label follows from age and dose with a gap between the classes, but for those flipped.</summary>
    private static string Records(string site, int[] flipped)
    {
        var random = Seed.Of(5).For("labels", site).ToRandom();
        var text = new StringBuilder("age,dose,ward,sick\n");
        for (var i = 0; i < 200; i++)
        {
            var (age, dose) = (0.0, 0.0);
            do (age, dose) = (random.NextGaussian(), random.NextGaussian());
            while (Math.Abs(age + dose) < 1); // so near the border nobody could tell which label is right
            var sick = age + dose > 0;
            (age, dose) = (50 + (12 * age), 2 + dose);
            text.AppendLine(CultureInfo.InvariantCulture, $"{Math.Clamp(age, 1, 110):0.0},{dose:0.00},{"abc"[random.NextInt32(3)]},{(sick != flipped.Contains(i) ? 1 : 0)}");
        }
        return text.ToString();
    }
}
