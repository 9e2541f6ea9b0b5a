using System.Security.Cryptography;

namespace Comity.Coordinator.Identity;

/// <summary>A body that is compared with what was signed while it is read: reading its end throws where it is another.</summary>
internal sealed class VerifiedBody(Stream inner, byte[] signed) : Stream
{
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private bool _ended;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var read = await inner.ReadAsync(buffer, cancellationToken);
        if (read > 0) _hash.AppendData(buffer.Span[..read]);
        else if (buffer.Length > 0 && !_ended)
        {
            _ended = true;
            if (!CryptographicOperations.FixedTimeEquals(_hash.GetHashAndReset(), signed)) throw new ChangedBodyException();
        }
        return read;
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException("Bodies are read asynchronously.");

    public override void Flush() { }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing) _hash.Dispose();
        base.Dispose(disposing);
    }
}

/// <summary>The body that arrived is not the one that was signed.</summary>
internal sealed class ChangedBodyException() : BadHttpRequestException("The body is not the one that was signed.");

/// <summary>The digest that a caller signed for the body. Who has read the body to its end knows that it fits.</summary>
/// <param name="Sha256">SHA-256, 32 bytes.</param>
internal sealed record SignedBody(byte[] Sha256);
