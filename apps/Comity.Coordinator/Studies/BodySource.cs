using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Comity.Federation.AtRest;
using Comity.Federation.Encodings;
using Comity.Transport.Bodies;

namespace Comity.Coordinator.Studies;

/// <summary>A body that sites fetch, read chunk by chunk from where it lies.</summary>
/// <param name="Manifest">How it is cut.</param>
/// <param name="Read">Reads bytes from an offset into a buffer.</param>
internal sealed record BodySource(BodyManifest Manifest, Action<long, Span<byte>> Read)
{
    private const int ChunkBytes = 4 << 20;

    // Small enough for the processor's cache, and for the small object heap: a whole chunk would be a large object for each worker.
    private const int SliceBytes = 64 << 10;

    public string Digest { get; } = Convert.ToHexStringLower(Manifest.Digest);

    /// <summary>Bytes in memory.</summary>
    public static BodySource Of(byte[] bytes) => Cut(bytes.Length, (offset, buffer) => bytes.AsSpan((int)offset, buffer.Length).CopyTo(buffer));

    /// <summary>Floats in memory, little-endian. They may change later: the chunks' digests then no longer fit, and whoever still fetches notices.</summary>
    public static BodySource Of(ReadOnlyMemory<float> values) => Cut(4L * values.Length, (offset, buffer) =>
    {
        // A byte view of more than 2 GiB does not exist: it is taken for each chunk.
        var floats = values.Span.Slice((int)(offset / 4), buffer.Length / 4);
        MemoryMarshal.AsBytes(floats).CopyTo(buffer);
    });

    /// <summary>Floats in memory, written as an encoding says when they are sent.</summary>
    public static BodySource Of(ReadOnlyMemory<float> values, VectorEncoding? encoding) => encoding is null ? Of(values)
        : Cut(4L * encoding.PackedLength, (offset, buffer) => encoding.Write(values.Span, (int)(offset / 4), MemoryMarshal.Cast<byte, float>(buffer)));

    /// <summary>A file, read where it lies.</summary>
    public static BodySource Of(StateVault vault, string path) => Cut(LengthOf(vault, path), (offset, buffer) =>
    {
        using var file = vault.Read(path);
        while (buffer.Length > 0)
        {
            var read = file.Read(offset, buffer);
            if (read == 0) throw new EndOfStreamException($"{path} became shorter while it was sent.");
            buffer = buffer[read..];
            offset += read;
        }
    });

    /// <summary>The body, where it is small enough to travel inside a message.</summary>
    public string? Inline(int limit)
    {
        if (Manifest.Length > limit) return null;
        var bytes = new byte[Manifest.Length];
        Read(0, bytes);
        return Convert.ToBase64String(bytes);
    }

    private static long LengthOf(StateVault vault, string path)
    {
        using var file = vault.Read(path);
        return file.Length;
    }

    private static BodySource Cut(long length, Action<long, Span<byte>> read)
    {
        var chunks = (int)((length + ChunkBytes - 1) / ChunkBytes);
        var digests = new byte[chunks * SHA256.HashSizeInBytes];
        Parallel.For(0, chunks, () => (Hash: IncrementalHash.CreateHash(HashAlgorithmName.SHA256), Slice: new byte[Math.Min(length, SliceBytes)]), (chunk, _, own) =>
        {
            var end = Math.Min(length, ((long)chunk + 1) * ChunkBytes);
            for (var at = (long)chunk * ChunkBytes; at < end; at += SliceBytes)
            {
                var part = own.Slice.AsSpan(0, (int)Math.Min(SliceBytes, end - at));
                read(at, part);
                own.Hash.AppendData(part);
            }
            own.Hash.GetHashAndReset(digests.AsSpan(chunk * SHA256.HashSizeInBytes));
            return own;
        }, own => own.Hash.Dispose());
        return new(new BodyManifest(length, ChunkBytes, digests), read);
    }
}
