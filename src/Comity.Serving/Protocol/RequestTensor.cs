using System.Buffers.Binary;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace Comity.Serving.Protocol;

/// <summary>An input tensor of the Open Inference Protocol as it stands in a request.</summary>
internal struct RequestTensor
{
    public string Name;
    public string Datatype;
    public List<long> Shape;
    public Range Json; // bytes of its data within the JSON part; empty where the data are binary
    public int BinaryLength; // −1: the data stand in the JSON part
    public int BinaryStart;

    /// <summary>Elements that the shape claims; −1: the shape can't be one.</summary>
    public readonly long Elements
    {
        get
        {
            long product = 1;
            foreach (var size in Shape)
            {
                if (size < 0 || size > int.MaxValue) return -1;
                product *= size;
                if (product > int.MaxValue) return -1;
            }
            return product;
        }
    }

    /// <summary>Bytes of an element; 0: of varying length; −1: not a datatype of the protocol.</summary>
    public static int WidthOf(string datatype) => datatype switch
    {
        "BOOL" or "UINT8" or "INT8" => 1,
        "UINT16" or "INT16" or "FP16" => 2,
        "UINT32" or "INT32" or "FP32" => 4,
        "UINT64" or "INT64" or "FP64" => 8,
        "BYTES" => 0,
        _ => -1,
    };

    /// <summary>Reads all elements as numbers.</summary>
    /// <returns>How many there are; −1: one of them is no number.</returns>
    public readonly int Numbers(ReadOnlySpan<byte> body, Span<float> to)
    {
        if (BinaryLength >= 0) return BinaryNumbers(body.Slice(BinaryStart, BinaryLength), to);
        var reader = new Utf8JsonReader(body[Json], new JsonReaderOptions { MaxDepth = 16 });
        var count = 0;
        while (reader.Read())
        {
            if (reader.TokenType is JsonTokenType.StartArray or JsonTokenType.EndArray) continue;
            if (reader.TokenType is not (JsonTokenType.Number or JsonTokenType.True or JsonTokenType.False)) return -1;
            if (count < to.Length) to[count] = reader.TokenType == JsonTokenType.Number ? DecimalText.Single(reader.ValueSpan) : reader.TokenType == JsonTokenType.True ? 1 : 0;
            count++;
        }
        return count;
    }

    private readonly int BinaryNumbers(ReadOnlySpan<byte> data, Span<float> to)
    {
        var width = WidthOf(Datatype);
        if (width <= 0 || data.Length % width != 0) return -1;
        var count = data.Length / width;
        if (Datatype == "FP32" && BitConverter.IsLittleEndian)
        {
            MemoryMarshal.Cast<byte, float>(data)[..Math.Min(count, to.Length)].CopyTo(to);
            return count;
        }
        for (var i = 0; i < Math.Min(count, to.Length); i++) to[i] = (float)Number(data[(i * width)..]);
        return count;
    }

    /// <summary>One element of a binary tensor of numbers.</summary>
    public readonly double Number(ReadOnlySpan<byte> at) => Datatype switch
    {
        "BOOL" or "UINT8" => at[0],
        "INT8" => (sbyte)at[0],
        "UINT16" => BinaryPrimitives.ReadUInt16LittleEndian(at),
        "INT16" => BinaryPrimitives.ReadInt16LittleEndian(at),
        "FP16" => (double)BinaryPrimitives.ReadHalfLittleEndian(at),
        "UINT32" => BinaryPrimitives.ReadUInt32LittleEndian(at),
        "INT32" => BinaryPrimitives.ReadInt32LittleEndian(at),
        "FP32" => BinaryPrimitives.ReadSingleLittleEndian(at),
        "UINT64" => BinaryPrimitives.ReadUInt64LittleEndian(at),
        "INT64" => BinaryPrimitives.ReadInt64LittleEndian(at),
        _ => BinaryPrimitives.ReadDoubleLittleEndian(at),
    };

    /// <summary>A number as text, for columns whose values are compared as texts.</summary>
    public static string Text(double value) => value.ToString("R", CultureInfo.InvariantCulture);
}
