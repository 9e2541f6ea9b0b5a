using Comity.Coordinator.Tests.Studies;
using Comity.Federation.AtRest;
using Comity.Transport.Protocol;

namespace Comity.Coordinator.Tests.Storage;

/// <summary>Studies over the network whose coordinator keeps its state in PostgreSQL: the bits of one process, whatever becomes of coordinator, folder and database.</summary>
public sealed class PostgresStudyTests : IAsyncDisposable
{
    private const string Plain = "arms: [local, federated, combined]\nfederations:\n  - { name: s, strategy: scaffold, rounds: 4, localEpochs: 5 }\n  - { name: p, rounds: 3, cohort: 2, quorum: 1, personalise: { kind: fine-tune, epochs: 3 } }\ncombined: [{ name: mean, from: local, by: average }]";
    private const string Searched = "search: { values: { training.optimizer.learningRate: [0.001, 0.05] } }\narms: [local, federated]\nfederation: { rounds: 3, localEpochs: 2, search: { values: { localEpochs: [1, 4] }, rounds: 2, judgedBy: sites } }";
    private const string Masked = "arms: [federated]\nfederation: { rounds: 3, localEpochs: 2, quorum: 3 }\nprivacy: { secureAggregation: true, differentialPrivacy: { unit: site, epsilon: 50, delta: 1e-3, clip: 1, noise: distributed, adaptive: { countNoise: 20 } } }";
    private const string SumNoised = "arms: [federated]\nfederation: { rounds: 3, localEpochs: 2 }\nprivacy: { differentialPrivacy: { unit: site, epsilon: 50, delta: 1e-3, clip: 1 } }";

    private readonly TestDatabase _database = new();
    private LoopbackFederation? _federation;

    public async ValueTask DisposeAsync()
    {
        if (_federation is not null) await _federation.DisposeAsync();
        _database.Dispose();
    }

    [Theory]
    [InlineData(Plain, false)]
    [InlineData(Searched, false)]
    [InlineData(Masked, true)]
    [InlineData(SumNoised, true)]
    public async Task A_study_ends_with_the_bits_of_a_local_run_and_leaves_nothing_in_files_alone(string rest, bool noisy)
    {
        var yaml = LoopbackFederation.Yaml(rest, 4);
        var federation = await StartAsync(noisy, 4);
        await federation.Author.SubmitAsync(LoopbackFederation.Submission(yaml), default);
        await DoneAsync(federation);
        Assert.Equal(noisy ? await federation.LocalAsync(yaml, site => new NoisySite(site)) : await federation.LocalAsync(yaml), await federation.NetworkAsync());

        // Spools, checkpoints and first weights are gone from the database too; what is fetched afterwards is served from an empty folder.
        Assert.Equal(0, _database.Number("SELECT count(*) FROM @schema.bodies WHERE name LIKE 'run/%' OR name LIKE 'start-%'"));
        var before = await File.ReadAllTextAsync(await federation.ResultsAsync());
        await AnewAsync(federation);
        Assert.Equal(StudyState.Done, (await federation.Author.ViewAsync("test-1", 0, TimeSpan.Zero, default)).State);
        Assert.Equal(before, await File.ReadAllTextAsync(await federation.ResultsAsync()));
        Assert.False(Directory.EnumerateFiles(federation.At("coordinator"), "*.sqlite*", SearchOption.AllDirectories).Any());
    }

    [Theory]
    [InlineData("arms: [local, federated]\nfederation: { strategy: scaffold, rounds: 30, localEpochs: 5 }", false)]
    [InlineData("arms: [federated]\nfederation: { rounds: 20, localEpochs: 2, quorum: 3 }\nprivacy: { secureAggregation: true, differentialPrivacy: { unit: site, epsilon: 50, delta: 1e-3, clip: 1, noise: distributed } }", true)]
    public async Task A_coordinator_that_goes_on_in_an_empty_folder_ends_with_the_same_bits(string rest, bool noisy)
    {
        var yaml = LoopbackFederation.Yaml(rest, 4);
        var federation = await StartAsync(noisy, 4);
        await federation.Author.SubmitAsync(LoopbackFederation.Submission(yaml), default);
        foreach (var round in new[] { 3, 8, 15 })
        {
            await federation.UntilRoundAsync(round);
            await AnewAsync(federation);
        }
        await DoneAsync(federation);
        Assert.Equal(noisy ? await federation.LocalAsync(yaml, site => new NoisySite(site)) : await federation.LocalAsync(yaml), await federation.NetworkAsync());
    }

    [Theory]
    [InlineData("arms: [local, federated]\nfederation: { strategy: scaffold, rounds: 16, localEpochs: 5, personalise: ditto }", false)]
    [InlineData("arms: [federated]\nfederation: { rounds: 12, localEpochs: 2 }\nprivacy: { secureAggregation: { maximalRows: 1000 }, differentialPrivacy: { unit: record, epsilon: 8, delta: 1e-3, clip: 1, accountant: rdp } }", true)]
    public async Task A_sealed_coordinator_goes_on_elsewhere_with_its_vault_and_its_key_and_no_body_lies_open_in_the_database(string rest, bool noisy)
    {
        var yaml = LoopbackFederation.Yaml(rest, 4);
        var federation = await StartAsync(noisy, 4, SealedStudyTests.VaultOf);
        await federation.Author.SubmitAsync(LoopbackFederation.Submission(yaml), default);
        var looked = 0L;
        foreach (var round in new[] { 3, 8 })
        {
            await federation.UntilRoundAsync(round);
            await federation.StopAsync();
            looked += Bodies();
            var vault = await File.ReadAllBytesAsync(federation.At("coordinator", StateVault.FileName));
            Directory.Delete(federation.At("coordinator"), recursive: true);
            Directory.CreateDirectory(federation.At("coordinator"));
            await File.WriteAllBytesAsync(federation.At("coordinator", StateVault.FileName), vault);
            await federation.StartAsync();
        }
        await DoneAsync(federation);
        looked += Bodies();
        Assert.True(looked > 3, $"{looked} bodies were looked at");
        Assert.Equal(noisy ? await federation.LocalAsync(yaml, site => new NoisySite(site)) : await federation.LocalAsync(yaml), await federation.NetworkAsync());
    }

    [Fact]
    public async Task A_database_that_goes_away_in_mid_round_and_comes_back_costs_nothing()
    {
        var yaml = LoopbackFederation.Yaml("arms: [local, federated]\nfederation: { strategy: scaffold, rounds: 25, localEpochs: 5 }", 3);
        var federation = await StartAsync(noisy: false, 3);
        await federation.Author.SubmitAsync(LoopbackFederation.Submission(yaml), default);
        foreach (var round in new[] { 4, 12 })
        {
            await federation.UntilRoundAsync(round);
            _database.GoAway();
            while (federation.Leading!.IsThere) await Task.Delay(10);
            Assert.Equal(StudyState.Running, (await federation.Author.ViewAsync("test-1", 0, TimeSpan.Zero, default)).State); // the loopback host asks no database who calls
            _database.ComeBack();
        }
        await DoneAsync(federation);
        Assert.Equal(await federation.LocalAsync(yaml), await federation.NetworkAsync());
    }

    private async Task<LoopbackFederation> StartAsync(bool noisy, int sites, Func<string, StateVault>? vaultOf = null)
    {
        var federation = _federation = new LoopbackFederation { VaultOf = vaultOf, Store = _database.Address, Noise = noisy ? NoisySite.Noise : null };
        await federation.StartAsync();
        foreach (var site in Enumerable.Range(0, sites).Select(i => $"s{i}")) federation.StartSite(site, noisy ? () => new NoisySite(site) : null, ownModelStays: noisy, compared: false);
        return federation;
    }

    // Every vector that lies in the database begins as an encrypted file does; names of tensors and public keys do not.
    private long Bodies()
    {
        const string Vectors = "FROM @schema.bodies b JOIN @schema.body_parts p ON p.body = b.id AND p.part = 0 WHERE b.length > 0 AND b.name NOT LIKE '%.json'";
        Assert.Equal([], _database.Names($"SELECT b.name {Vectors} AND substring(p.bytes FROM 1 FOR 8) <> 'CMTYSEA1'::bytea"));
        return _database.Number($"SELECT count(*) {Vectors}");
    }

    // The coordinator ends, and one on another machine goes on.
    private static async Task AnewAsync(LoopbackFederation federation)
    {
        await federation.StopAsync();
        Directory.Delete(federation.At("coordinator"), recursive: true);
        await federation.StartAsync();
    }

    private static async Task DoneAsync(LoopbackFederation federation)
    {
        var ended = await federation.EndAsync();
        Assert.True(ended.State == StudyState.Done, string.Join("\n", ended.Problems.Select(p => p.ToProblem(""))));
    }
}
