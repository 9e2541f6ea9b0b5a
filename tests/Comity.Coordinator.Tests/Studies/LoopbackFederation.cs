using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using Comity.Coordinator.Storage;
using Comity.Coordinator.Studies;
using Comity.Declarations;
using Comity.Federation.AtRest;
using Comity.Federation.Results;
using Comity.Federation.Runs;
using Comity.Federation.Sites;
using Comity.Federation.Studies;
using Comity.Privacy.Noise;
using Comity.Testing;
using Comity.Transport.Clients;
using Comity.Transport.Identity;
using Comity.Transport.Protocol;
using Comity.Transport.Sites;
using Comity.Transport.Stores;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace Comity.Coordinator.Tests.Studies;

/// <summary>
/// A coordinator's studies behind TLS on loopback, and sites that dial it. Who calls stands in a header: proving it is the host's part,
/// which has tests of its own. All else is real.
/// </summary>
internal sealed class LoopbackFederation : IAsyncDisposable
{
    private readonly TempFolder _folder = new();
    private readonly X509Certificate2 _certificate = SelfSigned();
    private readonly List<(CancellationTokenSource Over, Task Work, HttpClient Http)> _sites = [];
    private readonly SortedDictionary<string, ECDsa> _keys = new(new[] { "s0", "s1", "s2", "s3", "s4" }.ToDictionary(s => s, _ => ECDsa.Create(ECCurve.NamedCurves.nistP256)), StringComparer.Ordinal);
    private WebApplication? _host;
    private StudyServer? _studies;
    private int _port;

    public string At(params ReadOnlySpan<string> parts) => _folder.At(parts);

    /// <summary>The database in which the coordinator's state lies; null: its folder.</summary>
    public StoreAddress? Store { get; init; }

    public PostgresStore? Leading { get; private set; }

    /// <summary>How a party's state is kept, by its folder; null: as it is.</summary>
    public Func<string, StateVault>? VaultOf { get; init; }

    public HashSet<string> Approved { get; } = ["s0", "s1", "s2", "s3", "s4"];

    /// <summary>What the coordinator says a site's key is; by default the truth.</summary>
    public Func<string, byte[]>? SaysKey { get; set; }

    /// <summary>The noise of every party, by party and answer; null: nobody can repeat it.</summary>
    public Func<string, string, NoiseStream>? Noise { get; set; }

    /// <summary>The model that sites make; null: the small linear one.</summary>
    public IModelSource? Model { get; init; }

    public ECDsa KeyOf(string site) => _keys[site];

    /// <summary>What goes between a caller and the endpoints.</summary>
    public Func<HttpContext, Func<Task>, Task>? Between { get; set; }

    public StudyServer Server => _studies!;

    public StudyClient Author => new(Client("ann", CallerRole.Author), TimeProvider.System);

    public Uri Address => new($"https://localhost:{_port}/");

    public async Task StartAsync()
    {
        Leading = Store is null ? null : PostgresStore.Lead(Store, TimeProvider.System, Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance, default);
        _studies = new StudyServer(At("coordinator"), new Keys(this), TimeProvider.System, store: Leading, vault: VaultOf?.Invoke(At("coordinator"))) { Noise = Noise };
        var builder = WebApplication.CreateEmptyBuilder(new());
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, _port, listen => listen.UseHttps(_certificate)));
        builder.Services.AddRoutingCore();
        _host = builder.Build();
        _host.UseRouting();
        _host.Use(async (context, next) =>
        {
            if (context.Request.Headers["Test-Caller"].ToString() is { Length: > 0 } caller)
                context.Features.Set(new CallerIdentity(caller.Split('|')[0], Enum.Parse<CallerRole>(caller.Split('|')[1]), "-"));
            if (Between is { } between) await between(context, () => next(context));
            else await next(context);
        });
        _host.MapStudies(_studies);
        await _host.StartAsync();
        _port = new Uri(_host.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First()).Port;
    }

    /// <summary>The coordinator's process ends; its state stays.</summary>
    public async Task StopAsync()
    {
        if (_host is null) return;
        Leading?.Stop();
        await _studies!.DisposeAsync();
        await _host.DisposeAsync();
        Leading?.Dispose();
        _host = null;
    }

    public HttpClient Client(string name, CallerRole role, int? through = null)
    {
        var http = new HttpClient(new SocketsHttpHandler { SslOptions = { RemoteCertificateValidationCallback = (_, _, _, _) => true } })
        {
            BaseAddress = new Uri($"https://localhost:{through ?? _port}/"), DefaultRequestVersion = HttpVersion.Version20, DefaultVersionPolicy = HttpVersionPolicy.RequestVersionOrLower, Timeout = Timeout.InfiniteTimeSpan,
        };
        http.DefaultRequestHeaders.Add("Test-Caller", $"{name}|{role}");
        return http;
    }

    /// <summary>Starts a site; the returned source ends it as a kill would, at whatever it does.</summary>
    public CancellationTokenSource StartSite(string name, Func<ISiteWork>? work = null, bool ownModelStays = true, Func<string?>? refuses = null, int? through = null, bool compared = true, long? diskBytes = null, IProgress<SiteAgentEvent>? events = null, TimeSpan? silence = null, int? studies = null, bool releaseLoss = false)
    {
        var http = Client(name, CallerRole.Site, through);
        var host = new Host(name, work ?? (() => Site(name)), ownModelStays, refuses, Noise, Model, studies);
        var options = new SiteAgentOptions
        {
            Site = name, StateFolder = At("sites", name), Vault = VaultOf?.Invoke(At("sites", name)), Wait = TimeSpan.FromSeconds(2), Identity = _keys[name], DiskBytes = diskBytes, ReleaseLoss = releaseLoss,
            Partners = compared ? _keys.ToDictionary(k => k.Key, k => KeyFingerprint.Of(k.Value)) : new Dictionary<string, KeyFingerprint>(),
        };
        var over = new CancellationTokenSource();
        _sites.Add((over, Task.Run(() => new SiteAgent(new SiteClient(http, TimeProvider.System) { Silence = silence ?? TimeSpan.FromMinutes(1) }, host, options, TimeProvider.System, events).RunAsync(over.Token)), http));
        return over;
    }

    public static LeastSquaresSite Site(string name) => new(name, 60 + (10 * (name[1] - '0')), (name[1] - '0') * 0.3);

    public static string Yaml(string rest, int sites = 3) => $$"""
        study: test
        seed: 7
        contract: {}
        model: linear
        markets: [{ id: us, jurisdiction: US }, { id: ch, jurisdiction: CH }]
        sites: [{{string.Join(", ", Enumerable.Range(0, sites).Select(i => $"{{ id: s{i}, market: {(i % 2 == 0 ? "us" : "ch")} }}"))}}]
        {{rest}}

        """;

    public static StudySubmission Submission(string yaml, string id = "test-1") =>
        new(id, "study.yaml", Convert.ToBase64String(Encoding.UTF8.GetBytes(yaml)), new StudyPlan(yaml.Contains("unit: site", StringComparison.Ordinal) ? [] : ["moments"], "regression", "y", "mse", "0.1.0"));

    /// <summary>Waits until a study has come to an end or to a stop.</summary>
    public async Task<StudyView> EndAsync(string id = "test-1", double seconds = 3000)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(seconds));
        while (true)
        {
            var view = await Author.ViewAsync(id, 0, TimeSpan.Zero, limit.Token);
            if (view.State is StudyState.Done or StudyState.Stopped or StudyState.Cancelled) return view;
            await Task.Delay(20, limit.Token);
        }
    }

    public async Task UntilRoundAsync(int round)
    {
        while (true)
        {
            var view = await Author.ViewAsync("test-1", 0, TimeSpan.Zero, default);
            Assert.True(view.State != StudyState.Stopped, string.Join("\n", view.Problems.Select(p => p.ToProblem(""))));
            if (view.Events.Any(e => e.Code == "round-done" && int.Parse(e.Arguments[2], System.Globalization.CultureInfo.InvariantCulture) >= round)) return;
            await Task.Delay(10);
        }
    }

    public async Task<string> ResultsAsync()
    {
        var path = At("results.json");
        await Author.FetchResultsAsync("test-1", path, default);
        return path;
    }

    public async Task<SortedDictionary<string, string>> NetworkAsync()
    {
        var models = JsonNode.Parse(await File.ReadAllTextAsync(await ResultsAsync()))!["models"]!.AsArray();
        return new(models.ToDictionary(m => $"{m!["id"]}#{m["repeat"]}", m => (string)m!["weightsSha256"]!));
    }

    public async Task<SortedDictionary<string, string>> LocalAsync(string yaml, Func<string, ISiteWork>? work = null)
    {
        var problems = new ProblemList();
        await File.WriteAllTextAsync(At("local.yaml"), yaml);
        var study = StudyReader.Read(At("local.yaml"), problems)!.Section;
        Assert.Empty(problems);
        using var outcome = await StudyRun.RunAsync(new StudyRunInput
        {
            Study = study, StudySha256 = "local", Model = Model ?? new LeastSquaresModel(study.Privacy?.DifferentialPrivacy is { Unit: Federation.Privacy.PrivacyUnit.Site } ? [] : null), Sites = [.. study.Sites.Select(s => work?.Invoke(s.Id) ?? Site(s.Id))], Noise = Noise, Pooled = work is null ? LeastSquaresSite.Pool([.. study.Sites.Select(s => Site(s.Id))]) : null, RunFolder = At("local"),
            PrimaryMetric = "mse", Environment = new RunEnvironment("0.1.0", "X64", 256, ".NET 10"),
        }, default);
        return new(outcome.Results.Models.ToDictionary(m => $"{m.Id}#{m.Repeat}", m => m.WeightsSha256));
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var site in _sites) await site.Over.CancelAsync();
        foreach (var site in _sites)
        {
            await site.Work.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            site.Http.Dispose();
        }
        await StopAsync();
        _certificate.Dispose();
        foreach (var key in _keys.Values) key.Dispose();
        _folder.Dispose();
    }

    private static X509Certificate2 SelfSigned()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var now = TimeProvider.System.GetUtcNow();
        using var made = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256).CreateSelfSigned(now.AddDays(-1), now.AddDays(1));
        return X509CertificateLoader.LoadPkcs12(made.Export(X509ContentType.Pkcs12), null);
    }

    private sealed class Keys(LoopbackFederation federation) : ISiteKeys
    {
        public byte[]? PublicKeyOf(string site) => !federation.Approved.Contains(site) ? null : federation.SaysKey?.Invoke(site) ?? federation.KeyOf(site).ExportSubjectPublicKeyInfo();
    }

    private sealed class Host(string site, Func<ISiteWork> work, bool ownModelStays, Func<string?>? refuses, Func<string, string, NoiseStream>? noise, IModelSource? model, int? studies) : ISiteHost
    {
        public ValueTask<SiteStudy> OpenAsync(string studyFile, CancellationToken cancellationToken)
        {
            var problems = new ProblemList();
            var declared = StudyReader.Read(studyFile, problems);
            Assert.Empty(problems);
            IReadOnlyList<ToldProblem> refused = refuses?.Invoke() is { } code ? [new(code, "site.yaml", new("found", "发现"), new("expected", "应为"), new("remedy", "处理"))] : [];
            var about = new JoinResult("0.1.0", "X64", 256, ".NET 10", ownModelStays, refused) { Studies = studies };
            return new(new SiteStudy(about, declared!.Section, work(), model ?? new LeastSquaresModel(declared.Section.Privacy?.DifferentialPrivacy is { Unit: Federation.Privacy.PrivacyUnit.Site } ? [] : null)) { Noise = noise is null ? null : answer => noise(site, answer) });
        }
    }
}
