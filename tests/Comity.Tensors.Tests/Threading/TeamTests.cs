using System.Collections.Concurrent;
using System.Diagnostics;
using System.Runtime.InteropServices;
using Comity.Tensors.Kernels;
using Comity.Tensors.Randomness;
using Comity.Tensors.Threading;

namespace Comity.Tensors.Tests.Threading;

public sealed unsafe class TeamTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(5)]
    public void Every_part_is_done_once_however_often_work_follows_work(int threads)
    {
        using var team = new Team(threads);
        var counts = stackalloc int[64];
        for (var round = 1; round <= 3000; round++)
        {
            var parts = 1 + round % 64;
            for (var i = 0; i < 64; i++) counts[i] = 0;
            team.Run(new Count((nint)counts), parts);
            for (var i = 0; i < 64; i++) Assert.Equal(i < parts ? 1 : 0, counts[i]);
            if (round % 1000 == 0) Thread.Sleep(20); // long enough for helpers to fall asleep
        }
    }

    [Fact]
    public void Work_within_work_and_work_after_the_end_is_done_by_its_caller()
    {
        var team = new Team(3);
        var counts = stackalloc int[16];
        for (var i = 0; i < 16; i++) counts[i] = 0;
        var handle = GCHandle.Alloc(team);
        team.Run(new Nested((nint)counts, GCHandle.ToIntPtr(handle)), 4);
        handle.Free();
        for (var i = 0; i < 16; i++) Assert.Equal(1, counts[i]);
        team.Dispose();
        team.Run(new Count((nint)counts), 16);
        for (var i = 0; i < 16; i++) Assert.Equal(2, counts[i]);
    }

    [Fact]
    public void What_a_part_throws_reaches_the_caller_and_the_team_goes_on()
    {
        using var team = new Team(2);
        Assert.Throws<InvalidOperationException>(() => team.Run(default(Failing), 8));
        var counts = stackalloc int[8];
        for (var i = 0; i < 8; i++) counts[i] = 0;
        team.Run(new Count((nint)counts), 8);
        for (var i = 0; i < 8; i++) Assert.Equal(1, counts[i]);
        Assert.Throws<ArgumentOutOfRangeException>(() => new Team(0));
    }

    [Fact]
    public void Helpers_give_back_what_they_worked_in_and_work_on_afterwards()
    {
        var until = Stopwatch.StartNew();
        var counts = stackalloc int[8];
        for (var round = 0; round < 40; round++)
        {
            using var team = new Team(3);
            var held = new ConcurrentBag<WeakReference>();
            var handle = GCHandle.Alloc(held);
            var own = Environment.CurrentManagedThreadId;
            while (held.IsEmpty) team.Run(new Hold(GCHandle.ToIntPtr(handle), own), 8);
            // One helper may sleep and another be awake when they are called: neither may take the other's call.
            Thread.SpinWait(round * 500);

            team.Release();
            while (held.Any(h => h.IsAlive))
            {
                Assert.True(until.Elapsed < TimeSpan.FromMinutes(5), $"A helper was not called in round {round}.");
                GC.Collect();
                Thread.Sleep(1);
            }
            for (var i = 0; i < 8; i++) counts[i] = 0;
            team.Run(new Count((nint)counts), 8);
            for (var i = 0; i < 8; i++) Assert.Equal(1, counts[i]);
            handle.Free();
        }
    }

    [Theory]
    [InlineData(VectorWidth.Bits128)]
    [InlineData(VectorWidth.Bits256)]
    public void A_product_has_the_same_bits_for_any_number_of_threads(VectorWidth width)
    {
        foreach (var (m, n, k) in new[] { (200, 150, 130), (129, 300, 100), (300, 17, 600), (8, 33, 9000), (513, 1, 5000), (1, 700, 4000) })
        {
            var random = Seed.Of(2).ToRandom();
            float[] a = new float[m * k], b = new float[k * n], expected = new float[m * n];
            foreach (ref var x in a.AsSpan()) x = random.NextSingle() - 0.5f;
            foreach (ref var x in b.AsSpan()) x = random.NextSingle() - 0.5f;
            foreach (var (ta, tb) in new[] { (false, false), (true, false), (false, true), (true, true) })
            {
                KernelSet.Of(width).Multiply(ta, tb, m, n, k, a, b, expected);
                foreach (var threads in new[] { 2, 3, 7 })
                {
                    using var team = new Team(threads);
                    var actual = new float[m * n];
                    KernelSet.Of(width).With(team).Multiply(ta, tb, m, n, k, a, b, actual);
                    Assert.Equal(expected, actual);
                }
            }
        }
    }

    private readonly record struct Count(nint Counts) : IJob
    {
        public void Do(int part, int parts) => Interlocked.Increment(ref ((int*)Counts)[part]);
    }

    private readonly record struct Nested(nint Counts, nint Team) : IJob
    {
        public void Do(int part, int parts) =>
            ((Team)GCHandle.FromIntPtr(Team).Target!).Run(new Count(Counts + part * 4 * sizeof(int)), 4);
    }

    // Notes the working memory of each helper that takes a part.
    private readonly struct Hold(nint held, int own) : IJob
    {
        public void Do(int part, int parts)
        {
            if (Environment.CurrentManagedThreadId == own) return;
            var bag = (ConcurrentBag<WeakReference>)GCHandle.FromIntPtr(held).Target!;
            bag.Add(new WeakReference(Comity.Tensors.Memory.Scratch.OfThread));
        }
    }

    private readonly record struct Failing : IJob
    {
        public void Do(int part, int parts)
        {
            if (part == 5) throw new InvalidOperationException("Part 5.");
        }
    }
}
