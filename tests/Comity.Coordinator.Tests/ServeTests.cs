using System.Net;
using Comity.Testing;

namespace Comity.Coordinator.Tests;

/// <summary>The real program as a process, on a port that the system chooses.</summary>
public sealed class ServeTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private static CommandProcess Start(params string[] arguments) =>
        CommandProcess.Start("dotnet", [Path.Combine(AppContext.BaseDirectory, "comity-coordinator.dll"), .. arguments]);

    private static async Task<CommandResult> RunAsync(params string[] arguments)
    {
        await using var process = Start(arguments);
        return await process.WaitAsync(Patience);
    }

    private static async Task<Uri> AddressOf(CommandProcess process)
    {
        Assert.True(await process.WaitUntilAsync(p => p.Output.Contains("Listening on ", StringComparison.Ordinal) && p.Output.Contains("later version", StringComparison.Ordinal), Patience), process.Error);
        return new(process.Output.Split("Listening on ")[1].Split('\n')[0]);
    }

    [Fact]
    public async Task Serves_health_and_readiness_says_what_it_cannot_do_and_stops_when_asked()
    {
        await using var process = Start("serve", "--listen", "http://127.0.0.1:0", "--data", _folder.At("data"), "--lang", "en");
        using var client = new HttpClient { BaseAddress = await AddressOf(process) };

        Assert.Equal("{\"status\":\"ok\"}", await client.GetStringAsync("/healthz"));
        Assert.Equal("{\"status\":\"ready\"}", await client.GetStringAsync("/readyz"));
        var other = await client.GetAsync("/v1/studies");
        Assert.Equal(HttpStatusCode.NotFound, other.StatusCode);
        Assert.Contains("no-network-rounds-in-this-version", await other.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.False(other.Headers.Contains("Server"));

        // A second coordinator may not share the folder.
        var second = await RunAsync("serve", "--listen", "http://127.0.0.1:0", "--data", _folder.At("data"), "--lang", "en");
        Assert.Equal(4, second.ExitCode);
        Assert.Contains("[data-unavailable]", second.Error, StringComparison.Ordinal);

        // Nor the port.
        var third = await RunAsync("serve", "--listen", client.BaseAddress.ToString(), "--data", _folder.At("other"), "--lang", "en");
        Assert.Equal(4, third.ExitCode);
        Assert.Contains("[listen-unavailable]", third.Error, StringComparison.Ordinal);

        process.Terminate();
        Assert.Equal(0, (await process.WaitAsync(Patience)).ExitCode);
    }

    [Fact]
    public async Task Is_not_ready_when_its_folder_is_gone()
    {
        await using var process = Start("serve", "--listen", "http://127.0.0.1:0", "--data", _folder.At("data"), "--lang", "en");
        using var client = new HttpClient { BaseAddress = await AddressOf(process) };
        Directory.Delete(_folder.At("data"), recursive: true);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await client.GetAsync("/readyz")).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await client.GetAsync("/healthz")).StatusCode);
    }

    [Fact]
    public async Task Listening_to_the_world_without_TLS_is_refused_with_every_other_problem_at_once()
    {
        var file = _folder.Write("file", "x");
        var result = await RunAsync("serve", "--listen", "http://0.0.0.0:8440", "--data", file, "--lang", "en");
        Assert.Equal(2, result.ExitCode);
        Assert.Contains("[listen-not-loopback]", result.Error, StringComparison.Ordinal);
        Assert.Contains("[data-not-a-folder]", result.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("en", "later version")]
    [InlineData("zh-Hans", "以后的版本")]
    public async Task Help_says_what_this_version_does_in_both_languages(string language, string text)
    {
        var result = await RunAsync("--help", "--lang", language);
        Assert.Equal(0, result.ExitCode);
        Assert.Contains(text, result.Output.Replace("\n", "", StringComparison.Ordinal).Replace("  ", "", StringComparison.Ordinal), StringComparison.Ordinal);
        Assert.Contains("serve", result.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Version_and_a_wrong_option_end_with_their_codes()
    {
        var version = await RunAsync("--version");
        Assert.Equal(0, version.ExitCode);
        Assert.Matches(@"^\d+\.\d+\.\d+", version.Output);
        Assert.Equal(2, (await RunAsync("serve", "--dta", "x")).ExitCode);
    }
}
