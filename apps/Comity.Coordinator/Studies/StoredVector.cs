using System.Buffers;
using Comity.Federation.AtRest;

namespace Comity.Coordinator.Studies;

/// <summary>A vector that lies on the disk and is in memory only while somebody looks at it: the first weights, which all trials begin with.</summary>
internal sealed class StoredVector(StateVault vault, string path, int length) : MemoryManager<float>
{
    private readonly WeakReference<float[]> _seen = new([]);
    private readonly Lazy<BodySource> _body = new(() => BodySource.Of(vault, path));

    public override Memory<float> Memory => CreateMemory(length);

    /// <summary>The vector as sites fetch it, straight from the disk.</summary>
    public BodySource Body => _body.Value;

    public override Span<float> GetSpan()
    {
        lock (_seen)
        {
            if (_seen.TryGetTarget(out var values) && values.Length == length) return values;
            values = VectorFile.Read(vault, path);
            _seen.SetTarget(values);
            return values;
        }
    }

    public override MemoryHandle Pin(int elementIndex = 0) => throw new NotSupportedException("A stored vector is read, never pinned.");

    public override void Unpin()
    {
    }

    protected override void Dispose(bool disposing)
    {
    }
}
