using Comity.Serving.Deployments;
using Comity.Serving.Releases;
using Comity.Serving.Tests.Hosting;
using Comity.Testing;

namespace Comity.Serving.Tests.Deployments;

/// <summary>A real server follows orders in a folder: it tries, gives up, comes back and refuses.</summary>
public sealed class DeploymentTests
{
    private const string Record = """{"age": 63, "dose": 2.5, "ward": "b"}""";
    private static readonly MarketApproval Approval = new("A. Kovács", "ethics board", ["judged"]);

    private sealed class Scene : IAsyncDisposable
    {
        private readonly TempFolder _temp = new();

        public RunningServer Running { get; private init; } = null!;

        public DeploymentFolder Folder => new(_temp.FullPath);

        public TrustedSigners Trusted => Tests.Releases.Sample.Trusting(Running.Key);

        public static async Task<Scene> StartAsync() => new() { Running = await RunningServer.StartAsync(o => o with { WindowRows = 100 }, empty: true) };

        public DeploymentNode Node(CanaryLimits? limits = null) => new(Running.Server, Folder, Trusted, "hu", "node-1", Running.State, limits ?? new CanaryLimits(Answers: 50), TimeProvider.System);

        public OrderedRelease Add(string version, ulong seed)
        {
            var file = _temp.At($"ward-{version}.comity");
            File.WriteAllBytes(file, SmallRelease.Bytes(Running.Key, version, seed));
            var release = Release.Read(file, Trusted);
            Folder.Add(file, release.Sha256);
            return new OrderedRelease(version, release.Sha256);
        }

        public void Order(long revision, OrderedRelease stable, OrderedRelease? canary = null, double share = 0, SigningKey? key = null) =>
            Folder.Write(new DeploymentOrder("ward", revision, DateTimeOffset.UnixEpoch, [new MarketOrder("hu", stable, canary, share, Approval)]), key ?? Running.Key);

        public async Task<Dictionary<string, int>> AskAsync(int times, Func<int, string>? record = null)
        {
            var versions = new Dictionary<string, int>();
            for (var i = 0; i < times; i++)
            {
                var version = (string)(await Running.AnswerAsync("/predict", record?.Invoke(i) ?? Record))["version"]!;
                versions[version] = versions.GetValueOrDefault(version) + 1;
            }
            return versions;
        }

        public NodeReport Report => Folder.Reports().Single();

        public async ValueTask DisposeAsync()
        {
            await Running.DisposeAsync();
            _temp.Dispose();
        }
    }

    [Fact]
    public async Task A_node_fetches_verifies_serves_and_reports()
    {
        await using var scene = await Scene.StartAsync();
        scene.Order(1, scene.Add("1.0.0", 1));

        await scene.Node().StepAsync(default);

        Assert.Equal(["1.0.0"], (await scene.AskAsync(3)).Keys);
        Assert.Equal(("serving", null, 1L), (scene.Report.State, scene.Report.Reason, scene.Report.Revision["ward"]));
    }

    [Fact]
    public async Task A_canary_is_tried_then_promoted_and_the_old_version_leaves()
    {
        await using var scene = await Scene.StartAsync();
        var (old, young) = (scene.Add("1.0.0", 1), scene.Add("1.1.0", 2));
        var node = scene.Node();
        scene.Order(1, old);
        await node.StepAsync(default);
        scene.Order(2, old, young, 0.25);
        await node.StepAsync(default);

        Assert.InRange((await scene.AskAsync(100))["1.1.0"], 23, 27);
        Assert.Equal("canary", scene.Report.State);

        scene.Order(3, young);
        await node.StepAsync(default);
        Assert.Equal(["1.1.0"], (await scene.AskAsync(5)).Keys);
        Assert.Equal(["1.1.0"], scene.Report.Versions.Select(v => v.Version));
    }

    [Fact]
    public async Task A_slow_canary_is_given_up_and_stays_given_up_after_a_restart()
    {
        await using var scene = await Scene.StartAsync();
        var (old, young) = (scene.Add("1.0.0", 1), scene.Add("1.1.0", 2));
        var limits = new CanaryLimits(Answers: 10, LatencyFactor: 0, LatencyMilliseconds: 0); // any latency is too long
        var node = scene.Node(limits);
        scene.Order(1, old);
        await node.StepAsync(default);
        scene.Order(2, old, young, 0.5);
        await node.StepAsync(default);
        await scene.AskAsync(40);
        await node.StepAsync(default);

        Assert.Equal(["1.0.0"], (await scene.AskAsync(20)).Keys);
        Assert.Equal(("rolled-back", "canary-latency"), (scene.Report.State, scene.Report.Reason));

        await scene.Node(limits).StepAsync(default);
        Assert.Equal(["1.0.0"], (await scene.AskAsync(20)).Keys);
        Assert.Equal("rolled-back", scene.Report.State);
    }

    [Fact]
    public async Task An_order_of_a_stranger_or_an_old_one_or_another_release_changes_nothing()
    {
        await using var scene = await Scene.StartAsync();
        using var stranger = SigningKey.Create();
        var (old, young) = (scene.Add("1.0.0", 1), scene.Add("1.1.0", 2));
        var node = scene.Node();
        scene.Order(5, old);
        await node.StepAsync(default);

        foreach (var (order, reason) in new (Action, string)[]
        {
            (() => scene.Order(6, young, key: stranger), "release-signer"),
            (() => scene.Order(4, young), "order-old"),
            (() => scene.Order(6, young with { Version = "9.9.9" }), "order-other-release"),
            (() => scene.Order(6, young with { Sha256 = new string('0', 64) }), "release-unreadable"),
            (() => File.WriteAllText(Path.Combine(scene.Folder.Root, "orders", "ward.json"), "{}"), "order-damaged"),
        })
        {
            order();
            await node.StepAsync(default);
            Assert.Equal(("refused", reason), (scene.Report.State, scene.Report.Reason));
            Assert.Equal(["1.0.0"], (await scene.AskAsync(2)).Keys);
        }
    }

    [Fact]
    public void What_is_known_of_a_market_is_said_and_a_useless_model_is_barred()
    {
        var manifest = Tests.Releases.Sample.Manifest;
        ReleaseManifest With(double low, double high, int rows) => manifest with { Markets = [new("hu", "HU", null, rows, new Dictionary<string, ReleaseMetric> { ["rocAuc"] = new((low + high) / 2, low, high) })] };

        Assert.Equal(["judged", "jurisdiction-unknown", "licence-undeclared"], MarketPolicy.Judge(With(0.8, 0.9, 300), "hu").Select(f => f.Code));
        Assert.Equal("not-judged", MarketPolicy.Judge(manifest, "cn")[0].Code);
        Assert.Equal("thin-evidence", MarketPolicy.Judge(With(0.8, 0.9, 12), "hu")[0].Code);
        Assert.Contains(MarketPolicy.Judge(With(0.45, 0.58, 300), "hu"), f => f is { Code: "no-better-than-chance", Bars: true });
        Assert.Contains(MarketPolicy.Judge(With(0.45, 0.8, 300), "hu"), f => f is { Code: "no-better-than-chance", Bars: false });
    }
}
