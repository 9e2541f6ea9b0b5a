using System.Text;

namespace Comity.Cli.Services;

/// <summary>Keeps the end of what is written to it, for a process that nobody watches.</summary>
internal sealed class LastWords : Stream
{
    private const int Most = 8 << 10; // an entry of the event log holds 31,839 characters
    private readonly Lock _gate = new();
    private byte[] _end = [];

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    public override void Write(byte[] buffer, int offset, int count)
    {
        lock (_gate)
        {
            byte[] all = [.. _end, .. buffer.AsSpan(offset, count)];
            _end = all[Math.Max(0, all.Length - Most)..];
        }
    }

    public override string ToString()
    {
        lock (_gate) return Encoding.UTF8.GetString(_end);
    }

    public override void Flush() { }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();
}
