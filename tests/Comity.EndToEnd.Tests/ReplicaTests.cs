using System.Security.Cryptography;
using Comity.Federation.AtRest;
using Comity.Testing;
using Comity.Transport.Deployments;

namespace Comity.EndToEnd.Tests;

/// <summary>Several coordinators behind a load balancer: one drives, and another takes over by itself. The long form is <c>wire replicas</c> of the benchmarks.</summary>
public sealed class ReplicaTests : IDisposable
{
    private static readonly string[] Sites = ["north", "south"];
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task The_replica_that_drives_is_killed_and_its_successor_sleeps_and_wakes_and_the_study_ends_with_the_bits_of_one_process()
    {
        WriteStudy();
        await using var replicas = new ReplicaProcesses(_folder.FullPath);
        // Both at once: one makes the authority, the other finds it in the store.
        await Task.WhenAll(replicas.StartReplicaAsync(0), replicas.StartReplicaAsync(1));
        var (first, driver) = await replicas.TakenOverAsync(0);
        Assert.Equal(File.ReadAllText(_folder.At("replica-0", "authority.pem")), File.ReadAllText(_folder.At("replica-1", "authority.pem")));
        foreach (var site in Sites) await replicas.JoinAsync(site);
        var id = await replicas.SubmitAsync("network.yaml");

        var release = RandomNumberGenerator.GetBytes(3_000_017);
        using var author = replicas.AuthorHttp();
        var deployments = new DeploymentClient(author, TimeProvider.System);
        await deployments.PutOrderAsync("small", "{\"order\":1}"u8.ToArray(), null, default);
        File.WriteAllBytes(_folder.At("small.comity"), release);
        await deployments.PutReleaseAsync(_folder.At("small.comity"), Convert.ToHexStringLower(SHA256.HashData(release)), default);

        await replicas.RoundAsync(3);
        replicas.Replica(driver).Kill();
        var (second, successor) = await replicas.TakenOverAsync(first);
        Assert.Equal(1 - driver, successor);
        await replicas.StartReplicaAsync(driver);

        await replicas.RoundAsync(10);
        replicas.Replica(successor).Sleep();
        var (third, again) = await replicas.TakenOverAsync(second);
        Assert.Equal(driver, again);
        replicas.Replica(successor).Wake();
        // It finds out that its leadership is over, writes nothing more and follows; nobody starts it.
        Assert.True(await replicas.Replica(successor).WaitUntilAsync(p => p.Error.Contains($"epoch {second} is over", StringComparison.Ordinal), ReplicaProcesses.Limit), replicas.Said());

        await EndsAsInOneProcessAsync(replicas, id);
        // The order and the release that the first took, who drives now hands out.
        var order = Assert.Single((await deployments.OrdersAsync(0, TimeSpan.Zero, default)).Orders);
        Assert.Equal("{\"order\":1}"u8.ToArray(), await deployments.OrderAsync(order, default));
        await deployments.FetchReleaseAsync(Convert.ToHexStringLower(SHA256.HashData(release)), _folder.At("fetched.comity"), default);
        Assert.Equal(release, File.ReadAllBytes(_folder.At("fetched.comity")));
        // On a slow machine a heartbeat may be late and the leadership move once more; it never goes back to an older epoch.
        Assert.True(replicas.Leader().Epoch >= third);
        Assert.False(replicas.Replica(successor).HasExited);
    }

    [Fact]
    public async Task A_replica_of_an_encrypted_state_takes_over_with_the_vault_and_without_it_does_not_start_and_spoils_nothing()
    {
        WriteStudy();
        await using var replicas = new ReplicaProcesses(_folder.FullPath, Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32)));
        await replicas.StartReplicaAsync(0);
        var (first, driver) = await replicas.TakenOverAsync(0);
        Assert.Equal(0, driver);
        var refused = await replicas.RefusedReplicaAsync(1);
        Assert.True(refused.ExitCode == 4 && refused.Error.Contains("[store-vault-other]", StringComparison.Ordinal), refused.ToString());
        // As the message asks: the one file is brought, and nothing that the first try left is in the way.
        File.Copy(_folder.At("replica-0", "vault.json"), _folder.At("replica-1", "vault.json"), overwrite: true);
        await replicas.StartReplicaAsync(1);
        foreach (var site in Sites) await replicas.JoinAsync(site);
        var id = await replicas.SubmitAsync("network.yaml");

        await replicas.RoundAsync(3);
        replicas.Replica(0).Kill();
        Assert.Equal(1, (await replicas.TakenOverAsync(first)).Driver);
        await EndsAsInOneProcessAsync(replicas, id);
        Assert.True(StateVault.IsSealedFile(_folder.At("replica-1", "authority.key")));
    }

    private void WriteStudy() => NetworkFiles.Write(_folder, Sites, """
        split: { test: 0.3, validation: 0.2, stratify: label }
        preprocess: { missing: median, scale: standard }
        model: { kind: mlp, hidden: [8] }
        training: { optimizer: { kind: adam, learningRate: 0.01 }, batch: 16, epochs: 2 }
        evaluation: { bootstrap: 100 }
        arms: [federated]
        federations:
          - { name: average, strategy: fedavg, rounds: 60, quorum: all }
        """);

    private async Task EndsAsInOneProcessAsync(ReplicaProcesses replicas, string study)
    {
        await replicas.DoneAsync(study);
        var fetched = await replicas.AuthorAsync("results", study, "--out", "fetched");
        Assert.True(fetched.ExitCode == 0, fetched.ToString());
        var local = await Cli.RunAsync(_folder.FullPath, "run", "local.yaml", "--out", "local");
        Assert.True(local.ExitCode == 0, local.ToString());
        Assert.Equal(RunFiles.Weights(_folder.At("local")), RunFiles.Weights(_folder.At("fetched")));
        // What each site was told by one replica and by the other is one history.
        foreach (var site in Sites)
        {
            var fits = await Cli.RunAsync(_folder.FullPath, "audit", "reconcile", $"replica-{replicas.Leader().Driver}", $"state-{site}");
            Assert.True(fits.ExitCode == 0, fits.ToString());
        }
    }
}
