using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Comity.Tensors.Kernels;

namespace Comity.Tensors.Files;

/// <summary>Floats as little-endian bytes of a stream, in any storage.</summary>
internal static class FloatBytes
{
    private const int AtOnce = 4096;

    // A byte view of more than 2 GiB does not exist: long tensors are seen part by part.
    private const int PartFloats = 1 << 24;

    public static int SizeOf(FloatStorage storage) => storage == FloatStorage.Float32 ? sizeof(float) : sizeof(ushort);

    /// <summary>The storage's name in a file.</summary>
    public static string TypeOf(FloatStorage storage) => storage switch
    {
        FloatStorage.Float32 => "F32",
        FloatStorage.Bfloat16 => "BF16",
        FloatStorage.Float16 => "F16",
        _ => throw new ArgumentOutOfRangeException(nameof(storage), storage, "Unknown storage."),
    };

    /// <summary>The storage of a name; null: another type.</summary>
    public static FloatStorage? StorageOf(string? type) => type switch
    {
        "F32" => FloatStorage.Float32,
        "BF16" => FloatStorage.Bfloat16,
        "F16" => FloatStorage.Float16,
        _ => null,
    };

    /// <exception cref="ArgumentException">A finite value is too large for binary16: it would be read as infinity.</exception>
    public static void Write(Stream stream, ReadOnlySpan<float> values, FloatStorage storage)
    {
        if (storage == FloatStorage.Float32 && BitConverter.IsLittleEndian)
        {
            for (; !values.IsEmpty; values = values[Math.Min(PartFloats, values.Length)..]) stream.Write(MemoryMarshal.AsBytes(values[..Math.Min(PartFloats, values.Length)]));
            return;
        }
        var size = SizeOf(storage);
        Span<byte> bytes = stackalloc byte[AtOnce];
        for (var first = 0; first < values.Length; first += AtOnce / size)
        {
            var part = values.Slice(first, Math.Min(AtOnce / size, values.Length - first));
            for (var i = 0; i < part.Length; i++)
            {
                var at = bytes[(i * size)..];
                switch (storage)
                {
                    case FloatStorage.Float32: BinaryPrimitives.WriteSingleLittleEndian(at, part[i]); break;
                    case FloatStorage.Bfloat16: BinaryPrimitives.WriteUInt16LittleEndian(at, Bfloat16.Round(part[i])); break;
                    default: BinaryPrimitives.WriteHalfLittleEndian(at, Narrow(part[i], first + i)); break;
                }
            }
            stream.Write(bytes[..(part.Length * size)]);
        }
    }

    public static void Read(Stream stream, Span<float> values, FloatStorage storage)
    {
        if (storage == FloatStorage.Float32 && BitConverter.IsLittleEndian)
        {
            for (; !values.IsEmpty; values = values[Math.Min(PartFloats, values.Length)..]) stream.ReadExactly(MemoryMarshal.AsBytes(values[..Math.Min(PartFloats, values.Length)]));
            return;
        }
        var size = SizeOf(storage);
        Span<byte> bytes = stackalloc byte[AtOnce];
        for (var first = 0; first < values.Length; first += AtOnce / size)
        {
            var part = values.Slice(first, Math.Min(AtOnce / size, values.Length - first));
            stream.ReadExactly(bytes[..(part.Length * size)]);
            for (var i = 0; i < part.Length; i++)
            {
                var at = bytes[(i * size)..];
                part[i] = storage switch
                {
                    FloatStorage.Float32 => BinaryPrimitives.ReadSingleLittleEndian(at),
                    FloatStorage.Bfloat16 => Bfloat16.Widen(BinaryPrimitives.ReadUInt16LittleEndian(at)),
                    _ => (float)BinaryPrimitives.ReadHalfLittleEndian(at),
                };
            }
        }
    }

    private static Half Narrow(float value, int place)
    {
        var half = (Half)value;
        return !Half.IsInfinity(half) || !float.IsFinite(value) ? half : throw new ArgumentException($"Value {place} is beyond binary16's 65504; keep bf16 or float32.");
    }
}
