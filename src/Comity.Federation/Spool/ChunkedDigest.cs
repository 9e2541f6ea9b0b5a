using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace Comity.Federation.Spool;

/// <summary>The digest of a body that travels in chunks: the SHA-256 of the SHA-256 of every chunk of 4 MiB, one after the other.</summary>
/// <remarks>Who checks each chunk when it arrives knows this digest without a second pass; that of the bytes as a whole is a pass of its own at either end.</remarks>
public static class ChunkedDigest
{
    /// <summary>Its name in headers.</summary>
    public const string Name = "chunks";

    /// <summary>Bytes of a chunk; the last one may be shorter.</summary>
    public const int ChunkBytes = 4 << 20;

    /// <summary>The digests of a vector's chunks, 32 bytes each, little-endian floats.</summary>
    public static byte[] OfChunks(ReadOnlySpan<float> vector)
    {
        const int floats = ChunkBytes / sizeof(float);
        var digests = new byte[(int)((vector.Length + (long)floats - 1) / floats) * SHA256.HashSizeInBytes];
        for (var chunk = 0; !vector.IsEmpty; chunk++)
        {
            var part = vector[..Math.Min(floats, vector.Length)];
            SHA256.HashData(MemoryMarshal.AsBytes(part), digests.AsSpan(chunk * SHA256.HashSizeInBytes));
            vector = vector[part.Length..];
        }
        return digests;
    }

    /// <summary>The whole digest, in hex.</summary>
    public static string Of(ReadOnlySpan<byte> chunkDigests) => Convert.ToHexStringLower(SHA256.HashData(chunkDigests));
}
