namespace Comity.Federation.AtRest;

/// <summary>A file of a party's state, read and written by place, sealed or not. A sealed one has a length that is known when it is made.</summary>
/// <remarks>Calls from several threads may overlap as long as none writes what another one reads or writes.</remarks>
public abstract class StateFile : IDisposable
{
    /// <summary>Bytes of the content.</summary>
    public abstract long Length { get; }

    /// <summary>Reads bytes, fewer only at the end.</summary>
    /// <param name="at">Place of the first one.</param>
    /// <param name="destination">Takes them.</param>
    /// <exception cref="InvalidDataException">It was changed, cut short, or sealed by another state's key.</exception>
    public abstract int Read(long at, Span<byte> destination);

    /// <summary>Writes bytes.</summary>
    /// <param name="at">Place of the first one.</param>
    /// <param name="bytes">The bytes.</param>
    public abstract void Write(long at, ReadOnlySpan<byte> bytes);

    /// <summary>Brings what was written onto the disk.</summary>
    public abstract void FlushToDisk();

    /// <summary><see cref="Read"/>, without holding a thread where the file is not sealed.</summary>
    public virtual ValueTask<int> ReadAsync(long at, Memory<byte> destination, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return new(Read(at, destination.Span));
    }

    /// <summary><see cref="Write"/>, without holding a thread where the file is not sealed.</summary>
    public virtual ValueTask WriteAsync(long at, ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        Write(at, bytes.Span);
        return default;
    }

    /// <summary>Reads as many bytes as are wanted.</summary>
    /// <exception cref="EndOfStreamException">There are fewer.</exception>
    public void ReadExactly(long at, Span<byte> destination)
    {
        while (destination.Length > 0)
        {
            var read = Read(at, destination);
            if (read == 0) throw new EndOfStreamException("A stored file is shorter than its header says.");
            destination = destination[read..];
            at += read;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Lets go of the file.</summary>
    protected abstract void Dispose(bool disposing);
}
