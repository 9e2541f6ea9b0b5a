using System.Buffers.Binary;
using Comity.Data.Tables;

namespace Comity.Data.Images;

/// <summary>An IDX file of unsigned bytes (LeCun's format of MNIST): a count, further sizes, and the values.</summary>
/// <param name="Sizes">The count first; then height and width, of images.</param>
/// <param name="Values">The values, row-major.</param>
internal sealed record IdxFile(IReadOnlyList<int> Sizes, ReadOnlyMemory<byte> Values)
{
    private const byte UnsignedByte = 8;

    public int Count => Sizes[0];

    /// <summary>The values of one item.</summary>
    public ReadOnlySpan<byte> Item(int index)
    {
        var length = Values.Length / Math.Max(1, Count);
        return Values.Span.Slice(index * length, length);
    }

    /// <summary>Reads a whole file.</summary>
    /// <param name="bytes">The file, unpacked.</param>
    /// <param name="dimensions">3: images, 1: labels.</param>
    /// <exception cref="ContentException">What is wrong, and at which byte.</exception>
    public static IdxFile Parse(ReadOnlyMemory<byte> bytes, int dimensions)
    {
        var file = bytes.Span;
        if (file.Length < 4 || file[0] != 0 || file[1] != 0) throw new ContentException("idx-magic", 0);
        if (file[2] != UnsignedByte) throw new ContentException("idx-type", 2, FormattableString.Invariant($"0x{file[2]:X2}"));
        if (file[3] != dimensions) throw new ContentException("idx-dimensions", 3, FormattableString.Invariant($"{file[3]} ≠ {dimensions}"));
        var start = 4 + 4 * dimensions;
        if (file.Length < start) throw new ContentException("idx-cut-off", file.Length, FormattableString.Invariant($"{file.Length} < {start}"));
        var sizes = new int[dimensions];
        var product = 1L;
        for (var d = 0; d < dimensions; d++)
        {
            var size = BinaryPrimitives.ReadUInt32BigEndian(file[(4 + 4 * d)..]);
            if (size > int.MaxValue || (d > 0 && size == 0)) throw new ContentException("idx-dimensions", 4 + 4 * d, FormattableString.Invariant($"{size}"));
            sizes[d] = (int)size;
            product = product > int.MaxValue ? product : product * size;
        }
        if (file.Length - start != product)
            throw new ContentException(file.Length - start < product ? "idx-cut-off" : "idx-too-long", Math.Min(file.Length, start + product), FormattableString.Invariant($"{file.Length - start} ≠ {product}"));
        return new IdxFile(sizes, bytes[start..]);
    }
}
