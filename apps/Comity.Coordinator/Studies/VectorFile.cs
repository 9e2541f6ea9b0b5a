using System.Runtime.InteropServices;

namespace Comity.Coordinator.Studies;

/// <summary>Vectors that arrived as files of little-endian floats.</summary>
internal static class VectorFile
{
    private const int PartFloats = 1 << 22;

    /// <summary>Reads a vector and deletes its file.</summary>
    public static float[] Take(string path)
    {
        var values = Read(path);
        File.Delete(path);
        return values;
    }

    /// <summary>Reads a vector.</summary>
    public static float[] Read(string path)
    {
        using var file = File.OpenRead(path);
        var values = new float[checked((int)(file.Length / sizeof(float)))];
        // A byte view of more than 2 GiB does not exist: it is read part by part.
        for (var at = 0; at < values.Length; at += PartFloats) file.ReadExactly(MemoryMarshal.AsBytes(values.AsSpan(at, Math.Min(PartFloats, values.Length - at))));
        return values;
    }
}
