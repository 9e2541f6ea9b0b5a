using System.Runtime.CompilerServices;

namespace Comity.Serving.Hosting;

/// <summary>
/// The threads that hear of incoming data. Where the runtime is told so (<c>DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS=1</c>, as <c>comity serve</c> tells it), there is one for each core,
/// and small requests are answered on them.
/// </summary>
internal static class SocketThread
{
    /// <summary>Goes on on a thread of the pool: before anything that computes for long or waits for another socket, which this thread may have to hear of.</summary>
    public static ConfiguredTaskAwaitable Leave() =>
        Task.CompletedTask.ConfigureAwait(Thread.CurrentThread.IsThreadPoolThread ? ConfigureAwaitOptions.None : ConfigureAwaitOptions.ForceYielding);
}
