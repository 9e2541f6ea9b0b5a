using System.Runtime.ExceptionServices;

namespace Comity.Federation.Aggregation;

/// <summary>A long vector's slices, worked on by several threads: what is done to a coordinate depends on no other one, so neither do its bits.</summary>
internal static class Slices
{
    // Each thread has buffers of its own, so there is a bound on memory whatever the machine.
    private const int MostThreads = 8;

    // Below, threads cost more than they bring.
    private const int FewCoordinates = 1 << 16;

    /// <summary>Work on one slice.</summary>
    /// <param name="slice">Which.</param>
    /// <param name="scratch">The thread's own floats; what is in them is not said.</param>
    /// <param name="sum">The thread's own doubles, as many as the slice is long; what is in them is not said.</param>
    public delegate void Work(ParameterSegment slice, Span<float> scratch, Span<double> sum);

    /// <summary>Cuts segments into slices and works on each.</summary>
    /// <param name="segments">What is cut.</param>
    /// <param name="longest">Longest slice.</param>
    /// <param name="scratch">Floats of scratch for each thread.</param>
    /// <param name="work">The work.</param>
    public static void Each(IReadOnlyList<ParameterSegment> segments, int longest, int scratch, Work work)
    {
        (float[] Scratch, double[] Sum) Buffers() => (new float[scratch], new double[longest]);
        if (segments.Sum(s => (long)s.Length) <= FewCoordinates)
        {
            var own = Buffers();
            foreach (var slice in Cut(segments, longest)) work(slice, own.Scratch, own.Sum.AsSpan(0, slice.Length));
            return;
        }
        try
        {
            Parallel.ForEach(Cut(segments, longest), new ParallelOptions { MaxDegreeOfParallelism = Math.Min(MostThreads, Environment.ProcessorCount) }, Buffers, (slice, _, own) =>
            {
                work(slice, own.Scratch, own.Sum.AsSpan(0, slice.Length));
                return own;
            }, _ => { });
        }
        catch (AggregateException e)
        {
            ExceptionDispatchInfo.Throw(e.InnerExceptions[0]); // a spool that cannot be read is told as it is on one thread
        }
    }

    private static IEnumerable<ParameterSegment> Cut(IReadOnlyList<ParameterSegment> segments, int longest)
    {
        foreach (var segment in segments)
        {
            for (long done = 0; done < segment.Length; done += longest) // an int may not hold the last place
                yield return new(segment.Offset + (int)done, (int)Math.Min(longest, segment.Length - done), segment.Observed);
        }
    }
}
