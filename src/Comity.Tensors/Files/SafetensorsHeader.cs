using System.Buffers.Binary;
using System.Text.Json;
using Comity.Tensors.Parameters;

namespace Comity.Tensors.Files;

/// <summary>Checks a header against the file before anything is read by its word: every number in it is the sender's claim.</summary>
internal static class SafetensorsHeader
{
    private const long LargestHeader = 64 * 1024 * 1024;
    private const string Metadata = "__metadata__";

    public static (ParameterLayout Layout, IReadOnlyList<FloatStorage> Storages, IReadOnlyDictionary<string, string> Metadata) Read(Stream stream, string file)
    {
        Span<byte> prefix = stackalloc byte[8];
        if (stream.Length < 8) throw new SafetensorsException("too-short", file, $"The file has {stream.Length} bytes; a header needs 8 and more.");
        stream.ReadExactly(prefix);
        var length = BinaryPrimitives.ReadUInt64LittleEndian(prefix);
        if (length > (ulong)(stream.Length - 8)) throw new SafetensorsException("header-too-long", file, $"At byte 0: a header of {length} bytes is declared; {stream.Length - 8} follow.");
        if (length > LargestHeader) throw new SafetensorsException("header-too-long", file, $"At byte 0: a header of {length} bytes is declared; {LargestHeader} are the most.");
        var header = new byte[(int)length];
        stream.ReadExactly(header);
        using var json = Parse(header, file);
        if (json.RootElement.ValueKind != JsonValueKind.Object) throw new SafetensorsException("not-json", file, "At byte 8: the header is not a map of tensors.");
        var texts = new Dictionary<string, string>(StringComparer.Ordinal);
        var tensors = new List<DeclaredTensor>();
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var property in json.RootElement.EnumerateObject())
        {
            if (!names.Add(property.Name)) throw new SafetensorsException("name-twice", file, $"'{property.Name}' stands in the header twice.");
            if (property.Name == Metadata) ReadMetadata(property.Value, texts, file);
            else tensors.Add(ReadTensor(property, file));
        }
        tensors = [.. tensors.OrderBy(t => t.Begin)];
        return (Arrange(tensors, stream.Length - 8 - header.Length, file), [.. tensors.Select(t => t.Storage)], texts);
    }

    private static JsonDocument Parse(byte[] header, string file)
    {
        try
        {
            return JsonDocument.Parse(header, new JsonDocumentOptions { MaxDepth = 4 });
        }
        catch (JsonException e)
        {
            throw new SafetensorsException("not-json", file, $"At byte {8 + (e.BytePositionInLine ?? 0)}: the header is not JSON.");
        }
    }

    private static void ReadMetadata(JsonElement value, Dictionary<string, string> texts, string file)
    {
        if (value.ValueKind != JsonValueKind.Object) throw new SafetensorsException("bad-metadata", file, "The metadata are not a map.");
        foreach (var text in value.EnumerateObject())
        {
            if (text.Value.ValueKind != JsonValueKind.String) throw new SafetensorsException("bad-metadata", file, $"The metadata '{text.Name}' is not a text.");
            texts[text.Name] = text.Value.GetString()!;
        }
    }

    private static DeclaredTensor ReadTensor(JsonProperty property, string file)
    {
        var (name, value) = (property.Name, property.Value);
        if (value.ValueKind != JsonValueKind.Object
            || !value.TryGetProperty("dtype", out var type) || type.ValueKind != JsonValueKind.String
            || !value.TryGetProperty("shape", out var shape) || shape.ValueKind != JsonValueKind.Array
            || !value.TryGetProperty("data_offsets", out var offsets) || offsets.ValueKind != JsonValueKind.Array || offsets.GetArrayLength() != 2)
            throw new SafetensorsException("bad-tensor", file, $"'{name}' lacks dtype, shape or two data_offsets.");
        if (FloatBytes.StorageOf(type.GetString()) is not { } storage) throw new SafetensorsException("other-type", file, $"'{name}' is of type {type.GetString()}; F32, BF16 or F16 was expected.");
        var sizes = new List<int>();
        var count = 1L;
        foreach (var size in shape.EnumerateArray())
        {
            if (!size.TryGetInt32(out var s) || s < 1) throw new SafetensorsException("bad-shape", file, $"'{name}' has the size {size}; whole numbers from 1 were expected.");
            sizes.Add(s);
            count = count > int.MaxValue ? count : count * s; // stays far from overflow
        }
        if (sizes.Count is < 1 or > 4 || count > int.MaxValue) throw new SafetensorsException("bad-shape", file, $"'{name}' has the shape [{string.Join(", ", sizes)}]; 1 to 4 sizes and fewer than 2³¹ elements were expected.");
        if (!offsets[0].TryGetInt64(out var begin) || !offsets[1].TryGetInt64(out var end) || begin < 0 || end < begin)
            throw new SafetensorsException("bad-offsets", file, $"'{name}' has the data_offsets [{offsets[0]}, {offsets[1]}].");
        if (end - begin != count * FloatBytes.SizeOf(storage)) throw new SafetensorsException("size-mismatch", file, $"'{name}' claims {end - begin} bytes; its shape needs {count * FloatBytes.SizeOf(storage)}.");
        return new DeclaredTensor(name, [.. sizes], storage, begin, end);
    }

    // Tensors must fill the data exactly: no gap in which something could hide, no overlap, nothing beyond the end.
    private static ParameterLayout Arrange(List<DeclaredTensor> tensors, long bytes, string file)
    {
        var entries = new List<ParameterEntry>();
        long next = 0, elements = 0;
        foreach (var (name, shape, storage, begin, end) in tensors)
        {
            if (begin < next) throw new SafetensorsException("overlap", file, $"'{name}' begins at byte {begin} of the data, within the tensor before it.");
            if (begin > next) throw new SafetensorsException("gap", file, $"'{name}' begins at byte {begin} of the data; byte {next} was expected.");
            if (end > bytes) throw new SafetensorsException("beyond-end", file, $"'{name}' ends at byte {end} of the data, which has {bytes}.");
            var first = elements;
            elements += (end - begin) / FloatBytes.SizeOf(storage);
            if (elements > int.MaxValue) throw new SafetensorsException("too-large", file, $"'{name}' ends beyond 2³¹ elements.");
            entries.Add(new ParameterEntry(name, shape, (int)first));
            next = end;
        }
        if (next != bytes) throw new SafetensorsException("trailing-bytes", file, $"{bytes - next} bytes follow the last tensor.");
        return new ParameterLayout(entries);
    }

    private sealed record DeclaredTensor(string Name, int[] Shape, FloatStorage Storage, long Begin, long End);
}
