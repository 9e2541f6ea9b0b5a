using Comity.Testing;
using Microsoft.Playwright;

namespace Comity.EndToEnd.Tests;

/// <summary>The report in a real browser: one self-contained page, in both languages.</summary>
public sealed class ReportTests(SmallRun run) : IClassFixture<SmallRun>
{
    [Theory]
    [InlineData("en")]
    [InlineData("zh-Hans")]
    public async Task The_report_opens_without_errors_or_outside_requests(string language)
    {
        var chromium = Requires.Chromium();
        using var copy = new TempFolder();
        foreach (var file in new[] { "results.json", "predictions.csv" }) File.Copy(Path.Combine(run.Folder, file), copy.At(file));
        var rendered = await Cli.RunAsync(copy.FullPath, "report", ".", "--lang", language);
        Assert.True(rendered.ExitCode == 0, rendered.ToString());

        using var playwright = await Playwright.CreateAsync();
        await using var browser = await playwright.Chromium.LaunchAsync(new BrowserTypeLaunchOptions
        {
            ExecutablePath = chromium,
            Args = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
        });
        var page = await browser.NewPageAsync();
        var errors = new List<string>();
        var requests = new List<string>();
        page.Console += (_, message) => { if (message.Type is "error" or "warning") errors.Add(message.Text); };
        page.PageError += (_, error) => errors.Add(error);
        page.Request += (_, request) => requests.Add(request.Url);
        await page.GotoAsync(new Uri(copy.At("report.html")).AbsoluteUri);

        Assert.Empty(errors);
        Assert.All(requests, url => Assert.True(url.StartsWith("file:", StringComparison.Ordinal) || url.StartsWith("data:", StringComparison.Ordinal), url));
        Assert.Equal(language, await page.Locator("html").GetAttributeAsync("lang"));
        Assert.True(await page.Locator("svg").CountAsync() >= 3, "The report draws its charts.");
        // Nothing is cut off at the side: a board reads it on a laptop.
        Assert.True(await page.EvaluateAsync<bool>("document.documentElement.scrollWidth <= document.documentElement.clientWidth + 1"), "The page is wider than the window.");
    }
}
