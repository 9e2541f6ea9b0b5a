using System.Buffers.Binary;

namespace Comity.Transport.Encodings;

/// <summary>How a number travels.</summary>
public enum NumberFormat
{
    /// <summary>IEEE 754 binary32: every bit arrives.</summary>
    Float32,

    /// <summary>bfloat16: the range of float32 with 8 bits of precision.</summary>
    BFloat16,

    /// <summary>IEEE 754 binary16: 11 bits of precision up to 65504.</summary>
    Float16,
}

/// <summary>Turns parameters into little-endian bytes and back.</summary>
/// <remarks>Rounding is to nearest, ties to even, in both short formats; NaN stays NaN, so that the gate behind the wire can name it.</remarks>
public static class TensorEncoding
{
    /// <summary>Bytes a number takes.</summary>
    public static int BytesPerNumber(NumberFormat format) => format switch
    {
        NumberFormat.Float32 => 4,
        NumberFormat.BFloat16 or NumberFormat.Float16 => 2,
        _ => throw new ArgumentOutOfRangeException(nameof(format), format, "Unknown number format."),
    };

    /// <summary>Encodes parameters.</summary>
    /// <param name="values">Shape [P].</param>
    /// <param name="format">How each number travels.</param>
    /// <param name="destination">Exactly P times <see cref="BytesPerNumber"/> bytes.</param>
    /// <exception cref="ArgumentException">A finite value is too large for binary16: it would arrive as infinity.</exception>
    public static void Encode(ReadOnlySpan<float> values, NumberFormat format, Span<byte> destination)
    {
        var size = BytesPerNumber(format);
        if (destination.Length != (long)values.Length * size) throw new ArgumentException($"{values.Length} numbers need {(long)values.Length * size} bytes.", nameof(destination));
        for (var i = 0; i < values.Length; i++)
        {
            var bytes = destination[(i * size)..];
            switch (format)
            {
                case NumberFormat.Float32:
                    BinaryPrimitives.WriteSingleLittleEndian(bytes, values[i]);
                    break;
                case NumberFormat.BFloat16:
                    BinaryPrimitives.WriteUInt16LittleEndian(bytes, ToBFloat16(values[i]));
                    break;
                default:
                    var half = (Half)values[i];
                    if (Half.IsInfinity(half) && float.IsFinite(values[i]))
                        throw new ArgumentException($"Value {i} is beyond binary16's 65504; send bfloat16 or float32.", nameof(values));
                    BinaryPrimitives.WriteHalfLittleEndian(bytes, half);
                    break;
            }
        }
    }

    /// <summary>Decodes parameters.</summary>
    /// <param name="source">Exactly P times <see cref="BytesPerNumber"/> bytes.</param>
    /// <param name="format">How each number travelled.</param>
    /// <param name="values">Shape [P]; overwritten.</param>
    public static void Decode(ReadOnlySpan<byte> source, NumberFormat format, Span<float> values)
    {
        var size = BytesPerNumber(format);
        if (source.Length != (long)values.Length * size) throw new ArgumentException($"{values.Length} numbers need {(long)values.Length * size} bytes, {source.Length} are there.", nameof(source));
        for (var i = 0; i < values.Length; i++)
        {
            var bytes = source[(i * size)..];
            values[i] = format switch
            {
                NumberFormat.Float32 => BinaryPrimitives.ReadSingleLittleEndian(bytes),
                NumberFormat.BFloat16 => BitConverter.UInt32BitsToSingle((uint)BinaryPrimitives.ReadUInt16LittleEndian(bytes) << 16),
                _ => (float)BinaryPrimitives.ReadHalfLittleEndian(bytes),
            };
        }
    }

    private static ushort ToBFloat16(float value)
    {
        var bits = BitConverter.SingleToUInt32Bits(value);

        // Rounding could carry a NaN's payload into infinity; the quiet bit keeps it a NaN.
        if (float.IsNaN(value)) return (ushort)(bits >> 16 | 0x40);
        return (ushort)(bits + 0x7FFF + (bits >> 16 & 1) >> 16);
    }
}
