using System.Globalization;
using System.Numerics;
using System.Security.Cryptography;

namespace Comity.Transport.Identity;

/// <summary>Points of P-256 with the second coordinate left out, which the platform does not read.</summary>
internal static class CompressedPoint
{
    // FIPS 186-4, D.1.2.3.
    private static readonly BigInteger P = Hex("ffffffff00000001000000000000000000000000ffffffffffffffffffffffff");
    private static readonly BigInteger B = Hex("5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604b");

    /// <summary>The SubjectPublicKeyInfo of a compressed point (SEC 1, 2.3.4); null where no point of the curve has this coordinate.</summary>
    public static byte[]? Expand(ReadOnlySpan<byte> point)
    {
        var x = new BigInteger(point[1..], isUnsigned: true, isBigEndian: true);
        if (x >= P) return null;
        var square = (BigInteger.ModPow(x, 3, P) + (P - 3) * x + B) % P;
        var y = BigInteger.ModPow(square, (P + 1) / 4, P); // a root, as p ≡ 3 (mod 4)
        if (BigInteger.ModPow(y, 2, P) != square) return null;
        if ((y.IsEven ? 0 : 1) != (point[0] & 1)) y = P - y;
        var second = new byte[32];
        var bytes = y.ToByteArray(isUnsigned: true, isBigEndian: true);
        bytes.CopyTo(second, second.Length - bytes.Length);
        using var key = ECDsa.Create(new ECParameters { Curve = ECCurve.NamedCurves.nistP256, Q = new() { X = point[1..].ToArray(), Y = second } });
        return key.ExportSubjectPublicKeyInfo();
    }

    private static BigInteger Hex(string digits) => BigInteger.Parse("0" + digits, NumberStyles.HexNumber, CultureInfo.InvariantCulture);
}
