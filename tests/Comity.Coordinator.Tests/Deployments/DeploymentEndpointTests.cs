using System.Net;
using System.Security.Cryptography;
using System.Text;
using Comity.Testing;
using Comity.Transport.Clients;
using Comity.Transport.Deployments;
using Comity.Transport.Identity;

namespace Comity.Coordinator.Tests.Deployments;

/// <summary>Orders, releases and reports over TLS, with signed calls of nodes and tokens of people.</summary>
public sealed class DeploymentEndpointTests
{
    private static readonly byte[] First = Encoding.UTF8.GetBytes("""{"order":"first"}"""), Second = Encoding.UTF8.GetBytes("""{"order":"second"}""");

    private static DeploymentClient Person(RunningCoordinator coordinator, CallerRole role, out HttpClient http, IReadOnlyList<string>? studies = null)
    {
        http = coordinator.Connect(coordinator.Tokens.Create("ann", role, studies, DateTimeOffset.UtcNow, TimeSpan.FromDays(1)).Whole);
        return new DeploymentClient(http, coordinator.Time);
    }

    private static string Digest(byte[] bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes));

    [Fact]
    public async Task An_order_comes_to_a_node_as_it_was_handed_in_and_a_node_that_waits_learns_of_it()
    {
        await using var coordinator = await RunningCoordinator.StartAsync();
        using var identity = await coordinator.JoinAsync("hu-1", role: CallerRole.Server);
        using var signed = coordinator.Connect(identity, "hu-1");
        var (node, author) = (new DeploymentClient(signed, coordinator.Time), Person(coordinator, CallerRole.Author, out var http));
        using (http)
        {
            var empty = await node.OrdersAsync(0, TimeSpan.Zero, default);
            Assert.Empty(empty.Orders);
            var waiting = node.OrdersAsync(empty.Change, TimeSpan.FromSeconds(30), default);
            await author.PutOrderAsync("heart", First, null, default);

            var entry = Assert.Single((await waiting).Orders);
            Assert.Equal(("heart", Digest(First)), (entry.Name, entry.Sha256));
            Assert.Equal(First, await node.OrderAsync(entry, default));
        }
    }

    [Fact]
    public async Task Of_two_orders_that_were_made_from_the_same_one_the_second_is_refused_and_one_sent_twice_is_taken_once()
    {
        await using var coordinator = await RunningCoordinator.StartAsync();
        var author = Person(coordinator, CallerRole.Author, out var http);
        using (http)
        {
            await author.PutOrderAsync("heart", First, null, default);
            await author.PutOrderAsync("heart", First, null, default);
            var refused = await Assert.ThrowsAsync<WireException>(() => author.PutOrderAsync("heart", Second, null, default));
            Assert.Equal((HttpStatusCode.Conflict, "deployment-overtaken"), (refused.Status, refused.Told.Code));
            await author.PutOrderAsync("heart", Second, Digest(First), default);
            Assert.Equal(Second, await author.OrderAsync((await author.OrdersAsync(0, TimeSpan.Zero, default)).Orders.Single(), default));
        }
    }

    [Fact]
    public async Task A_release_of_megabytes_goes_there_and_back_and_one_with_another_digest_is_not_kept()
    {
        await using var coordinator = await RunningCoordinator.StartAsync();
        using var identity = await coordinator.JoinAsync("hu-1", role: CallerRole.Server);
        using var signed = coordinator.Connect(identity, "hu-1");
        using var folder = new TempFolder();
        var bytes = new byte[3_000_017];
        for (var i = 0; i < bytes.Length; i++) bytes[i] = (byte)(i * 31 + (i >> 9));
        File.WriteAllBytes(folder.At("a.comity"), bytes);
        var author = Person(coordinator, CallerRole.Author, out var http);
        using (http)
        {
            await author.PutReleaseAsync(folder.At("a.comity"), Digest(bytes), default);
            await author.PutReleaseAsync(folder.At("a.comity"), Digest(bytes), default);
            await new DeploymentClient(signed, coordinator.Time).FetchReleaseAsync(Digest(bytes), folder.At("b.comity"), default);
            Assert.Equal(bytes, File.ReadAllBytes(folder.At("b.comity")));

            var refused = await Assert.ThrowsAsync<WireException>(() => author.PutReleaseAsync(folder.At("a.comity"), Digest(First), default));
            Assert.Equal("deployment-digest", refused.Told.Code);
            Assert.Single(Directory.EnumerateFiles(coordinator.Folder.At("data", "deployments", "releases")));
        }
    }

    [Fact]
    public async Task A_node_speaks_under_its_own_name_only_and_a_token_for_one_study_orders_nothing()
    {
        await using var coordinator = await RunningCoordinator.StartAsync();
        using var identity = await coordinator.JoinAsync("hu-1", role: CallerRole.Server);
        using var signed = coordinator.Connect(identity, "hu-1");
        await new DeploymentClient(signed, coordinator.Time).ReportAsync(new { node = "us-1", state = "serving" }, default);
        var viewer = Person(coordinator, CallerRole.Viewer, out var http);
        using (http)
        {
            var entry = Assert.Single((await viewer.NodesAsync(default)).Nodes);
            Assert.Equal(("hu-1", "serving"), (entry.Node, entry.Report.GetProperty("state").GetString()));
        }
        var narrow = Person(coordinator, CallerRole.Author, out var limited, ["heart-1"]);
        using (limited)
            Assert.Equal("study-barred", (await Assert.ThrowsAsync<WireException>(() => narrow.PutOrderAsync("heart", First, null, default))).Told.Code);
    }

    [Theory]
    [InlineData("not json")]
    [InlineData("")]
    public async Task What_is_no_order_is_refused(string body)
    {
        await using var coordinator = await RunningCoordinator.StartAsync();
        var author = Person(coordinator, CallerRole.Author, out var http);
        using (http) Assert.Equal("message-malformed", (await Assert.ThrowsAsync<WireException>(() => author.PutOrderAsync("heart", Encoding.UTF8.GetBytes(body), null, default))).Told.Code);
    }
}
