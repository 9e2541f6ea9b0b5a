using System.Buffers.Binary;
using System.IO.MemoryMappedFiles;
using System.Text.Json;
using Comity.Tensors.Parameters;

namespace Comity.Tensors.Files;

/// <summary>Reads and writes a parameter vector as safetensors (the format of Hugging Face, version 0.4): a JSON header and little-endian floats of 32 or 16 bits.</summary>
/// <remarks>
/// <code>
/// bytes 0–7   length N of the header, little-endian
/// N bytes     {"name": {"dtype": "F32", "shape": […], "data_offsets": [begin, end]}, …, "__metadata__": {…}}
/// the rest    the tensors, one after another
/// </code>
/// A vector of 32-bit floats reloads bit by bit. Roles of the parameters travel as metadata under <c>role:name</c>, which other readers ignore.
/// </remarks>
public static class Safetensors
{
    private const string RolePrefix = "role:";

    /// <summary>Writes a file; it appears under its name only when it is complete.</summary>
    /// <param name="path">The file; replaced if it is there.</param>
    /// <param name="layout">Names and shapes.</param>
    /// <param name="parameters">Shape [P].</param>
    /// <param name="metadata">Further texts for the header.</param>
    /// <param name="storage">How the floats are kept; rounding to 16 bits is to the nearest, ties to even.</param>
    /// <exception cref="ArgumentException">The parameters do not fit the layout, or a finite one is too large for binary16.</exception>
    public static void Write(string path, ParameterLayout layout, ReadOnlySpan<float> parameters, IReadOnlyDictionary<string, string>? metadata = null, FloatStorage storage = FloatStorage.Float32)
    {
        var partial = path + ".partial";
        using (var stream = new FileStream(partial, FileMode.Create, FileAccess.Write, FileShare.None)) Write(stream, layout, parameters, metadata, storage);
        File.Move(partial, path, overwrite: true);
    }

    /// <summary>Writes to a stream.</summary>
    /// <param name="stream">Where to.</param>
    /// <param name="layout">Names and shapes.</param>
    /// <param name="parameters">Shape [P].</param>
    /// <param name="metadata">Further texts for the header.</param>
    /// <param name="storage">How the floats are kept; rounding to 16 bits is to the nearest, ties to even.</param>
    /// <exception cref="ArgumentException">The parameters do not fit the layout, or a finite one is too large for binary16.</exception>
    public static void Write(Stream stream, ParameterLayout layout, ReadOnlySpan<float> parameters, IReadOnlyDictionary<string, string>? metadata = null, FloatStorage storage = FloatStorage.Float32)
    {
        ArgumentNullException.ThrowIfNull(stream);
        ArgumentNullException.ThrowIfNull(layout);
        if (parameters.Length != layout.Length) throw new ArgumentException($"{parameters.Length} floats do not fit a layout of {layout.Length}.", nameof(parameters));
        var header = Header(layout, metadata, storage);
        Span<byte> length = stackalloc byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(length, header.Length);
        stream.Write(length);
        stream.Write(header);
        FloatBytes.Write(stream, parameters, storage);
    }

    /// <summary>Reads a file, mapped into memory; floats of 16 bits are widened.</summary>
    /// <exception cref="SafetensorsException">The header lies about the file, or a tensor is not of F32, BF16 or F16.</exception>
    public static SafetensorsContent Read(string path)
    {
        using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0);
        // What is no file of a size, or an empty one, cannot be mapped.
        if (!stream.CanSeek || stream.Length == 0) return Read(stream, path);
        using var map = MemoryMappedFile.CreateFromFile(stream, null, 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: true);
        // A view is rounded up to whole pages unless its size is given.
        using var view = map.CreateViewStream(0, stream.Length, MemoryMappedFileAccess.Read);
        return Read(view, path);
    }

    /// <summary>Reads a file that must hold exactly the tensors of a layout.</summary>
    /// <returns>Shape [P].</returns>
    /// <exception cref="SafetensorsException">The header lies about the file, or another model is in it.</exception>
    public static float[] Read(string path, ParameterLayout layout)
    {
        ArgumentNullException.ThrowIfNull(layout);
        var content = Read(path);
        for (var i = 0; i < Math.Max(layout.Entries.Count, content.Layout.Entries.Count); i++)
        {
            var expected = i < layout.Entries.Count ? layout.Entries[i] : null;
            var found = i < content.Layout.Entries.Count ? content.Layout.Entries[i] : null;
            if (expected is null) throw new SafetensorsException("another-model", path, $"It holds '{found!.Name}', which the model does not have.");
            if (found is null || found.Name != expected.Name) throw new SafetensorsException("another-model", path, $"'{expected.Name}' was expected in place {i}, found {(found is null ? "nothing" : $"'{found.Name}'")}.");
            if (!found.Shape.SequenceEqual(expected.Shape)) throw new SafetensorsException("another-model", path, $"'{found.Name}' has the shape [{string.Join(", ", found.Shape)}]; [{string.Join(", ", expected.Shape)}] was expected.");
        }
        return content.Parameters;
    }

    /// <summary>Reads from a stream that can seek.</summary>
    /// <param name="stream">The file's bytes.</param>
    /// <param name="name">What problems call it.</param>
    public static SafetensorsContent Read(Stream stream, string name)
    {
        ArgumentNullException.ThrowIfNull(stream);
        var (layout, storages, metadata) = SafetensorsHeader.Read(stream, name);
        var parameters = new float[layout.Length];
        // Neighbours of one type are read together.
        for (var i = 0; i < storages.Count;)
        {
            var (first, storage) = (layout.Entries[i].Offset, storages[i]);
            while (i < storages.Count && storages[i] == storage) i++;
            FloatBytes.Read(stream, parameters.AsSpan(first..(i < storages.Count ? layout.Entries[i].Offset : parameters.Length)), storage);
        }
        return new SafetensorsContent(WithRoles(layout, metadata), parameters, metadata.Where(m => !m.Key.StartsWith(RolePrefix, StringComparison.Ordinal)).ToDictionary(m => m.Key, m => m.Value));
    }

    private static ParameterLayout WithRoles(ParameterLayout layout, IReadOnlyDictionary<string, string> metadata) => new([.. layout.Entries.Select(e =>
        metadata.TryGetValue(RolePrefix + e.Name, out var role) && Enum.TryParse<ParameterRole>(role, out var known) && Enum.IsDefined(known) ? e with { Role = known } : e)]);

    private static byte[] Header(ParameterLayout layout, IReadOnlyDictionary<string, string>? metadata, FloatStorage storage)
    {
        var size = FloatBytes.SizeOf(storage);
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteStartObject("__metadata__");
            foreach (var (key, value) in (metadata ?? new Dictionary<string, string>()).OrderBy(m => m.Key, StringComparer.Ordinal)) json.WriteString(key, value);
            foreach (var entry in layout.Entries) json.WriteString(RolePrefix + entry.Name, entry.Role.ToString());
            json.WriteEndObject();
            foreach (var entry in layout.Entries)
            {
                json.WriteStartObject(entry.Name);
                json.WriteString("dtype", FloatBytes.TypeOf(storage));
                json.WriteStartArray("shape");
                foreach (var extent in entry.Shape) json.WriteNumberValue(extent);
                json.WriteEndArray();
                json.WriteStartArray("data_offsets");
                json.WriteNumberValue((long)entry.Offset * size);
                json.WriteNumberValue(((long)entry.Offset + entry.Length) * size);
                json.WriteEndArray();
                json.WriteEndObject();
            }
            json.WriteEndObject();
        }
        // Spaces up to a multiple of 8, so that the floats are aligned in the file.
        while (buffer.Length % 8 != 0) buffer.WriteByte((byte)' ');
        return buffer.ToArray();
    }
}

/// <summary>What a safetensors file holds.</summary>
/// <param name="Layout">Names, shapes and roles, in the order of the data.</param>
/// <param name="Parameters">Shape [P].</param>
/// <param name="Metadata">Further texts of the header.</param>
public sealed record SafetensorsContent(ParameterLayout Layout, float[] Parameters, IReadOnlyDictionary<string, string> Metadata);
