using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using Comity.Declarations;
using Comity.Transport.Clients;
using Comity.Transport.Identity;

namespace Comity.Cli.Sites;

/// <summary>Turns whatever goes wrong on the way to a coordinator into a problem that says what to do here.</summary>
internal static class CoordinatorProblems
{
    /// <summary>Runs a call, and stops the command where it fails.</summary>
    /// <exception cref="StoppedException">Exit code 7.</exception>
    public static async Task<T> GuardAsync<T>(Uri address, Func<Task<T>> call)
    {
        try
        {
            return await call();
        }
        catch (Exception e) when (Of(e, address) is { } problem)
        {
            throw new StoppedException(ExitCode.Coordinator, problem);
        }
    }

    /// <summary>The problem behind an exception; null: it is none of the way to the coordinator.</summary>
    public static Problem? Of(Exception exception, Uri address)
    {
        var place = Place.InFile(address.GetLeftPart(UriPartial.Authority));
        if (UntrustedCoordinatorException.Within(exception) is { } untrusted)
        {
            var code = untrusted.Verdict switch
            {
                CertificateVerdict.Expired => "coordinator-expired",
                CertificateVerdict.NotYetValid => "coordinator-not-yet-valid",
                _ => "coordinator-untrusted",
            };
            return Texts.Problem(code, place, untrusted.Issuer);
        }
        return exception switch
        {
            WireException refused => refused.Told.ToProblem(place.File),
            HttpRequestException { StatusCode: { } status } => Texts.Problem("coordinator-odd", place, (int)status),
            HttpRequestException { HttpRequestError: HttpRequestError.NameResolutionError } => Texts.Problem("coordinator-name", place, address.Host),
            HttpRequestException { HttpRequestError: HttpRequestError.ProxyTunnelError } e => Texts.Problem("coordinator-proxy", place, e.Message),
            HttpRequestException { InnerException: AuthenticationException e } => Texts.Problem("coordinator-tls", place, e.Message),
            HttpRequestException or SocketException or IOException or TimeoutException => Texts.Problem("coordinator-unreachable", place, Innermost(exception).Message),
            CryptographicException e => Texts.Problem("site-state-damaged", place, e.Message),
            _ => null,
        };
    }

    /// <summary>Whether it may pass by itself, so that a site goes on trying.</summary>
    public static bool MayPass(Exception exception) => UntrustedCoordinatorException.Within(exception) is null && exception switch
    {
        WireException refused => refused.MayPass,
        HttpRequestException { StatusCode: { } status } => (int)status is 429 or >= 500,
        HttpRequestException or SocketException or IOException or TimeoutException => true,
        _ => false,
    };

    private static Exception Innermost(Exception exception)
    {
        while (exception.InnerException is { } inner) exception = inner;
        return exception;
    }
}
