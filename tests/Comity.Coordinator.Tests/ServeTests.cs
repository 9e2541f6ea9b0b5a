using System.Net;
using System.Security.Authentication;
using Comity.Testing;

namespace Comity.Coordinator.Tests;

/// <summary>The real program as a process, on a port that the system chooses.</summary>
public sealed class ServeTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(4);
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
        Assert.True(await process.WaitUntilAsync(p => p.Output.Contains("A site joins", StringComparison.Ordinal), Patience), process.Error);
        return new(process.Output.Split("Listening on ")[1].Split('\n')[0]);
    }

    // Which key the coordinator has is not the question here; EnrolmentTests asks it.
    private static HttpClient Client(Uri address) =>
        new(new SocketsHttpHandler { SslOptions = new() { RemoteCertificateValidationCallback = (_, _, _, _) => true } }) { BaseAddress = address };

    [Fact]
    public async Task Makes_all_it_needs_serves_health_and_readiness_and_stops_when_asked()
    {
        await using var process = Start("serve", "--listen", "https://127.0.0.1:0", "--data", _folder.At("data"), "--lang", "en");
        using var client = Client(await AddressOf(process)); // 0.6 s on an idle machine

        Assert.Equal("{\"status\":\"ok\"}", await client.GetStringAsync("/healthz"));
        Assert.Equal("{\"status\":\"ready\"}", await client.GetStringAsync("/readyz"));
        var other = await client.GetAsync("/v1/nothing");
        Assert.Equal(HttpStatusCode.NotFound, other.StatusCode);
        Assert.Contains("no-such-call", await other.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.False(other.Headers.Contains("Server"));
        Assert.Contains("comity1-", process.Output, StringComparison.Ordinal);

        // Headers have an end.
        using var long1 = new HttpRequestMessage(HttpMethod.Get, "/healthz") { Version = HttpVersion.Version11 };
        long1.Headers.Add("X-Long", new string('a', 17 << 10));
        Assert.Equal(HttpStatusCode.RequestHeaderFieldsTooLarge, (await client.SendAsync(long1)).StatusCode);
        using var long2 = new HttpRequestMessage(HttpMethod.Get, "/healthz") { Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact };
        for (var i = 0; i < 65; i++) long2.Headers.Add($"X-{i}", "a");
        Assert.Equal(HttpStatusCode.RequestHeaderFieldsTooLarge, (await client.SendAsync(long2)).StatusCode);
        Assert.Equal("{\"status\":\"ok\"}", await client.GetStringAsync("/healthz"));

        // Only the owner may read the authority's key.
        Assert.False(Transport.Identity.SecretFile.OthersMayRead(_folder.At("data", "authority.key")));

        // A second coordinator may not share the folder.
        var second = await RunAsync("serve", "--listen", "https://127.0.0.1:0", "--data", _folder.At("data"), "--lang", "en");
        Assert.Equal(4, second.ExitCode);
        Assert.Contains("[data-unavailable]", second.Error, StringComparison.Ordinal);

        // Nor the port.
        var third = await RunAsync("serve", "--listen", client.BaseAddress!.ToString(), "--data", _folder.At("other"), "--lang", "en");
        Assert.Equal(4, third.ExitCode);
        Assert.Contains("[listen-unavailable]", third.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("Exception", third.Error, StringComparison.Ordinal); // one sentence, and no stack trace before it

        process.Terminate();
        Assert.Equal(0, (await process.WaitAsync(Patience)).ExitCode);
    }

    [Fact]
    public async Task Keeps_its_key_and_its_join_code_over_a_restart()
    {
        async Task<string> CodeOf()
        {
            await using var process = Start("serve", "--listen", "https://127.0.0.1:0", "--address", "https://c.example:8440", "--data", _folder.At("data"), "--lang", "en");
            await AddressOf(process);
            process.Terminate();
            await process.WaitAsync(Patience);
            return process.Output.Split("Join code: ")[1].Split('\n')[0];
        }

        var first = await CodeOf();
        Assert.Equal(first, await CodeOf());
        Assert.Equal(first, (await RunAsync("join-code", "--data", _folder.At("data"))).Output.Trim());
        Assert.NotEqual(first, (await RunAsync("join-code", "--new", "--data", _folder.At("data"))).Output.Trim());
    }

    [Fact]
    public async Task An_author_named_at_the_first_start_gets_a_token_once()
    {
        string[] serve = ["serve", "--listen", "https://127.0.0.1:0", "--data", _folder.At("data"), "--author", "ana", "--lang", "en"];
        string token;
        await using (var process = Start(serve))
        {
            var address = await AddressOf(process);
            token = process.Output.Split("only its hash is kept: ")[1].Split('\n')[0];
            var read = Transport.Identity.PersonToken.Parse(token)!;
            Assert.Equal(Transport.Identity.JoinCode.Parse(process.Output.Split("Join code: ")[1].Split('\n')[0])!.Authority, read.Authority);
            Assert.Contains($"comity submit STUDY --to {address.GetLeftPart(UriPartial.Authority)}", process.Output, StringComparison.Ordinal);

            // With the address and the token alone the coordinator is known; it takes the token with the key as well as without.
            foreach (var sent in new[] { read.Bearer, token })
            {
                using var http = Transport.Identity.CoordinatorHttp.Connect(new() { Address = address, Authority = read.Authority, Token = sent }, TimeProvider.System);
                var me = await new Transport.Identity.IdentityClient(http).MeAsync(default);
                Assert.Equal(("ana", Transport.Identity.CallerRole.Author), (me.Name, me.Role));
            }
        }
        await using (var again = Start(serve))
        {
            await AddressOf(again);
            Assert.DoesNotContain("comity_", again.Output, StringComparison.Ordinal);
        }
        Assert.Single((await RunAsync("tokens", "list", "--data", _folder.At("data"), "--lang", "en")).Output.Trim().Split('\n'));
        var wrong = await RunAsync("serve", "--data", _folder.At("other"), "--author", "an a", "--lang", "en");
        Assert.Equal(2, wrong.ExitCode);
        Assert.Contains("[name-wrong]", wrong.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Speaks_TLS_1_3_and_1_2_and_HTTP_2_and_1_1_and_nothing_older()
    {
        await using var process = Start("serve", "--listen", "https://127.0.0.1:0", "--data", _folder.At("data"), "--lang", "en");
        var address = await AddressOf(process);
        foreach (var (protocol, version) in new[] { (SslProtocols.Tls13, HttpVersion.Version20), (SslProtocols.Tls12, HttpVersion.Version11) })
        {
            using var client = new HttpClient(new SocketsHttpHandler { SslOptions = new() { EnabledSslProtocols = protocol, RemoteCertificateValidationCallback = (_, _, _, _) => true } });
            using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(address, "/healthz")) { Version = version, VersionPolicy = HttpVersionPolicy.RequestVersionExact };
            using var response = await client.SendAsync(request);
            Assert.Equal((HttpStatusCode.OK, version), (response.StatusCode, response.Version));
        }
    }

    [Fact]
    public async Task Is_not_ready_when_its_folder_is_gone()
    {
        await using var process = Start("serve", "--listen", "https://127.0.0.1:0", "--data", _folder.At("data"), "--lang", "en");
        using var client = Client(await AddressOf(process));
        Directory.Delete(_folder.At("data"), recursive: true);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await client.GetAsync("/readyz")).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await client.GetAsync("/healthz")).StatusCode);
    }

    [Fact]
    public async Task Listening_without_TLS_is_refused_with_every_other_problem_at_once()
    {
        var file = _folder.Write("file", "x");
        var result = await RunAsync("serve", "--listen", "http://0.0.0.0:8440", "--address", "coordinator", "--data", file, "--lang", "en");
        Assert.Equal(2, result.ExitCode);
        foreach (var code in new[] { "listen-without-tls", "address-unreadable", "data-not-a-folder" }) Assert.Contains($"[{code}]", result.Error, StringComparison.Ordinal);

        var proxied = await RunAsync("serve", "--listen", "http://127.0.0.1:0", "--proxy", "nginx", "--data", _folder.At("data"), "--lang", "en");
        Assert.Equal(2, proxied.ExitCode);
        foreach (var code in new[] { "address-missing", "proxy-unreadable" }) Assert.Contains($"[{code}]", proxied.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Commands_on_a_folder_that_is_no_coordinators_say_so()
    {
        foreach (var command in new[] { new[] { "sites" }, ["studies"], ["tokens", "list"], ["join-code"], ["sites", "revoke", "x"] })
        {
            var result = await RunAsync([.. command, "--data", _folder.At("none"), "--lang", "en"]);
            Assert.Equal(4, result.ExitCode);
            Assert.Contains("[state-missing]", result.Error, StringComparison.Ordinal);
            Assert.False(Directory.Exists(_folder.At("none")));
        }
    }

    [Theory]
    [InlineData("en", "neutral party")]
    [InlineData("zh-Hans", "中立方")]
    public async Task Help_speaks_both_languages(string language, string text)
    {
        var result = await RunAsync("--help", "--lang", language);
        Assert.Equal(0, result.ExitCode);
        Assert.Contains(text, result.Output.Replace("\n", "", StringComparison.Ordinal).Replace("  ", "", StringComparison.Ordinal), StringComparison.Ordinal);
        foreach (var command in new[] { "serve", "sites", "tokens", "join-code" }) Assert.Contains(command, result.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Version_and_a_wrong_option_end_with_their_codes()
    {
        var version = await RunAsync("--version");
        Assert.Equal(0, version.ExitCode);
        Assert.Matches(@"^\d+\.\d+\.\d+", version.Output);
        Assert.Equal(2, (await RunAsync("serve", "--dta", "x")).ExitCode);
        Assert.Equal(2, (await RunAsync("tokens", "create", "--name", "a", "--role", "king", "--data", "x")).ExitCode);
    }
}
