using System.Buffers;
using Comity.Federation.Rounds;
using Comity.Federation.Spool;

namespace Comity.Federation.Encodings;

/// <summary>A round's encoded updates as the numbers that they stand for, unpacked slice by slice while they are read: memory stays a few slices.</summary>
/// <param name="packed">The updates as they lie in the spool, which the gate has judged.</param>
/// <param name="encoding">How they were written.</param>
internal sealed class DecodedUpdates(IUpdateSet packed, VectorEncoding encoding) : IUpdateSet
{
    public int Count => packed.Count;

    public UpdateHeader Header(int update) => packed.Header(update);

    public void Read(int update, int offset, Span<float> destination)
    {
        foreach (var piece in encoding.Covering(offset, destination.Length))
        {
            var bits = ArrayPool<float>.Shared.Rent(piece.PackedLength);
            var values = ArrayPool<float>.Shared.Rent(piece.Length);
            try
            {
                packed.Read(update, piece.Packed, bits.AsSpan(0, piece.PackedLength));
                if (piece.Codec.Decode(bits.AsSpan(0, piece.PackedLength), values.AsSpan(0, piece.Length)) is { } fault)
                    throw new InvalidDataException($"The update of '{Header(update).Site}' was sound when it arrived and is {fault} now.");
                // A block may begin before what is wanted, and end behind it.
                var (from, until) = (Math.Max(offset, piece.Offset), (int)Math.Min((long)offset + destination.Length, (long)piece.Offset + piece.Length));
                values.AsSpan(from - piece.Offset, until - from).CopyTo(destination[(from - offset)..]);
            }
            finally
            {
                ArrayPool<float>.Shared.Return(bits);
                ArrayPool<float>.Shared.Return(values);
            }
        }
    }
}
