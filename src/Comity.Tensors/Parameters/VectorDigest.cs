using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace Comity.Tensors.Parameters;

/// <summary>Names a vector by its bits: two models are the same exactly when their digests are.</summary>
public static class VectorDigest
{
    /// <summary>SHA-256 (lower-case hex) of the floats' little-endian bytes, in order.</summary>
    public static string Sha256(ReadOnlySpan<float> vector)
    {
        if (BitConverter.IsLittleEndian) return Convert.ToHexStringLower(SHA256.HashData(MemoryMarshal.AsBytes(vector)));
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Span<byte> bytes = stackalloc byte[sizeof(float)];
        foreach (var value in vector)
        {
            BinaryPrimitives.WriteSingleLittleEndian(bytes, value);
            hash.AppendData(bytes);
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
