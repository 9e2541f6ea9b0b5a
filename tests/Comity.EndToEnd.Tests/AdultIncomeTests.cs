using Comity.Testing;

namespace Comity.EndToEnd.Tests;

/// <summary>The larger tabular example: unequal sites, sensitive attributes.</summary>
public sealed class AdultIncomeTests
{
    [Fact]
    public async Task Small_sites_gain_and_every_model_is_judged_by_sex_and_race()
    {
        TestData.Folder("adult-income");
        using var folder = new TempFolder();
        var result = await Cli.RunAsync(Repository.Root, "run", "examples/adult-income", "--out", folder.At("out"));
        Assert.True(result.ExitCode == 0, result.ToString());

        var results = RunFiles.Results(folder.At("out"));
        var auc = results["summary"]!.AsArray().Where(s => (string?)s!["metric"] == "rocAuc")
            .ToDictionary(s => ((string)s!["model"]!, (string)s["site"]!), s => (double)s!["mean"]!);
        // The smallest site, 960 training rows, gains most; the largest, 22,696, loses next to nothing.
        Assert.True(auc[("federated/fine-tuned+federal-agencies", "federal-agencies")] > auc[("local/federal-agencies", "federal-agencies")] + 0.01);
        Assert.True(auc[("federated/fine-tuned+companies", "companies")] > auc[("local/companies", "companies")] - 0.005);

        var groups = results["evaluation"]!.AsArray().First(e => (string?)e!["model"] == "federated/fedavg" && (string?)e["site"] == "*" && (string?)e["split"] == "test")!["result"]!["groups"]!.AsArray();
        Assert.Superset(new HashSet<string?>(["Female", "Male"]), groups.Where(g => (string?)g!["attribute"] == "sex").Select(g => (string?)g!["group"]).ToHashSet());
        Assert.Contains(groups, g => (string?)g!["attribute"] == "race" && (string?)g["group"] == "Black");
    }
}
