using System.Runtime.ExceptionServices;

namespace Comity.Cli.Composition;

/// <summary>The same work for each of many things, as many at a time as there are cores.</summary>
internal static class OnAllCores
{
    /// <summary>Does it for 0 to <paramref name="count"/> − 1, in any order. What is thrown is the first failure itself, as a plain loop would throw it.</summary>
    public static void For(int count, Action<int> work, CancellationToken cancellationToken)
    {
        try
        {
            Parallel.For(0, count, new ParallelOptions { CancellationToken = cancellationToken, MaxDegreeOfParallelism = Environment.ProcessorCount }, work);
        }
        catch (AggregateException several)
        {
            ExceptionDispatchInfo.Throw(several.InnerExceptions[0]);
        }
    }
}
