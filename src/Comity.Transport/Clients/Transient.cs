using System.Net.Sockets;
using Comity.Transport.Identity;

namespace Comity.Transport.Clients;

/// <summary>Which failures of a call pass by themselves, and how long to wait before the next try.</summary>
internal static class Transient
{
    /// <summary>Whether the connection or the coordinator may be back later.</summary>
    public static bool Is(Exception exception) => UntrustedCoordinatorException.Within(exception) is null && exception switch
    {
        WireException wire => wire.MayPass,
        HttpRequestException or TimeoutException or SocketException => true,
        IOException io => io.InnerException is SocketException || io is HttpIOException || io is EndOfStreamException,
        _ => false,
    };

    /// <summary>0.1 s, then twice as long each time, up to 5 s.</summary>
    public static TimeSpan Pause(int tries) => TimeSpan.FromSeconds(Math.Min(5, 0.1 * Math.Pow(2, Math.Min(tries, 10) - 1)));
}
