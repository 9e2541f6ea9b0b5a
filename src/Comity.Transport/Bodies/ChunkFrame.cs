using System.Buffers.Binary;

namespace Comity.Transport.Bodies;

/// <summary>One chunk on a stream: index and length (32 bits each, big-endian), then the bytes. The digest stands in the manifest.</summary>
public static class ChunkFrame
{
    /// <summary>Bytes before a chunk's own.</summary>
    public const int HeaderBytes = 8;

    /// <summary>Writes a chunk's index and length in front of its bytes.</summary>
    public static void WriteHeader(Span<byte> frame, int chunk, int length)
    {
        BinaryPrimitives.WriteInt32BigEndian(frame, chunk);
        BinaryPrimitives.WriteInt32BigEndian(frame[4..], length);
    }

    /// <summary>Writes one chunk of a body.</summary>
    /// <param name="wire">Where to.</param>
    /// <param name="manifest">What the body is cut into.</param>
    /// <param name="body">The body; read at the chunk's place.</param>
    /// <param name="chunk">Which chunk.</param>
    /// <param name="cancellationToken">Stops the writing.</param>
    /// <exception cref="EndOfStreamException">The body has become shorter than its manifest says.</exception>
    public static async Task WriteAsync(Stream wire, BodyManifest manifest, Stream body, int chunk, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(wire);
        ArgumentNullException.ThrowIfNull(manifest);
        ArgumentNullException.ThrowIfNull(body);
        var frame = new byte[HeaderBytes + manifest.LengthOf(chunk)];
        WriteHeader(frame, chunk, manifest.LengthOf(chunk));
        body.Position = manifest.OffsetOf(chunk);
        await body.ReadExactlyAsync(frame.AsMemory(HeaderBytes), cancellationToken).ConfigureAwait(false);
        await wire.WriteAsync(frame, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Reads the next chunk into a buffer, reading no more than the manifest allows whatever the frame claims.</summary>
    /// <param name="wire">Where from.</param>
    /// <param name="manifest">What the body is cut into.</param>
    /// <param name="buffer">At least one chunk long.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <returns>The chunk's index and fault; at a clean end of the stream, <see cref="ChunkFault.EndOfStream"/>.</returns>
    public static Task<(int Chunk, ChunkFault Fault)> ReadAsync(Stream wire, BodyManifest manifest, Memory<byte> buffer, CancellationToken cancellationToken) =>
        ReadAsync(wire, manifest, buffer, heard: null, cancellationToken);

    internal static async Task<(int Chunk, ChunkFault Fault)> ReadAsync(Stream wire, BodyManifest manifest, Memory<byte> buffer, Action? heard, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(wire);
        ArgumentNullException.ThrowIfNull(manifest);
        if (buffer.Length < Math.Min(manifest.ChunkBytes, manifest.Length)) throw new ArgumentException("The buffer is shorter than a chunk.", nameof(buffer));
        var header = new byte[HeaderBytes];
        var read = await FillAsync(wire, header, heard, cancellationToken).ConfigureAwait(false);
        if (read == 0) return (-1, ChunkFault.EndOfStream);
        if (read < HeaderBytes) return (-1, ChunkFault.Truncated);

        var chunk = BinaryPrimitives.ReadInt32BigEndian(header);
        var length = BinaryPrimitives.ReadInt32BigEndian(header.AsSpan(4));
        if (chunk < 0 || chunk >= manifest.Chunks) return (chunk, ChunkFault.UnknownChunk);
        if (length != manifest.LengthOf(chunk)) return (chunk, ChunkFault.WrongLength);
        var body = await FillAsync(wire, buffer[..length], heard, cancellationToken).ConfigureAwait(false);
        return (chunk, body < length ? ChunkFault.Truncated : ChunkFault.None);
    }

    // As much as there is, up to the buffer's end.
    private static async ValueTask<int> FillAsync(Stream wire, Memory<byte> buffer, Action? heard, CancellationToken cancellationToken)
    {
        var filled = 0;
        while (filled < buffer.Length)
        {
            var read = await wire.ReadAsync(buffer[filled..], cancellationToken).ConfigureAwait(false);
            if (read == 0) break;
            filled += read;
            heard?.Invoke();
        }
        return filled;
    }
}

/// <summary>What is wrong with a received chunk.</summary>
public enum ChunkFault
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>There are no more chunks on this stream.</summary>
    EndOfStream,

    /// <summary>The stream ended inside a chunk: ask again from here.</summary>
    Truncated,

    /// <summary>The body has no such chunk.</summary>
    UnknownChunk,

    /// <summary>The chunk is longer or shorter than the manifest says.</summary>
    WrongLength,

    /// <summary>The bytes are not those that the sender described.</summary>
    WrongDigest,

    /// <summary>It is being sent a second time, and that counts; or the body is no longer wanted.</summary>
    Superseded,
}
