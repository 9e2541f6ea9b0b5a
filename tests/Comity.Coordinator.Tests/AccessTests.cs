using System.Text;
using Comity.Coordinator.Access;
using Comity.Testing;
using Comity.Transport.Clients;
using Comity.Transport.Identity;

namespace Comity.Coordinator.Tests;

/// <summary>Who may call what: each cell of the table is tried against the running server.</summary>
public sealed class AccessTests
{
    private const string Page = "docs/access.md";
    private static readonly CallerRole?[] Columns = [null, CallerRole.Viewer, CallerRole.Steward, CallerRole.Author, CallerRole.Operator, CallerRole.Site, CallerRole.Server];

    public static TheoryData<string, string> Calls => [.. AccessTable.Rules.Select(r => (r.Method, r.Route))];

    [Theory]
    [MemberData(nameof(Calls))]
    public async Task Each_role_may_do_what_the_table_says_and_nothing_else(string method, string route)
    {
        await using var coordinator = await RunningCoordinator.StartAsync();
        using var site = await coordinator.JoinAsync("berlin");
        using var node = await coordinator.JoinAsync("hu-1", role: CallerRole.Server);
        var rule = AccessTable.Of(method, route)!;
        foreach (var role in Columns)
        {
            using var http = role switch
            {
                null => coordinator.Connect(token: null),
                CallerRole.Site => coordinator.Connect(site, "berlin"),
                CallerRole.Server => coordinator.Connect(node, "hu-1"),
                _ => coordinator.Connect(coordinator.Tokens.Create("someone", role.Value, null, DateTimeOffset.UtcNow, TimeSpan.FromDays(1)).Whole),
            };
            using var request = new HttpRequestMessage(new(method), string.Join('/', route.Split('/').Select(p => p.StartsWith('{') ? "1" : p)));
            if (method != "GET") request.Content = new StringContent("{}", Encoding.UTF8, "application/json");
            using var response = await http.SendAsync(request);
            var code = await CodeOf(response);
            var allowed = role is null ? rule.Anyone : rule.Allows(new("x", role.Value, "x"));
            Assert.True(allowed == code is not ("not-signed-in" or "role-barred"), $"{role?.ToString() ?? "nobody"}: {(int)response.StatusCode} {code}");
            Assert.NotEqual("no-such-call", code);
            if (!allowed) Assert.Equal(role is null ? "not-signed-in" : "role-barred", code);
        }
    }

    [Fact]
    public async Task What_is_not_in_the_table_is_refused_to_everybody()
    {
        await using var coordinator = await RunningCoordinator.StartAsync();
        foreach (var role in new[] { CallerRole.Operator, CallerRole.Viewer })
        {
            using var http = coordinator.Connect(coordinator.Tokens.Create("someone", role, null, DateTimeOffset.UtcNow, TimeSpan.FromDays(1)).Whole);
            foreach (var (method, path) in new[] { ("GET", "/"), ("DELETE", "/v1/me"), ("PUT", "/v1/enrolments"), ("GET", "/v1/nothing"), ("OPTIONS", "/v1/me"), ("GET", "/v1/../healthz/x") })
            {
                using var response = await http.SendAsync(new(new(method), path));
                Assert.Contains((int)response.StatusCode, new[] { 404, 405 });
            }
        }
    }

    [Fact]
    public void The_page_shows_the_table()
    {
        string Cell(AccessRule rule, CallerRole? role) => (role is null ? rule.Anyone : rule.Allows(new("x", role.Value, "x"))) ? "yes" : "–";
        var rows = AccessTable.Rules.Select(r => $"| `{r.Method} {r.Route}` | {r.Purpose} | {string.Join(" | ", Columns.Select(c => Cell(r, c)))} |");
        var table = "| call | what it does | anyone | viewer | steward | author | operator | site | server |\n|---|---|---|---|---|---|---|---|---|\n" + string.Join('\n', rows) + "\n";
        var path = Repository.At(Page);
        var (text, start, end) = (File.ReadAllText(path), "<!-- table -->\n", "<!-- end -->");
        var (from, to) = (text.IndexOf(start, StringComparison.Ordinal) + start.Length, text.IndexOf(end, StringComparison.Ordinal));
        if (Environment.GetEnvironmentVariable("COMITY_APPROVE") == "1") File.WriteAllText(path, text[..from] + table + text[to..]);
        else Assert.True(text[from..to] == table, $"{Page} is not what the code says; run with COMITY_APPROVE=1 to rewrite it.");
    }

    [Fact]
    public async Task A_token_ends_by_date_by_revocation_and_at_the_bounds_of_its_studies()
    {
        var clock = new ManualTimeProvider(DateTimeOffset.UtcNow);
        await using var coordinator = await RunningCoordinator.StartAsync(clock);
        var (kept, whole) = coordinator.Tokens.Create("ana", CallerRole.Author, ["heart"], clock.GetUtcNow(), TimeSpan.FromDays(30));
        using var http = coordinator.Connect(whole);
        var client = new IdentityClient(http);
        async Task<string> Code() => (await Assert.ThrowsAsync<WireException>(() => client.MeAsync(default))).Told.Code;

        Assert.Equal(("ana", CallerRole.Author, kept.Id), await client.MeAsync(default) is var me ? (me.Name, me.Role, me.KeyFingerprint) : default);
        using (var other = coordinator.Connect(whole[..^1] + (whole[^1] == '0' ? '1' : '0')))
            Assert.Equal("token-wrong", (await Assert.ThrowsAsync<WireException>(() => new IdentityClient(other).MeAsync(default))).Told.Code);

        // Another study it neither sees nor hands in.
        using (var other = await http.GetAsync("/v1/studies/liver")) Assert.Equal("study-barred", await CodeOf(other));
        using (var own = await http.GetAsync("/v1/studies/heart")) Assert.Equal("study-unknown", await CodeOf(own));
        var submission = Studies.LoopbackFederation.Submission(Studies.LoopbackFederation.Yaml("arms: [local]"), "liver");
        Assert.Equal("study-barred", (await Assert.ThrowsAsync<WireException>(() => new StudyClient(http, clock).SubmitAsync(submission, default))).Told.Code);

        clock.Advance(TimeSpan.FromDays(29));
        await client.MeAsync(default);
        clock.Advance(TimeSpan.FromDays(1));
        Assert.Equal("token-expired", await Code());
        Assert.True(coordinator.Tokens.Revoke(kept.Id, clock.GetUtcNow()));
        Assert.Equal("token-revoked", await Code());
        Assert.False(coordinator.Tokens.Revoke(kept.Id, clock.GetUtcNow()));
    }

    [Fact]
    public async Task Nothing_that_was_kept_of_a_token_lets_anybody_in()
    {
        await using var coordinator = await RunningCoordinator.StartAsync();
        var (_, whole) = coordinator.Tokens.Create("ana", CallerRole.Operator, null, DateTimeOffset.UtcNow, TimeSpan.FromDays(30));
        var secret = whole.Split('_')[2];
        foreach (var file in Directory.EnumerateFiles(coordinator.Folder.At("data"), "*", SearchOption.AllDirectories).Where(f => !f.EndsWith(".lock", StringComparison.Ordinal)))
        {
            await using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            using var copy = new MemoryStream();
            await stream.CopyToAsync(copy);
            Assert.Equal(-1, copy.ToArray().AsSpan().IndexOf(Encoding.UTF8.GetBytes(secret)));
        }
    }

    private static async Task<string> CodeOf(HttpResponseMessage response)
    {
        try
        {
            await IdentityClient.ThrowIfRefusedAsync(response, default);
            return "";
        }
        catch (WireException e)
        {
            return e.Told.Code;
        }
        catch (HttpRequestException)
        {
            return "http";
        }
    }
}
