using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Comity.Coordinator.Studies;

/// <summary>Bodies made from vectors, each once for all sites that fetch it. Forgotten with the vector.</summary>
internal sealed class BodyShelf
{
    private readonly ConditionalWeakTable<float[], Shelved> _shelved = [];

    /// <summary>The body of a vector.</summary>
    /// <param name="vector">A whole array.</param>
    /// <param name="version">Another number when the array holds something new, such as the round.</param>
    public BodySource Of(ReadOnlyMemory<float> vector, int version)
    {
        if (!MemoryMarshal.TryGetArray(vector, out var segment) || segment.Offset != 0 || segment.Count != segment.Array!.Length) return BodySource.Of(vector);
        Lazy<BodySource> body;
        lock (_shelved)
        {
            if (!_shelved.TryGetValue(segment.Array, out var shelved) || shelved.Version != version)
            {
                shelved = new(version, new(() => BodySource.Of(vector)));
                _shelved.AddOrUpdate(segment.Array, shelved);
            }
            body = shelved.Body;
        }
        return body.Value;
    }

    private sealed record Shelved(int Version, Lazy<BodySource> Body);
}
