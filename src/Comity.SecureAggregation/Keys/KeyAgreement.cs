using System.Globalization;
using System.Numerics;
using System.Security.Cryptography;
using System.Text;
using Comity.SecureAggregation.Masking;

namespace Comity.SecureAggregation.Keys;

/// <summary>One ephemeral key pair that agrees on secrets with others: ECDH over P-256, then HKDF-SHA256.</summary>
/// <remarks>The only place that knows which agreement is used, so that a post-quantum hybrid can join it here.</remarks>
internal sealed class KeyAgreement : IDisposable
{
    private const int CoordinateBytes = 32;

    // FIPS 186-4, D.1.2.3.
    private static readonly BigInteger FieldPrime = BigInteger.Parse("0ffffffff00000001000000000000000000000000ffffffffffffffffffffffff", NumberStyles.HexNumber, CultureInfo.InvariantCulture);
    private static readonly BigInteger CurveB = BigInteger.Parse("05ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604b", NumberStyles.HexNumber, CultureInfo.InvariantCulture);

    private readonly ECDiffieHellman _key;

    private KeyAgreement(ECDiffieHellman key)
    {
        _key = key;
        PublicKey = Encode(key.PublicKey.ExportParameters());
    }

    /// <summary>SEC 1 uncompressed point, 65 bytes.</summary>
    public byte[] PublicKey { get; }

    public static KeyAgreement Create() => new(ECDiffieHellman.Create(ECCurve.NamedCurves.nistP256));

    /// <summary>The pair of a private scalar that was shared and put together again.</summary>
    /// <exception cref="CryptographicException">The bytes are no scalar of the curve.</exception>
    public static KeyAgreement FromScalar(Secret scalar)
    {
        var parameters = new ECParameters { Curve = ECCurve.NamedCurves.nistP256, D = scalar.Bytes.ToArray() };
        try
        {
            return new(ECDiffieHellman.Create(parameters));
        }
        finally
        {
            CryptographicOperations.ZeroMemory(parameters.D);
        }
    }

    public Secret ExportScalar() => new(_key.ExportParameters(includePrivateParameters: true).D!);

    /// <summary>32 bytes that only the two holders know, bound to what they are for.</summary>
    /// <exception cref="CryptographicException">The other key is no point of the curve.</exception>
    public Secret Agree(ReadOnlySpan<byte> otherPublicKey, string purpose, ReadOnlySpan<byte> context)
    {
        using var other = ECDiffieHellman.Create(Decode(otherPublicKey));
        var raw = _key.DeriveRawSecretAgreement(other.PublicKey);
        var derived = new byte[32];
        try
        {
            HKDF.DeriveKey(HashAlgorithmName.SHA256, raw, derived, context, Encoding.ASCII.GetBytes(purpose));
            return new(derived);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(raw);
        }
    }

    /// <summary>Whether the bytes are a point of the curve: y² = x³ − 3x + b. Public data, so variable time is fine.</summary>
    public static bool IsPublicKey(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length != 1 + 2 * CoordinateBytes || bytes[0] != 4) return false;
        var x = new BigInteger(bytes.Slice(1, CoordinateBytes), isUnsigned: true, isBigEndian: true);
        var y = new BigInteger(bytes[(1 + CoordinateBytes)..], isUnsigned: true, isBigEndian: true);
        return x < FieldPrime && y < FieldPrime && ((y * y) - (x * x * x) + (3 * x) - CurveB) % FieldPrime == 0;
    }

    public void Dispose() => _key.Dispose();

    public override string ToString() => "KeyAgreement [redacted]";

    private static byte[] Encode(ECParameters parameters) => [4, .. parameters.Q.X!, .. parameters.Q.Y!];

    private static ECParameters Decode(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length != 1 + 2 * CoordinateBytes || bytes[0] != 4) throw new CryptographicException("Not an uncompressed P-256 point.");
        return new()
        {
            Curve = ECCurve.NamedCurves.nistP256,
            Q = { X = bytes.Slice(1, CoordinateBytes).ToArray(), Y = bytes[(1 + CoordinateBytes)..].ToArray() },
        };
    }
}
