namespace Comity.Federation.Encodings;

/// <summary>Packs a stretch of values into fewer bits and unpacks it again, block by block.</summary>
/// <remarks>
/// Packed bits are carried as floats, of which nobody asks what number they are: spools, digests, chunks and uploads then take an encoded update as
/// they take any other. Blocks lie one after the other and each has the same length but the last, so any of them is found without the others.
/// </remarks>
internal abstract class UpdateCodec
{
    /// <summary>Values of a block; a divisor of <see cref="VectorEncoding.MostValues"/>.</summary>
    public abstract int BlockValues { get; }

    /// <summary>Whether the site adds what an encoding lost to its next update (error feedback).</summary>
    public virtual bool HasFeedback => false;

    /// <summary>Packed floats of so many values, counted from the start of a block.</summary>
    public abstract int PackedLength(int values);

    /// <summary>Packs.</summary>
    /// <param name="values">Finite, from the start of a block; at most <see cref="VectorEncoding.MostValues"/>.</param>
    /// <param name="packed">Overwritten; as long as <see cref="PackedLength"/> says.</param>
    /// <returns>Null; else a code of <see cref="Rounds.RefusalReason"/>: the values can't be packed.</returns>
    public abstract string? Encode(ReadOnlySpan<float> values, Span<float> packed);

    /// <summary>Unpacks. What comes from elsewhere is trusted in nothing.</summary>
    /// <param name="packed">As long as <see cref="PackedLength"/> says.</param>
    /// <param name="values">Overwritten.</param>
    /// <returns>Null; else a code of <see cref="Rounds.RefusalReason"/>: no encoder writes such bits.</returns>
    public abstract string? Decode(ReadOnlySpan<float> packed, Span<float> values);
}

/// <summary>Values as they are: for running statistics, whose variances an error could carry below zero.</summary>
internal sealed class Float32Codec : UpdateCodec
{
    public override int BlockValues => 1;

    public override int PackedLength(int values) => values;

    public override string? Encode(ReadOnlySpan<float> values, Span<float> packed)
    {
        values.CopyTo(packed);
        return null;
    }

    public override string? Decode(ReadOnlySpan<float> packed, Span<float> values)
    {
        packed.CopyTo(values);
        return null;
    }
}
