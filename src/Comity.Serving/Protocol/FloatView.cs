using System.Buffers;
using System.Runtime.InteropServices;

namespace Comity.Serving.Protocol;

/// <summary>Bytes that were received, looked at as floats where they lie, wherever that is: the processors that this runs on read floats at any address.</summary>
internal sealed class FloatView : MemoryManager<float>
{
    private ReadOnlyMemory<byte> _bytes;

    /// <summary>Looks at other bytes; empty: at none.</summary>
    /// <param name="bytes">Little-endian float32, one after another; they stay where they are as long as they are looked at.</param>
    /// <returns>The floats.</returns>
    public ReadOnlyMemory<float> Over(ReadOnlyMemory<byte> bytes)
    {
        _bytes = bytes;
        return bytes.IsEmpty ? default : Memory;
    }

    public override Span<float> GetSpan()
    {
        var floats = MemoryMarshal.Cast<byte, float>(_bytes.Span);
        return MemoryMarshal.CreateSpan(ref MemoryMarshal.GetReference(floats), floats.Length);
    }

    public override MemoryHandle Pin(int elementIndex = 0) => _bytes[(elementIndex * sizeof(float))..].Pin();

    public override void Unpin()
    {
        // The handle that Pin gave unpins by itself.
    }

    protected override void Dispose(bool disposing) => _bytes = default;
}
