using System.Runtime.CompilerServices;

namespace Comity.Serving.Hosting;

/// <summary>The threads that hear of incoming data, on which small requests are answered at once (<c>comity serve</c> asks the runtime for that).</summary>
internal static class SocketThread
{
    /// <summary>Goes on on a thread of the pool: before anything that computes for long or waits for another socket, which this thread may have to hear of.</summary>
    public static ConfiguredTaskAwaitable Leave() =>
        Task.CompletedTask.ConfigureAwait(Thread.CurrentThread.IsThreadPoolThread ? ConfigureAwaitOptions.None : ConfigureAwaitOptions.ForceYielding);
}
