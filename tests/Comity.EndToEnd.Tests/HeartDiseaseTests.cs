using Comity.Testing;

namespace Comity.EndToEnd.Tests;

/// <summary>The example with real records reaches the numbers that it is there to show.</summary>
public sealed class HeartDiseaseTests
{
    [Fact]
    public async Task One_common_model_serves_all_and_a_personal_one_is_no_worse_at_home()
    {
        TestData.Folder("heart-disease");
        using var folder = new TempFolder();
        var result = await Cli.RunAsync(TimeSpan.FromMinutes(10), Repository.Root, "run", "examples/heart-disease", "--out", folder.At("out"));
        Assert.True(result.ExitCode == 0, result.ToString());

        var results = RunFiles.Results(folder.At("out"));
        var summary = results["summary"]!.AsArray().ToDictionary(
            s => ((string)s!["model"]!, (string)s["site"]!, (string)s["metric"]!), s => (double)s!["mean"]!);
        var sites = results["sites"]!.AsArray().Select(s => (string)s!["id"]!).ToArray();
        double AtHome(string family, string metric) => sites.Average(s => summary[($"{family}{s}", s, metric)]);

        // The recommended federation was chosen on validation rows; these are the test rows of all four hospitals together.
        var recommended = (string)results["recommended"]!;
        Assert.True(summary[(recommended, "*", "accuracy")] >= 0.81, $"{recommended}: accuracy {summary[(recommended, "*", "accuracy")]}");
        Assert.True(summary[(recommended, "*", "rocAuc")] >= 0.885, $"{recommended}: AUC {summary[(recommended, "*", "rocAuc")]}");
        Assert.True(AtHome("federated/fine-tuned+", "accuracy") >= AtHome("local/", "accuracy") - 0.01);
        Assert.True(AtHome("federated/fine-tuned+", "logLoss") < AtHome("local/", "logLoss"));
    }
}
