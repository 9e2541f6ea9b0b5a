using Microsoft.Win32.SafeHandles;

namespace Comity.Federation.AtRest;

/// <summary>A file as it is.</summary>
internal sealed class PlainStateFile(SafeFileHandle handle) : StateFile
{
    public override long Length => RandomAccess.GetLength(handle);

    public override int Read(long at, Span<byte> destination) => RandomAccess.Read(handle, destination, at);

    public override void Write(long at, ReadOnlySpan<byte> bytes) => RandomAccess.Write(handle, bytes, at);

    public override ValueTask<int> ReadAsync(long at, Memory<byte> destination, CancellationToken cancellationToken) => RandomAccess.ReadAsync(handle, destination, at, cancellationToken);

    public override ValueTask WriteAsync(long at, ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken) => RandomAccess.WriteAsync(handle, bytes, at, cancellationToken);

    public override void FlushToDisk() => RandomAccess.FlushToDisk(handle);

    protected override void Dispose(bool disposing) => handle.Dispose();
}
