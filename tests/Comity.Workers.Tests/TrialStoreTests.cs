using Comity.Testing;
using Comity.Transport.Protocol;
using Comity.Workers.Stores;

namespace Comity.Workers.Tests;

public sealed class TrialStoreTests
{
    private const string Run = "run";

    private static readonly ToldProblem Problem = new("x", "here", new("found", "found"), new("expected", "expected"), new("remedy", "remedy"));

    [Fact]
    public async Task What_a_worker_hands_over_whose_lease_is_anothers_does_not_count()
    {
        await using var test = new TestStore();
        using var folder = new TempFolder();
        await using var store = await BegunAsync(test, lease: TimeSpan.FromMilliseconds(1));
        var slept = await LeaseAsync(store, "slept");
        await Task.Delay(20);
        Assert.Equal(["t"], await store.ExpireAsync(Run, _ => Problem, CancellationToken.None));
        var heir = await LeaseAsync(store, "heir");

        await store.Files.KeepAsync(Run, TrialStore.ProductOf("t", slept.Fence) + "product.json", folder.Write("late", "late"), CancellationToken.None);

        Assert.True(heir.Fence > slept.Fence);
        Assert.False(await store.RenewAsync(slept, CancellationToken.None));
        Assert.False(await store.FinishAsync(slept, CancellationToken.None));
        Assert.Empty(await store.Files.ListAsync(Run, "products/", CancellationToken.None));
        Assert.True(await store.FinishAsync(heir, CancellationToken.None));
        Assert.Equal(("heir", TrialStates.Done, 2), Stand(Assert.Single(await store.StandsAsync(Run, CancellationToken.None))));
    }

    [Fact]
    public async Task An_order_is_dead_after_as_many_deliveries_as_are_allowed_and_giving_back_is_none()
    {
        await using var test = new TestStore();
        await using var store = await BegunAsync(test, deliveries: 2);
        Assert.True(await store.GiveBackAsync(await LeaseAsync(store, "a"), CancellationToken.None));

        Assert.True(await store.FailAsync(await LeaseAsync(store, "a"), Problem, anywhere: false, CancellationToken.None));
        Assert.False(await store.FailAsync(await LeaseAsync(store, "b"), Problem, anywhere: false, CancellationToken.None));

        var stand = Assert.Single(await store.StandsAsync(Run, CancellationToken.None));
        Assert.Equal(("b", TrialStates.Dead, 2), Stand(stand));
        Assert.Equal(Problem, stand.Problem);
    }

    [Fact]
    public async Task An_order_that_fails_anywhere_is_not_delivered_again()
    {
        await using var test = new TestStore();
        await using var store = await BegunAsync(test);

        Assert.False(await store.FailAsync(await LeaseAsync(store, "a"), Problem, anywhere: true, CancellationToken.None));

        Assert.Equal(("a", TrialStates.Stopped, 1), Stand(Assert.Single(await store.StandsAsync(Run, CancellationToken.None))));
    }

    [Fact]
    public async Task Many_that_lease_at_once_get_one_order_each()
    {
        await using var test = new TestStore();
        await using var store = await test.OpenAsync();
        await store.BeginAsync(Run, TestStore.Description, TimeSpan.FromMinutes(1), 3, CancellationToken.None);
        for (var i = 0; i < 20; i++) await store.OrderAsync(Run, TestStore.Order($"t{i}"), CancellationToken.None);

        var leased = await Task.WhenAll(Enumerable.Range(0, 25).Select(i => store.LeaseAsync(Run, $"w{i}", (waiting, _, _) => waiting[0], CancellationToken.None)));

        Assert.Equal(20, leased.OfType<LeasedTrial>().Select(l => l.Order.Id).Distinct().Count());
        Assert.Equal(5, leased.Count(l => l is null));
        Assert.Equal(20, leased.OfType<LeasedTrial>().Select(l => l.Fence).Distinct().Count());
    }

    [Fact]
    public async Task A_file_of_many_rows_comes_back_as_it_was_and_a_damaged_one_does_not()
    {
        await using var test = new TestStore();
        using var folder = new TempFolder();
        await using var store = await BegunAsync(test);
        var bytes = new byte[(5 << 20) + 7];
        for (var i = 0; i < bytes.Length; i++) bytes[i] = (byte)((i * 31) + (i >> 12));
        File.WriteAllBytes(folder.At("big"), bytes);

        // Several bring it at once, as several orders need it.
        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => store.Files.KeepAsync(Run, "big", folder.At("big"), CancellationToken.None)));
        await store.Files.FetchAsync(Run, "big", folder.At("back"), CancellationToken.None);

        Assert.Equal(bytes, File.ReadAllBytes(folder.At("back")));
        await using (var connection = new Npgsql.NpgsqlConnection(test.Address.Connection))
        {
            await connection.OpenAsync();
            await using var damage = new Npgsql.NpgsqlCommand("UPDATE trial_file_parts SET bytes = set_byte(bytes, 3, (get_byte(bytes, 3) + 1) % 256) WHERE part = 1", connection);
            Assert.Equal(1, await damage.ExecuteNonQueryAsync());
        }
        await Assert.ThrowsAsync<InvalidDataException>(() => store.Files.FetchAsync(Run, "big", folder.At("again"), CancellationToken.None));
        Assert.False(File.Exists(folder.At("again")));
    }

    private static (string, string, int) Stand(TrialStand stand) => (stand.Worker, stand.State, stand.Deliveries);

    private static async Task<LeasedTrial> LeaseAsync(TrialStore store, string worker) => (await store.LeaseAsync(Run, worker, (waiting, _, _) => waiting[0], CancellationToken.None))!;

    private static async Task<TrialStore> BegunAsync(TestStore test, TimeSpan? lease = null, int deliveries = 3)
    {
        var store = await test.OpenAsync();
        await store.BeginAsync(Run, TestStore.Description, lease ?? TimeSpan.FromMinutes(1), deliveries, CancellationToken.None);
        Assert.True(await store.OrderAsync(Run, TestStore.Order("t"), CancellationToken.None));
        return store;
    }
}
