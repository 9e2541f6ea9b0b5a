using System.Buffers;
using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace Comity.SecureAggregation.Masking;

/// <summary>Several masks, expanded side by side, chunk after chunk: each chunk of the vector is touched while it lies in the cache, whatever the number of masks.</summary>
/// <remarks>
/// A mask is the key stream of AES-256 in counter mode (NIST SP 800-38A, §6.5), counter from zero, as 32-bit little-endian words. A seed makes
/// one mask; at most 2³² words, far below the bound where blocks repeat.
/// </remarks>
internal sealed class MaskStreams : IDisposable
{
    /// <summary>Words in every chunk but the last. A multiple of 8, so that packed chunks of any width begin at a byte.</summary>
    public const int ChunkWords = 4096;

    private const int BlockBytes = 16;
    private const int ChunkBytes = ChunkWords * sizeof(uint);

    private readonly List<(Aes Cipher, ICryptoTransform Encryptor, bool Add)> _masks = [];
    private readonly byte[] _counters = ArrayPool<byte>.Shared.Rent(ChunkBytes);
    private readonly byte[] _stream = ArrayPool<byte>.Shared.Rent(ChunkBytes);
    private ulong _block;

    public MaskStreams() => _counters.AsSpan(0, ChunkBytes).Clear();

    /// <summary>A mask to be added to the vector.</summary>
    public void Add(Secret seed) => Open(seed, add: true);

    /// <summary>A mask to be taken off the vector.</summary>
    public void Subtract(Secret seed) => Open(seed, add: false);

    /// <summary>Applies the masks to the next words, modulo 2³².</summary>
    /// <param name="chunk">As many words as every chunk has, or fewer in the last.</param>
    public void Apply(Span<uint> chunk)
    {
        if (chunk.Length > ChunkWords) throw new ArgumentException($"A chunk has at most {ChunkWords} words.", nameof(chunk));
        for (var at = 8; at < ChunkBytes; at += BlockBytes) BinaryPrimitives.WriteUInt64BigEndian(_counters.AsSpan(at), _block++);
        var bytes = (chunk.Length * sizeof(uint) + BlockBytes - 1) / BlockBytes * BlockBytes;
        foreach (var mask in _masks)
        {
            mask.Encryptor.TransformBlock(_counters, 0, bytes, _stream, 0);
            Combine(chunk, _stream.AsSpan(0, chunk.Length * sizeof(uint)), mask.Add);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        CryptographicOperations.ZeroMemory(_stream);
        ArrayPool<byte>.Shared.Return(_stream);
        ArrayPool<byte>.Shared.Return(_counters);
        foreach (var mask in _masks)
        {
            mask.Encryptor.Dispose();
            mask.Cipher.Dispose();
        }
    }

    private void Open(Secret seed, bool add)
    {
        var aes = Aes.Create();
        (aes.Mode, aes.Padding) = (CipherMode.ECB, PaddingMode.None);
        aes.SetKey(seed.Bytes);
        _masks.Add((aes, aes.CreateEncryptor(), add));
    }

    private static void Combine(Span<uint> vector, ReadOnlySpan<byte> stream, bool add)
    {
        var i = 0;
        if (BitConverter.IsLittleEndian)
        {
            var words = MemoryMarshal.Cast<byte, uint>(stream);
            if (add)
            {
                for (; i <= vector.Length - Vector<uint>.Count; i += Vector<uint>.Count) (new Vector<uint>(vector[i..]) + new Vector<uint>(words[i..])).CopyTo(vector[i..]);
            }
            else
            {
                for (; i <= vector.Length - Vector<uint>.Count; i += Vector<uint>.Count) (new Vector<uint>(vector[i..]) - new Vector<uint>(words[i..])).CopyTo(vector[i..]);
            }
        }
        for (; i < vector.Length; i++)
        {
            var mask = BinaryPrimitives.ReadUInt32LittleEndian(stream[(4 * i)..]);
            vector[i] = unchecked(add ? vector[i] + mask : vector[i] - mask);
        }
    }
}
