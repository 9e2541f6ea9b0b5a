namespace Comity.Coordinator.Tests;

public sealed class RegistryTests
{
    [Fact]
    public async Task Who_asks_for_a_member_while_another_writes_waits_and_both_go_on()
    {
        await using var coordinator = await RunningCoordinator.StartAsync();
        using var site = await coordinator.JoinAsync("berlin");
        var other = new Thread(() => coordinator.Registry.ByKey(site.Fingerprint.Plain)) { IsBackground = true };

        // As a renewal does: it asks within its transaction, for which the other waits by then.
        var written = Task.Run(() => coordinator.Database.Atomically(() =>
        {
            other.Start();
            while ((other.ThreadState & ThreadState.WaitSleepJoin) == 0) Thread.Yield();
            return coordinator.Registry.ByName("berlin");
        }));

        Assert.Equal("berlin", (await written.WaitAsync(TimeSpan.FromMinutes(2)))!.Name);
        Assert.True(other.Join(TimeSpan.FromMinutes(2)));
    }
}
