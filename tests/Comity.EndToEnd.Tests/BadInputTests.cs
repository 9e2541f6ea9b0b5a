using System.IO.Compression;
using System.Text;
using Comity.Testing;

namespace Comity.EndToEnd.Tests;

/// <summary>What is wrong is said with its place, what was found, what was expected and the remedy; nothing is written.</summary>
public sealed class BadInputTests
{
    /// <summary>Each fault in the study file: what is replaced, by what, and what the message must name.</summary>
    public static TheoryData<string, string, string, string> FaultsOfTheStudy => new()
    {
        { "epochs: 20", "epochz: 20", "study.yaml:19:", "epochs" },                     // a misspelt key, with what was meant
        { "column: dose", "column: doze", "north.csv", "doze" },                        // an unknown column
        { "hidden: [8]", "hidden: wide", "study.yaml:18:", "wide" },                    // a wrong type
        { "hidden: [8]", "hidden: [50000, 50000]", "study.yaml:18:", "torchrun" },      // more parameters than a vector holds
        { "hidden: [8] }", "hidden: [8]", "study.yaml:18:", "brace" },                  // a brace that is not closed
        { "learningRate: 0.01 }", "learningRate: fast }", "study.yaml:19:", "fast" },   // a learning rate of "fast"
        { "values: [a, b, c]", "values: [a, b]", "north.csv:", "c" },                   // a category outside the contract
        { "id: south", "id: north", "study.yaml:15:", "north" },                        // duplicate site ids
        { "  - { id: south, market: there, source: { csv: south.csv } }\n", "", "study.yaml:", "federat" }, // a federation of one
        { "csv: south.csv", "csv: nowhere.csv", "nowhere.csv", "nowhere.csv" },         // a file that is not there
        { "range: [0, 120]", "range: [0, 20]", "north.csv:", "age" },                   // a value outside its range
        { "repeats: 2", "repeats: 2\nprivacy: { secureAggregation: true }", "study.yaml:26:", "privacy" }, // what this version can't enforce
        { "repeats: 2", "repeats: 2\nsearch: { values: { training.optimizer.learningRate: [fast, 0.1] } }", "study.yaml:26:", "fast" }, // a value to try of the wrong type
        { "strategy: scaffold, rounds", "strategy: scaffold, optimizerState: kept, rounds", "study.yaml:24:", "tuned" }, // plain SGD has nothing to keep
        { "repeats: 2", "repeats: 2\nsearch: { metric: niceness, values: { training.batch: [8, 16] } }", "study.yaml:26:", "niceness" }, // a metric that decides nothing
    };

    [Theory]
    [MemberData(nameof(FaultsOfTheStudy))]
    public async Task A_fault_in_the_study_is_shown_with_place_and_remedy(string good, string bad, string place, string named)
    {
        using var study = new SmallStudy(study: text => text.Replace(good, bad, StringComparison.Ordinal));

        await AssertRefusedAsync(study, place, named);
    }

    [Fact]
    public async Task A_search_without_validation_rows_is_refused()
    {
        using var study = new SmallStudy(study: text => text.Replace("validation: 0.2, ", "", StringComparison.Ordinal) + "search: { values: { training.batch: [8, 16] } }\n");

        await AssertRefusedAsync(study, "study.yaml:26:", "validation");
    }

    [Fact]
    public async Task An_empty_file_is_refused()
    {
        using var study = new SmallStudy(south: _ => "");

        await AssertRefusedAsync(study, "south.csv", "south.csv");
    }

    [Fact]
    public async Task A_site_without_rows_is_refused()
    {
        using var study = new SmallStudy(south: text => text[..(text.IndexOf('\n', StringComparison.Ordinal) + 1)]);

        await AssertRefusedAsync(study, "south.csv", "south");
    }

    [Fact]
    public async Task A_site_without_positives_is_refused()
    {
        using var study = new SmallStudy(south: text => text.Replace(",1\n", ",0\n", StringComparison.Ordinal));

        await AssertRefusedAsync(study, "south.csv", "class 0");
    }

    [Fact]
    public async Task A_NaN_in_a_feature_is_refused_with_its_line()
    {
        using var study = new SmallStudy(north: text => ReplaceCell(text, line: 5, cell: 1, "NaN"));

        await AssertRefusedAsync(study, "north.csv:5", "NaN");
    }

    [Fact]
    public async Task A_truncated_gz_is_refused()
    {
        using var study = new SmallStudy(study: text => text.Replace("csv: south.csv", "csv: south.csv.gz", StringComparison.Ordinal));
        var whole = new MemoryStream();
        using (var zip = new GZipStream(whole, CompressionLevel.Optimal, leaveOpen: true)) zip.Write(Encoding.UTF8.GetBytes(SmallStudy.Records("south", 12)));
        File.WriteAllBytes(study.At("south.csv.gz"), whole.ToArray()[..(int)(whole.Length * 2 / 3)]);

        await AssertRefusedAsync(study, "south.csv.gz", "gz");
    }

    [Fact]
    public async Task All_faults_are_shown_in_one_go()
    {
        using var study = new SmallStudy(
            study: text => text.Replace("epochs: 20", "epochz: 20", StringComparison.Ordinal).Replace("hidden: [8]", "hidden: wide", StringComparison.Ordinal),
            north: text => ReplaceCell(text, line: 5, cell: 1, "NaN"),
            south: text => ReplaceCell(text, line: 9, cell: 2, "z"));

        var result = await Cli.RunAsync(study.Folder, "check", ".");

        Assert.Equal(3, result.ExitCode);
        foreach (var each in new[] { "epochz", "wide", "north.csv:5", "south.csv:9" }) Assert.Contains(each, result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_study_that_is_not_there_is_refused()
    {
        using var folder = new TempFolder();

        var result = await Cli.RunAsync(folder.FullPath, "run", "nothing");

        Assert.Equal(3, result.ExitCode);
        Assert.Contains("nothing", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_output_folder_that_holds_something_else_is_left_alone()
    {
        using var study = new SmallStudy();
        Directory.CreateDirectory(study.At("out"));
        File.WriteAllText(study.At("out", "thesis.txt"), "years of work");

        var result = await Cli.RunAsync(study.Folder, "run", ".", "--out", "out");

        Assert.Equal(4, result.ExitCode);
        AssertTaught(result, "out");
        Assert.Equal(["thesis.txt"], Directory.EnumerateFileSystemEntries(study.At("out")).Select(Path.GetFileName));
        Assert.Equal("years of work", File.ReadAllText(study.At("out", "thesis.txt")));
    }

    [Fact]
    public async Task An_output_folder_that_cannot_be_written_is_said()
    {
        using var study = new SmallStudy();
        File.WriteAllText(study.At("file"), "");

        var result = await Cli.RunAsync(study.Folder, "run", ".", "--out", Path.Combine("file", "below"));

        Assert.Equal(4, result.ExitCode);
        AssertTaught(result, "file");
    }

    [Fact]
    public async Task A_seed_that_is_no_number_is_a_usage_error()
    {
        using var study = new SmallStudy();

        var result = await Cli.RunAsync(study.Folder, "run", ".", "--seed", "seven");

        Assert.Equal(2, result.ExitCode);
        Assert.Contains("seven", result.Error, StringComparison.Ordinal);
    }

    private static async Task AssertRefusedAsync(SmallStudy study, string place, string named)
    {
        var before = Directory.EnumerateFileSystemEntries(study.Folder).Order(StringComparer.Ordinal).ToArray();

        var result = await Cli.RunAsync(study.Folder, "run", ".", "--out", "out");

        Assert.True(result.ExitCode == 3, result.ToString());
        AssertTaught(result, place);
        Assert.Contains(named, result.Error, StringComparison.OrdinalIgnoreCase);
        Assert.Equal(before, Directory.EnumerateFileSystemEntries(study.Folder).Order(StringComparer.Ordinal));
    }

    private static void AssertTaught(CommandResult result, string place)
    {
        foreach (var part in new[] { place, "found:", "expected:", "remedy:" }) Assert.Contains(part, result.Error, StringComparison.Ordinal);
    }

    private static string ReplaceCell(string csv, int line, int cell, string value)
    {
        var lines = csv.Split('\n');
        var cells = lines[line - 1].Split(',');
        cells[cell] = value;
        lines[line - 1] = string.Join(',', cells);
        return string.Join('\n', lines);
    }
}
