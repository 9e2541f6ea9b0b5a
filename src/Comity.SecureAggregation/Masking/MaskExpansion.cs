using System.Buffers;
using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace Comity.SecureAggregation.Masking;

/// <summary>Expands a 32-byte seed to a mask as long as a model: the key stream of AES-256 in counter mode, as 32-bit little-endian words.</summary>
/// <remarks>NIST SP 800-38A, §6.5, counter from zero. A seed makes one mask; at most 2³² words, far below the bound where blocks repeat.</remarks>
internal static class MaskExpansion
{
    private const int BlockBytes = 16;
    private const int ChunkBytes = 32 * 1024;

    /// <summary>Adds the mask, modulo 2³².</summary>
    public static void Add(Secret seed, Span<uint> vector) => Apply(seed, vector, add: true);

    /// <summary>Takes the mask off, modulo 2³².</summary>
    public static void Subtract(Secret seed, Span<uint> vector) => Apply(seed, vector, add: false);

    private static void Apply(Secret seed, Span<uint> vector, bool add)
    {
        using var aes = Aes.Create();
        (aes.Mode, aes.Padding) = (CipherMode.ECB, PaddingMode.None);
        aes.SetKey(seed.Bytes);
        using var encryptor = aes.CreateEncryptor();
        var counters = ArrayPool<byte>.Shared.Rent(ChunkBytes);
        var stream = ArrayPool<byte>.Shared.Rent(ChunkBytes);
        try
        {
            ulong block = 0;
            counters.AsSpan(0, ChunkBytes).Clear();
            while (vector.Length > 0)
            {
                for (var at = 8; at < ChunkBytes; at += BlockBytes) BinaryPrimitives.WriteUInt64BigEndian(counters.AsSpan(at), block++);
                encryptor.TransformBlock(counters, 0, ChunkBytes, stream, 0);
                var words = Math.Min(vector.Length, ChunkBytes / sizeof(uint));
                Combine(vector[..words], stream.AsSpan(0, words * sizeof(uint)), add);
                vector = vector[words..];
            }
        }
        finally
        {
            CryptographicOperations.ZeroMemory(stream);
            ArrayPool<byte>.Shared.Return(stream);
            ArrayPool<byte>.Shared.Return(counters);
        }
    }

    private static void Combine(Span<uint> vector, ReadOnlySpan<byte> stream, bool add)
    {
        var i = 0;
        if (BitConverter.IsLittleEndian)
        {
            var words = MemoryMarshal.Cast<byte, uint>(stream);
            for (; i <= vector.Length - Vector<uint>.Count; i += Vector<uint>.Count)
            {
                var (value, mask) = (new Vector<uint>(vector[i..]), new Vector<uint>(words[i..]));
                (add ? value + mask : value - mask).CopyTo(vector[i..]);
            }
        }
        for (; i < vector.Length; i++)
        {
            var mask = BinaryPrimitives.ReadUInt32LittleEndian(stream[(4 * i)..]);
            vector[i] = unchecked(add ? vector[i] + mask : vector[i] - mask);
        }
    }
}
