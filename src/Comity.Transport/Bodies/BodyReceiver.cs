using System.Collections;
using System.Security.Cryptography;

namespace Comity.Transport.Bodies;

/// <summary>Puts a body together from chunks that come in any order, each checked before it is stored; goes on after a crash from what the spool holds.</summary>
/// <remarks>Holds one chunk in memory. A wrong chunk is refused by its index and changes nothing.</remarks>
public sealed class BodyReceiver
{
    private readonly Stream _spool;
    private readonly BitArray _stored;

    /// <param name="manifest">What the body is cut into; its digest should have been checked against the sender's signature.</param>
    /// <param name="spool">Where the body is kept: seekable, readable and writable.</param>
    public BodyReceiver(BodyManifest manifest, Stream spool)
    {
        ArgumentNullException.ThrowIfNull(manifest);
        ArgumentNullException.ThrowIfNull(spool);
        if (!spool.CanSeek || !spool.CanRead || !spool.CanWrite) throw new ArgumentException("The spool must be seekable, readable and writable.", nameof(spool));
        (Manifest, _spool, _stored) = (manifest, spool, new(manifest.Chunks));
    }

    /// <summary>What the body is cut into.</summary>
    public BodyManifest Manifest { get; }

    /// <summary>Chunks that are still to come, in order.</summary>
    public IEnumerable<int> Missing => Enumerable.Range(0, Manifest.Chunks).Where(chunk => !_stored[chunk]);

    /// <summary>Whether every chunk is stored.</summary>
    public bool IsComplete => _stored.HasAllSet();

    /// <summary>Looks through what the spool already holds; a chunk counts when its digest fits, whatever came before it.</summary>
    public async Task ResumeAsync(CancellationToken cancellationToken)
    {
        var buffer = new byte[Math.Min(Manifest.ChunkBytes, Manifest.Length)];
        for (var chunk = 0; chunk < Manifest.Chunks && Manifest.OffsetOf(chunk) < _spool.Length; chunk++)
        {
            var bytes = buffer.AsMemory(0, Manifest.LengthOf(chunk));
            _spool.Position = Manifest.OffsetOf(chunk);
            var read = await _spool.ReadAtLeastAsync(bytes, bytes.Length, throwOnEndOfStream: false, cancellationToken).ConfigureAwait(false);
            _stored[chunk] = read == bytes.Length && Fits(chunk, bytes.Span);
        }
    }

    /// <summary>Reads chunks from a stream until it ends or one is wrong.</summary>
    /// <returns>The first fault with its chunk; <see cref="ChunkFault.None"/> at a clean end.</returns>
    public async Task<(int Chunk, ChunkFault Fault)> ReceiveAsync(Stream wire, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(wire);
        var buffer = new byte[Math.Min(Manifest.ChunkBytes, Manifest.Length)];
        while (true)
        {
            var (chunk, fault) = await ChunkFrame.ReadAsync(wire, Manifest, buffer, cancellationToken).ConfigureAwait(false);
            if (fault == ChunkFault.EndOfStream) return (chunk, ChunkFault.None);
            if (fault != ChunkFault.None) return (chunk, fault);
            fault = await StoreAsync(chunk, buffer.AsMemory(0, Manifest.LengthOf(chunk)), cancellationToken).ConfigureAwait(false);
            if (fault != ChunkFault.None) return (chunk, fault);
        }
    }

    /// <summary>Checks and stores one chunk; one that is there already is left as it is.</summary>
    public async Task<ChunkFault> StoreAsync(int chunk, ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        if (chunk < 0 || chunk >= Manifest.Chunks) return ChunkFault.UnknownChunk;
        if (bytes.Length != Manifest.LengthOf(chunk)) return ChunkFault.WrongLength;
        if (!Fits(chunk, bytes.Span)) return ChunkFault.WrongDigest;
        if (_stored[chunk]) return ChunkFault.None;
        _spool.Position = Manifest.OffsetOf(chunk);
        await _spool.WriteAsync(bytes, cancellationToken).ConfigureAwait(false);

        // Flushed before it counts: who is told that a chunk is stored won't send it again.
        await _spool.FlushAsync(cancellationToken).ConfigureAwait(false);
        _stored[chunk] = true;
        return ChunkFault.None;
    }

    private bool Fits(int chunk, ReadOnlySpan<byte> bytes)
    {
        Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(bytes, digest);
        return CryptographicOperations.FixedTimeEquals(digest, Manifest.DigestOf(chunk));
    }
}
