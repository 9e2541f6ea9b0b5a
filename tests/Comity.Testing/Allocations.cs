using Xunit;

namespace Comity.Testing;

/// <summary>What code allocates on its own thread.</summary>
/// <remarks>
/// One reading may be too high, never too low: a collection counts what is left of the thread's window of memory, up to 8 KiB, and a method that is compiled anew
/// for speed puts on the stack what it put on the heap before. So the least of several readings is compared, and readings go on until they agree or there were many:
/// a demand that does not hold never agrees.
/// </remarks>
public static class Allocations
{
    private const int Readings = 200;

    /// <summary>Bytes that this thread allocated in one call of <paramref name="action"/>.</summary>
    public static long Of(Action action)
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        action();
        return GC.GetAllocatedBytesForCurrentThread() - before;
    }

    /// <summary>The least of the readings of each of <paramref name="measures"/>, in their order, read in turn until <paramref name="agreed"/> holds for them or each was read 200 times.</summary>
    public static long[] Least(Func<long[], bool> agreed, params Func<long>[] measures)
    {
        var least = new long[measures.Length];
        Array.Fill(least, long.MaxValue);
        for (var reading = 0; reading < Readings; reading++)
        {
            for (var i = 0; i < measures.Length; i++) least[i] = Math.Min(least[i], measures[i]());
            if (agreed(least)) break;
        }
        return least;
    }

    /// <summary>Asserts that <paramref name="action"/> allocates nothing once warm.</summary>
    public static void AssertNone(Action action) => Assert.Equal(0, Least(least => least[0] == 0, () => Of(action))[0]);

    /// <summary>Asserts that two readings are the same once warm.</summary>
    public static void AssertSame(Func<long> one, Func<long> other)
    {
        var least = Least(least => least[0] == least[1], one, other);
        Assert.Equal(least[0], least[1]);
    }
}
