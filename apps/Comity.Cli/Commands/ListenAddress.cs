using System.Net;
using Comity.Declarations;

namespace Comity.Cli.Commands;

/// <summary>Where a server listens.</summary>
/// <param name="EndPoint">Address and port; port 0 lets the system choose.</param>
/// <param name="IsHttps">Whether TLS is asked for.</param>
internal sealed record ListenAddress(IPEndPoint EndPoint, bool IsHttps)
{
    /// <summary>Reads <c>https://0.0.0.0:8443</c> or <c>http://127.0.0.1:8080</c>; plain HTTP stays on the machine.</summary>
    public static ListenAddress? Read(string text, ProblemList problems)
    {
        IPAddress? address = null;
        if (!Uri.TryCreate(text, UriKind.Absolute, out var uri) || uri.Scheme is not ("http" or "https") || uri.AbsolutePath != "/" || uri.Query.Length > 0
            || (uri.Host != "localhost" && !IPAddress.TryParse(uri.Host.Trim('[', ']'), out address)))
        {
            problems.Add(Texts.Problem("serve-listen", Place.InFile("--listen"), text));
            return null;
        }
        address ??= IPAddress.Loopback;
        if (uri.Scheme == "http" && !IPAddress.IsLoopback(address))
        {
            problems.Add(Texts.Problem("serve-plain", Place.InFile("--listen"), text));
            return null;
        }
        return new ListenAddress(new IPEndPoint(address, uri.Port), uri.Scheme == "https");
    }
}
