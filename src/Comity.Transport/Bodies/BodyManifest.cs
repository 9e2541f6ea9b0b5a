using System.Security.Cryptography;

namespace Comity.Transport.Bodies;

/// <summary>What a binary body is cut into: the SHA-256 of every chunk, and the whole digest, which is the SHA-256 of those digests.</summary>
/// <remarks>
/// The whole digest needs no second pass over the bytes, and each chunk is checked on its own, so a transfer goes on from any
/// chunk. All chunks have the same size but the last.
/// </remarks>
public sealed class BodyManifest
{
    /// <summary>Smallest chunk a peer may choose.</summary>
    public const int MinimalChunkBytes = 1 << 10;

    /// <summary>Largest chunk a peer may choose: what a receiver holds in memory at once.</summary>
    public const int MaximalChunkBytes = 8 << 20;

    /// <summary>Most chunks of a body; with the largest chunks that is 512 GiB.</summary>
    public const int MaximalChunks = 1 << 16;

    private readonly byte[] _chunkDigests;
    private readonly byte[] _digest;

    /// <param name="length">Bytes of the body, zero or more.</param>
    /// <param name="chunkBytes">Bytes of a chunk, within the bounds above.</param>
    /// <param name="chunkDigests">32 bytes for each chunk, one after the other.</param>
    /// <exception cref="ArgumentException">The numbers do not fit each other or the bounds.</exception>
    public BodyManifest(long length, int chunkBytes, ReadOnlySpan<byte> chunkDigests)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        if (chunkBytes is < MinimalChunkBytes or > MaximalChunkBytes)
            throw new ArgumentOutOfRangeException(nameof(chunkBytes), chunkBytes, $"Must lie between {MinimalChunkBytes} and {MaximalChunkBytes}.");
        var chunks = (length / chunkBytes) + (length % chunkBytes == 0 ? 0 : 1);
        if (chunks > MaximalChunks) throw new ArgumentOutOfRangeException(nameof(length), length, $"Needs {chunks} chunks, {MaximalChunks} are allowed: choose larger chunks.");
        if (chunkDigests.Length != chunks * SHA256.HashSizeInBytes)
            throw new ArgumentException($"{chunks} chunks need {chunks * SHA256.HashSizeInBytes} bytes of digests, {chunkDigests.Length} are there.", nameof(chunkDigests));
        (Length, ChunkBytes, Chunks) = (length, chunkBytes, (int)chunks);
        _chunkDigests = chunkDigests.ToArray();
        _digest = SHA256.HashData(_chunkDigests);
    }

    /// <summary>Bytes of the body.</summary>
    public long Length { get; }

    /// <summary>Bytes of a chunk; the last one may be shorter.</summary>
    public int ChunkBytes { get; }

    /// <summary>Number of chunks.</summary>
    public int Chunks { get; }

    /// <summary>SHA-256 over the chunks' digests: what is signed and written down.</summary>
    public ReadOnlySpan<byte> Digest => _digest;

    /// <summary>All chunks' digests, one after the other.</summary>
    public ReadOnlySpan<byte> ChunkDigests => _chunkDigests;

    /// <summary>SHA-256 of one chunk.</summary>
    public ReadOnlySpan<byte> DigestOf(int chunk) => _chunkDigests.AsSpan(Checked(chunk) * SHA256.HashSizeInBytes, SHA256.HashSizeInBytes);

    /// <summary>Where a chunk begins.</summary>
    public long OffsetOf(int chunk) => (long)Checked(chunk) * ChunkBytes;

    /// <summary>How long a chunk is.</summary>
    public int LengthOf(int chunk) => (int)Math.Min(ChunkBytes, Length - OffsetOf(chunk));

    /// <summary>Whether a whole digest, as signed by the sender, is this body's; in constant time.</summary>
    public bool Matches(ReadOnlySpan<byte> signedDigest) => CryptographicOperations.FixedTimeEquals(_digest, signedDigest);

    /// <summary>Cuts a stream from its current position to its end.</summary>
    public static async Task<BodyManifest> DescribeAsync(Stream body, int chunkBytes, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(body);
        if (chunkBytes is < MinimalChunkBytes or > MaximalChunkBytes) throw new ArgumentOutOfRangeException(nameof(chunkBytes), chunkBytes, $"Must lie between {MinimalChunkBytes} and {MaximalChunkBytes}.");
        // A small body does not clear a whole chunk of memory.
        var chunk = new byte[body.CanSeek ? Math.Clamp(body.Length - body.Position, 1, chunkBytes) : chunkBytes];
        var digests = new MemoryStream();
        long length = 0;
        while (true)
        {
            var read = await body.ReadAtLeastAsync(chunk, chunk.Length, throwOnEndOfStream: false, cancellationToken).ConfigureAwait(false);
            if (read == 0) break;
            length += read;
            digests.Write(SHA256.HashData(chunk.AsSpan(0, read)));
            if (read < chunkBytes) break;
        }
        return new(length, chunkBytes, digests.ToArray());
    }

    private int Checked(int chunk) =>
        chunk >= 0 && chunk < Chunks ? chunk : throw new ArgumentOutOfRangeException(nameof(chunk), chunk, $"The body has {Chunks} chunks.");
}
