using System.Collections.Concurrent;
using Comity.Federation.Rounds;

namespace Comity.Federation.Tests.Rounds;

public sealed class WorkSlotsTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public async Task No_more_work_runs_at_a_time_than_there_are_slots_and_all_of_it_runs(int jobs)
    {
        using var threads = new WorkThreads(jobs);
        var slots = new WorkSlots(jobs, threads);
        var (running, most) = (0, 0);
        var order = new ConcurrentQueue<int>();
        var results = await Task.WhenAll(Enumerable.Range(0, 200).Select(i => slots.RunAsync(async () =>
        {
            order.Enqueue(i);
            var now = Interlocked.Increment(ref running);
            for (var seen = most; now > seen; seen = most) Interlocked.CompareExchange(ref most, now, seen);
            if (i % 3 == 0) await Task.Yield(); // the slot is held all the same
            Interlocked.Decrement(ref running);
            return i;
        }, 0, 0, default)));
        Assert.Equal(Enumerable.Range(0, 200), results);
        Assert.InRange(most, 1, jobs);
        if (jobs == 1) Assert.Equal(Enumerable.Range(0, 200), order);
    }

    [Fact]
    public async Task Work_that_waits_holds_its_slot_until_it_is_done()
    {
        var slots = new WorkSlots(1);
        var (began, may) = (new TaskCompletionSource(), new TaskCompletionSource());
        var first = slots.RunAsync(async () =>
        {
            began.SetResult();
            await may.Task;
            return 1;
        }, 0, 0, default);
        await began.Task;
        var ended = false;
        var second = slots.RunAsync(() => Task.FromResult(ended), 0, 0, default);
        Assert.False(second.IsCompleted);
        ended = true;
        may.SetResult();
        Assert.Equal(1, await first);
        Assert.True(await second);
    }

    [Fact]
    public async Task Work_that_fails_or_is_cancelled_before_it_begins_leaves_its_slot_to_the_next()
    {
        var slots = new WorkSlots(1);
        await Assert.ThrowsAsync<InvalidOperationException>(() => slots.RunAsync<int>(() => throw new InvalidOperationException(), 0, 0, default));
        await Assert.ThrowsAsync<OperationCanceledException>(() => slots.RunAsync(() => Task.FromResult(1), 0, 0, new CancellationToken(true)));
        Assert.Equal(2, await slots.RunAsync(() => Task.FromResult(2), 0, 0, default));
    }

    [Fact]
    public async Task Short_pieces_follow_one_another_on_the_thread_of_their_slot_and_on_a_new_one_after_a_renewal()
    {
        using var threads = new WorkThreads(1);
        var slots = new WorkSlots(1, threads);
        Task<Thread[]> Run() => Task.WhenAll(Enumerable.Range(0, 50).Select(_ => slots.RunAsync(() => Task.FromResult(Thread.CurrentThread), 0, 0, default)));

        var before = Assert.Single((await Run()).Distinct());
        Assert.False(before.IsThreadPoolThread);
        threads.Renew();
        before.Join();
        var after = Assert.Single((await Run()).Distinct());
        Assert.NotEqual(before.ManagedThreadId, after.ManagedThreadId);
    }
}
