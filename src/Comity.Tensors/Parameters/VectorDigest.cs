using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace Comity.Tensors.Parameters;

/// <summary>Names a vector by its bits: two models are the same exactly when their digests are.</summary>
public static class VectorDigest
{
    // A byte view of more than 2 GiB does not exist: long vectors are seen part by part.
    private const int PartFloats = 1 << 24;

    /// <summary>SHA-256 (lower-case hex) of the floats' little-endian bytes, in order.</summary>
    public static string Sha256(ReadOnlySpan<float> vector)
    {
        if (BitConverter.IsLittleEndian && vector.Length <= PartFloats) return Convert.ToHexStringLower(SHA256.HashData(MemoryMarshal.AsBytes(vector)));
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        if (BitConverter.IsLittleEndian)
        {
            for (; !vector.IsEmpty; vector = vector[Math.Min(PartFloats, vector.Length)..])
                hash.AppendData(MemoryMarshal.AsBytes(vector[..Math.Min(PartFloats, vector.Length)]));
            return Convert.ToHexStringLower(hash.GetHashAndReset());
        }
        Span<byte> bytes = stackalloc byte[sizeof(float)];
        foreach (var value in vector)
        {
            BinaryPrimitives.WriteSingleLittleEndian(bytes, value);
            hash.AppendData(bytes);
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
