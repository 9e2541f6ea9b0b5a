using System.Globalization;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Comity.Federation.Encodings;

namespace Comity.Coordinator.Studies;

/// <summary>Bodies made from vectors, each once for all sites that fetch it. Forgotten with the vector.</summary>
internal sealed class BodyShelf
{
    private readonly ConditionalWeakTable<float[], Shelved> _shelved = [];

    /// <summary>The body of a vector.</summary>
    /// <param name="vector">The vector.</param>
    /// <param name="name">What it holds: arrays are used again, and then hold something else.</param>
    /// <param name="encoding">How it is written; null: as float32.</param>
    public BodySource Of(ReadOnlyMemory<float> vector, string name, VectorEncoding? encoding = null)
    {
        if (encoding is null && MemoryMarshal.TryGetMemoryManager<float, StoredVector>(vector, out var stored)) return stored.Body;
        if (!MemoryMarshal.TryGetArray(vector, out var segment) || segment.Array is null) return BodySource.Of(vector, encoding);
        name = string.Create(CultureInfo.InvariantCulture, $"{name}@{segment.Offset}+{segment.Count} {encoding?.Name}");
        Lazy<BodySource> body;
        lock (_shelved)
        {
            if (!_shelved.TryGetValue(segment.Array, out var shelved) || shelved.Name != name)
            {
                shelved = new(name, new(() => BodySource.Of(vector, encoding)));
                _shelved.AddOrUpdate(segment.Array, shelved);
            }
            body = shelved.Body;
        }
        return body.Value;
    }

    private sealed record Shelved(string Name, Lazy<BodySource> Body);
}
