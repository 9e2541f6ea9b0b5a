using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Comity.Testing;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Comity.EndToEnd.Tests;

/// <summary>Records before any training: described, fetched.</summary>
public sealed class DataCommandTests
{
    [Fact]
    public async Task Each_site_is_described_and_small_counts_are_not_shown()
    {
        using var study = new SmallStudy();

        var described = await Cli.RunAsync(study.Folder, "data", "describe", ".", "--json", "--threshold", "50");

        Assert.True(described.ExitCode == 0, described.ToString());
        var sites = JsonNode.Parse(described.Output)!.AsArray();
        Assert.Equal(["north", "south"], sites.Select(s => (string?)s!["site"]));
        var wards = sites[0]!["columns"]!.AsArray().Single(c => (string?)c!["column"] == "ward")!["levels"]!.AsArray();
        Assert.Equal(["a", "b", "c"], wards.Select(l => (string?)l!["level"]));
        Assert.Contains(wards, l => l!["rows"] is null); // 120 rows over three wards: not all can reach 50
    }

    [Fact]
    public async Task A_table_is_written_without_what_points_at_persons_and_nothing_shows_a_value()
    {
        using var folder = new TempFolder();
        folder.Write("in.csv", "name,mail,age,zip,ill\n" + string.Concat(Enumerable.Range(0, 10).Select(i => $"Secret {i},s{i}@example.org,{41 + (i % 2)},0360{i % 3},{i % 2}\n")));

        var made = await Cli.RunAsync(folder.FullPath, "data", "deidentify", "in.csv", "--out", "open.csv", "--sensitive", "ill", "--lang", "en");

        Assert.True(made.ExitCode == 0, made.ToString());
        Assert.Equal("age,zip,ill\n" + string.Concat(Enumerable.Range(0, 10).Select(i => $"40-49,000,{i % 2}\n")), await File.ReadAllTextAsync(folder.At("open.csv")));
        Assert.Contains("k = 10", made.Output, StringComparison.Ordinal);
        Assert.Contains("l = 2", made.Output, StringComparison.Ordinal);
        var report = JsonNode.Parse(await File.ReadAllTextAsync(folder.At("open.csv.report.json")))!;
        Assert.Equal(["dropped", "dropped", "age-band", "zip3", "kept"], report["columns"]!.AsArray().Select(c => (string?)c!["treatment"]));
        foreach (var text in new[] { made.Output, made.Error, report.ToJsonString() }) Assert.DoesNotContain("Secret", text, StringComparison.Ordinal);

        var wrong = await Cli.RunAsync(folder.FullPath, "data", "deidentify", "in.csv", "--out", "other.csv", "--known", "street,age", "--drop", "salary", "--lang", "zh-Hans");
        Assert.Equal(3, wrong.ExitCode);
        Assert.Contains("[deidentify-column]", wrong.Error, StringComparison.Ordinal);
        Assert.Contains("salary", wrong.Error, StringComparison.Ordinal);
        Assert.False(File.Exists(folder.At("other.csv")));
    }

    [Fact]
    public async Task A_data_set_is_fetched_from_a_server_and_its_checksum_verified()
    {
        var source = TestData.Folder("heart-disease");
        await using var server = await ServeAsync(source, damage: null);
        using var folder = new TempFolder();

        var fetched = await Cli.RunAsync(folder.FullPath, "data", "fetch", "heart-disease", "--to", "hearts", "--mirror", server.Urls.First());

        Assert.True(fetched.ExitCode == 0, fetched.ToString());
        foreach (var file in Directory.EnumerateFiles(folder.At("hearts")))
            Assert.Equal(SHA256.HashData(File.ReadAllBytes(Path.Combine(source, Path.GetFileName(file)))), SHA256.HashData(File.ReadAllBytes(file)));
        Assert.Equal(4, Directory.EnumerateFiles(folder.At("hearts")).Count());
    }

    [Fact]
    public async Task A_file_with_another_checksum_is_refused_and_not_kept()
    {
        var source = TestData.Folder("heart-disease");
        await using var server = await ServeAsync(source, damage: "processed.va.data");
        using var folder = new TempFolder();

        var fetched = await Cli.RunAsync(folder.FullPath, "data", "fetch", "heart-disease", "--to", "hearts", "--mirror", server.Urls.First());

        Assert.Equal(6, fetched.ExitCode);
        Assert.Contains("processed.va.data", fetched.Error, StringComparison.Ordinal);
        Assert.Contains("remedy:", fetched.Error, StringComparison.Ordinal);
        Assert.False(File.Exists(folder.At("hearts", "processed.va.data")));
        Assert.True(File.Exists(folder.At("hearts", "processed.cleveland.data")));
    }

    private static async Task<WebApplication> ServeAsync(string folder, string? damage)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Logging.ClearProviders();
        var server = builder.Build();
        server.MapGet("/{file}", (string file) =>
        {
            var bytes = File.ReadAllBytes(Path.Combine(folder, Path.GetFileName(file)));
            if (file == damage) bytes[100] ^= 1;
            return Results.Bytes(bytes, enableRangeProcessing: true);
        });
        await server.StartAsync();
        return server;
    }
}
