namespace Comity.Serving.Inference;

/// <summary>What a version did so far: enough to tell a bad canary from a good one.</summary>
/// <remarks>Latencies are counted in buckets that grow by a quarter, so a quantile is known to within an eighth.</remarks>
internal sealed class VersionHealth(TimeProvider time)
{
    private const double Growth = 1.25;
    private const double FirstMicroseconds = 10;
    private readonly long[] _latency = new long[80];
    private long _answers;
    private long _failures;

    public long Answers => Interlocked.Read(ref _answers);

    /// <summary>Answers that failed through no fault of the request.</summary>
    public long Failures => Interlocked.Read(ref _failures);

    public void Answered(long started)
    {
        Interlocked.Increment(ref _answers);
        var microseconds = time.GetElapsedTime(started).TotalMicroseconds;
        var bucket = microseconds <= FirstMicroseconds ? 0 : Math.Min(_latency.Length - 1, 1 + (int)(Math.Log(microseconds / FirstMicroseconds) / Math.Log(Growth)));
        Interlocked.Increment(ref _latency[bucket]);
    }

    public void Failed()
    {
        Interlocked.Increment(ref _answers);
        Interlocked.Increment(ref _failures);
    }

    /// <summary>The latency that a share of the answers stayed below, in milliseconds; 0: none yet.</summary>
    public double LatencyMilliseconds(double share)
    {
        var counts = Array.ConvertAll(_latency, c => c);
        var (rank, seen) = (share * counts.Sum(), 0L);
        for (var b = 0; b < counts.Length; b++)
        {
            seen += counts[b];
            if (seen > 0 && seen >= rank) return FirstMicroseconds * Math.Pow(Growth, b) / 1000;
        }
        return 0;
    }
}
