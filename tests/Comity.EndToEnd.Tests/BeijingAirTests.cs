using Comity.Testing;

namespace Comity.EndToEnd.Tests;

/// <summary>The time series example on three stations and few windows: a recurrent network against carrying the last value on.</summary>
public sealed class BeijingAirTests
{
    [Fact]
    public async Task A_series_is_cut_into_windows_learnt_and_predicted_ahead()
    {
        TestData.Folder("beijing-air-quality");
        using var folder = new TempFolder();
        Directory.CreateDirectory(folder.At("study"));
        var lines = File.ReadAllLines(Path.Combine(Repository.At("examples/beijing-air"), "study.yaml"));
        string[] kept = ["- { id: dongsi", "- { id: huairou", "- { id: wanliu"];
        var text = string.Join('\n', lines.Where(l => !l.TrimStart().StartsWith("- { id: ", StringComparison.Ordinal) || !l.Contains("source:", StringComparison.Ordinal) || kept.Any(k => l.Contains(k, StringComparison.Ordinal))));
        File.WriteAllText(folder.At("study/study.yaml"), text.Replace("every: 3", "every: 12", StringComparison.Ordinal).Replace("rounds: 8", "rounds: 4", StringComparison.Ordinal));

        var result = await Cli.RunAsync(folder.FullPath, "run", "study", "--out", "out");
        Assert.True(result.ExitCode == 0, result.ToString());
        var rmse = RunFiles.Results(folder.At("out"))["summary"]!.AsArray()
            .Where(s => (string?)s!["metric"] == "rmse" && (string?)s["site"] == "*").ToDictionary(s => (string)s!["model"]!, s => (double)s!["mean"]!);
        // Labels spread by 80 µg/m³; persistence is off by 55 or so over all stations.
        Assert.InRange(rmse["pooled"], 25, 60);
        Assert.InRange(rmse["federated/fedavg"], 25, 60);

        // A label is that of the row six hours on from the row that the prediction names; a day and a half at the station's end tells the same without labels.
        var data = Path.Combine(TestData.Folder("beijing-air-quality"), "PRSA_Data_Huairou_20130301-20170228.csv.gz");
        var source = ReadCsv(data);
        foreach (var row in RunFiles.Csv(folder.At("out/predictions.csv")).Where(r => r["site"] == "huairou" && r["model"] == "pooled").Take(200))
            Assert.Equal(source[int.Parse(row["row"], System.Globalization.CultureInfo.InvariantCulture) + 6], row["label"]);

        var predicted = await Cli.RunAsync(folder.FullPath, "predict", "out/models/pooled", "--input", data, "--output", "ahead.csv");
        Assert.True(predicted.ExitCode != 0, "The station's file has no column 'time'; predict must say so.");
        Assert.Contains("time", predicted.Error + predicted.Output, StringComparison.Ordinal);
        File.WriteAllLines(folder.At("joined.csv"), Joined(data));
        predicted = await Cli.RunAsync(folder.FullPath, "predict", "out/models/pooled", "--input", "joined.csv", "--output", "ahead.csv");
        Assert.True(predicted.ExitCode == 0, predicted.ToString());
        Assert.Equal("35063", RunFiles.Csv(folder.At("ahead.csv"))[^1]["row"]); // the file's last hour, looking beyond its end
    }

    private static IEnumerable<string> Lines(string path)
    {
        using var reader = new StreamReader(new System.IO.Compression.GZipStream(File.OpenRead(path), System.IO.Compression.CompressionMode.Decompress));
        while (reader.ReadLine() is { } line) yield return line.Replace("\"", "", StringComparison.Ordinal);
    }

    private static string[] ReadCsv(string path) => [.. Lines(path).Skip(1).Select(l => l.Split(',')[5])];

    private static IEnumerable<string> Joined(string path) =>
        Lines(path).Select((line, i) => line + (i == 0 ? ",time" : "," + string.Join(' ', line.Split(',')[1..5])));
}
