using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Comity.Transport.Protocol;

namespace Comity.Transport.Identity;

/// <summary>What <c>GET /v1/hello?nonce=…</c> answers to anybody: the coordinator proves its authority's key, whoever ended TLS before it.</summary>
/// <param name="Protocol">Versions spoken, and the clock.</param>
/// <param name="Epoch">Names this life of the coordinator's process; calls are signed for it.</param>
/// <param name="Authority">The authority's certificate, DER in base 64.</param>
/// <param name="Proof">The authority's signature over nonce, epoch and time, base 64.</param>
public sealed record CoordinatorHello(ProtocolInfo Protocol, string Epoch, string Authority, string Proof)
{
    /// <summary>Characters of a nonce: 16 bytes in hexadecimal.</summary>
    public const int NonceLength = 32;

    /// <summary>A fresh nonce.</summary>
    public static string NewNonce() => Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(NonceLength / 2));

    /// <summary>Answers a nonce.</summary>
    /// <param name="protocol">Versions and clock.</param>
    /// <param name="epoch">This life of the process.</param>
    /// <param name="authority">The authority's certificate with its private key.</param>
    /// <param name="nonce">What the caller sent.</param>
    public static CoordinatorHello Of(ProtocolInfo protocol, string epoch, X509Certificate2 authority, string nonce)
    {
        ArgumentNullException.ThrowIfNull(protocol);
        ArgumentNullException.ThrowIfNull(authority);
        using var key = authority.GetECDsaPrivateKey() ?? throw new ArgumentException("The authority's private key is not there.", nameof(authority));
        var proof = key.SignData(Signed(nonce, epoch, protocol.Time), HashAlgorithmName.SHA256);
        return new(protocol, epoch, Convert.ToBase64String(authority.RawData), Convert.ToBase64String(proof));
    }

    /// <summary>Whether the answer is that of the coordinator whose authority has this key.</summary>
    public bool Proves(AuthorityKey authority, string nonce)
    {
        ArgumentNullException.ThrowIfNull(authority);
        var signature = new byte[64];
        return Convert.TryFromBase64String(Proof, signature, out var written) && written == signature.Length
            && authority.Verify(Signed(nonce, Epoch, Protocol.Time), signature);
    }

    private static byte[] Signed(string nonce, string epoch, DateTimeOffset time) =>
        Encoding.UTF8.GetBytes(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"comity/hello/v1\n{nonce}\n{epoch}\n{time.ToUnixTimeMilliseconds()}"));
}
