using System.Runtime.InteropServices;
using Comity.Federation.AtRest;

namespace Comity.Coordinator.Studies;

/// <summary>Vectors that arrived as files of little-endian floats.</summary>
internal static class VectorFile
{
    private const int PartFloats = 1 << 22;

    /// <summary>Reads a vector and deletes its file.</summary>
    public static float[] Take(StateVault vault, string path)
    {
        var values = Read(vault, path);
        File.Delete(path);
        return values;
    }

    /// <summary>Reads a vector.</summary>
    public static float[] Read(StateVault vault, string path)
    {
        using var file = vault.Read(path);
        var values = new float[checked((int)(file.Length / sizeof(float)))];
        // A byte view of more than 2 GiB does not exist: it is read part by part.
        for (var at = 0; at < values.Length; at += PartFloats) file.ReadExactly(4L * at, MemoryMarshal.AsBytes(values.AsSpan(at, Math.Min(PartFloats, values.Length - at))));
        return values;
    }
}
