using System.Globalization;

namespace Comity.EndToEnd.Tests;

/// <summary>The inference pipeline gives what the study's own judging gave.</summary>
public sealed class PredictTests(SmallRun run) : IClassFixture<SmallRun>
{
    [Fact]
    public async Task Predictions_of_a_saved_model_equal_those_of_the_run()
    {
        var model = Path.Combine(run.Folder, "models", "pooled");
        var output = Path.Combine(run.Study.Folder, "north.predicted.csv");

        var result = await Cli.RunAsync(run.Study.Folder, "predict", model, "--input", "north.csv", "--output", output);

        Assert.True(result.ExitCode == 0, result.ToString());
        var predicted = RunFiles.Csv(output);
        var judged = RunFiles.Csv(Path.Combine(run.Folder, "predictions.csv")).Where(r => r["model"] == "pooled" && r["repeat"] == "0" && r["site"] == "north").ToArray();
        Assert.NotEmpty(judged);
        foreach (var row in judged)
        {
            var own = predicted.Single(p => p["row"] == row["row"]);
            Assert.Equal(double.Parse(row["p:1"], CultureInfo.InvariantCulture), double.Parse(own["p:1"], CultureInfo.InvariantCulture), 1e-6);
        }
    }

    [Fact]
    public async Task What_is_missing_or_unknown_or_out_of_range_is_said_row_by_row()
    {
        var input = run.Study.At("odd.csv");
        File.WriteAllText(input, "age,dose,ward\n50,,a\n50,2,z\n500,2,a\n50,2,a\n");
        var output = run.Study.At("odd.predicted.csv");

        var result = await Cli.RunAsync(run.Study.Folder, "predict", Path.Combine(run.Folder, "models", "pooled"), "--input", input, "--output", output);

        Assert.True(result.ExitCode == 0, result.ToString());
        var rows = RunFiles.Csv(output);
        Assert.Equal(4, rows.Count);
        Assert.Contains("dose", rows[0]["notes"], StringComparison.Ordinal);
        Assert.Contains("ward", rows[1]["notes"], StringComparison.Ordinal);
        Assert.Contains("age", rows[2]["notes"], StringComparison.Ordinal);
        Assert.Equal("", rows[3]["notes"]);
    }

    [Fact]
    public async Task A_damaged_model_is_refused()
    {
        using var broken = new Comity.Testing.TempFolder();
        foreach (var file in Directory.EnumerateFiles(Path.Combine(run.Folder, "models", "pooled"))) File.Copy(file, broken.At(Path.GetFileName(file)));
        var weights = File.ReadAllBytes(broken.At("model.safetensors"));
        File.WriteAllBytes(broken.At("model.safetensors"), weights[..^5]);

        var result = await Cli.RunAsync(run.Study.Folder, "predict", broken.FullPath, "--input", "north.csv", "--output", broken.At("out.csv"));

        Assert.Equal(3, result.ExitCode);
        Assert.Contains("model.safetensors", result.Error, StringComparison.Ordinal);
        Assert.False(File.Exists(broken.At("out.csv")));
    }
}
