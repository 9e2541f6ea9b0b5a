using System.Net;
using Comity.Declarations;

namespace Comity.Coordinator.Serving;

/// <summary>Where the coordinator listens and keeps its state.</summary>
/// <param name="Listen">Address; port 0 lets the system choose.</param>
/// <param name="Address">The address's IP.</param>
/// <param name="DataFolder">Absolute path.</param>
internal sealed record ServeOptions(Uri Listen, IPAddress Address, string DataFolder)
{
    /// <summary>Reads the options; null with problems where they can't be used.</summary>
    public static ServeOptions? Read(string listen, string dataFolder, ProblemList problems)
    {
        IPAddress? address = null;
        if (!Uri.TryCreate(listen, UriKind.Absolute, out var uri) || uri.Scheme != Uri.UriSchemeHttp || uri.AbsolutePath != "/" || uri.Query.Length > 0)
            problems.Add(Texts.Problem("listen-unreadable", "--listen", listen));
        else if (!IsLoopback(uri.Host, out address))
            problems.Add(Texts.Problem("listen-not-loopback", "--listen", uri.Host));
        if (File.Exists(dataFolder))
            problems.Add(Texts.Problem("data-not-a-folder", "--data", dataFolder));
        return problems.HasErrors ? null : new(uri!, address!, dataFolder);
    }

    // Without TLS and client certificates nothing may be reached from another machine.
    private static bool IsLoopback(string host, out IPAddress? address)
    {
        if (host == "localhost") address = IPAddress.Loopback;
        else if (!IPAddress.TryParse(host.Trim('[', ']'), out address)) return false;
        return IPAddress.IsLoopback(address);
    }
}
