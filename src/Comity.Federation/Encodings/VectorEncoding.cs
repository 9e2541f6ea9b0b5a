using Comity.Federation.Aggregation;
using Comity.Federation.Studies;
using Comity.Tensors.Parameters;

namespace Comity.Federation.Encodings;

/// <summary>How the vectors of one model travel: which bits one side writes and the other reads, the same in one process and over a network.</summary>
/// <remarks>
/// <code>
/// vector [P] ─► stretches of the layout ─► trained: packed by the codec      ─► one vector of packed floats, which is the body
///                                      └─► running statistics: as they are
/// </code>
/// </remarks>
public sealed class VectorEncoding
{
    /// <summary>Most values packed or unpacked in one go.</summary>
    internal const int MostValues = 1 << 16;

    private readonly List<Stretch> _stretches = [];

    private VectorEncoding(string name, UpdateCodec codec, ParameterLayout layout)
    {
        (Name, Parameters, HasFeedback) = (name, layout.Length, codec.HasFeedback);
        var asTheyAre = new Float32Codec();
        var packed = 0;
        foreach (var segment in ParameterSegment.Of(layout))
        {
            var own = segment.Observed ? asTheyAre : codec;
            _stretches.Add(new(segment.Offset, segment.Length, packed, own));
            packed = checked(packed + own.PackedLength(segment.Length));
        }
        PackedLength = packed;
    }

    /// <summary>Name in the study file and in headers.</summary>
    public string Name { get; }

    /// <summary>P.</summary>
    public int Parameters { get; }

    /// <summary>Floats of an encoded vector; four bytes each.</summary>
    public int PackedLength { get; }

    /// <summary>Whether a site adds what the encoding lost to its next update, and remembers it until then.</summary>
    internal bool HasFeedback { get; }

    /// <summary>How a federation declares that its sites' updates travel.</summary>
    /// <param name="section">The section; null: nothing is declared.</param>
    /// <param name="layout">The model's layout.</param>
    /// <returns>Null: updates travel as float32, as they are.</returns>
    public static VectorEncoding? OfUpdates(EncodingSection? section, ParameterLayout layout)
    {
        ArgumentNullException.ThrowIfNull(layout);
        UpdateCodec? codec = section?.Updates switch
        {
            null or Float32UpdatesSection => null,
            Bfloat16UpdatesSection => new Bfloat16Codec(),
            Float16UpdatesSection => new Float16Codec(),
            Int8UpdatesSection => new Int8Codec(),
            TopKUpdatesSection topK => new TopKCodec(topK.Fraction),
            _ => throw new ArgumentOutOfRangeException(nameof(section), section, "Unknown encoding."),
        };
        return codec is null ? null : new VectorEncoding(section!.Updates.Kind, codec, layout);
    }

    /// <summary>How a federation declares that its model travels to the sites.</summary>
    /// <param name="section">The section; null: nothing is declared.</param>
    /// <param name="layout">The model's layout.</param>
    /// <returns>Null: the model travels as float32, as it is.</returns>
    public static VectorEncoding? OfModel(EncodingSection? section, ParameterLayout layout)
    {
        ArgumentNullException.ThrowIfNull(layout);
        return section?.Model switch
        {
            null or ModelEncoding.Float32 => null,
            ModelEncoding.Bf16 => new VectorEncoding("bf16", new Bfloat16Codec(), layout),
            ModelEncoding.Fp16 => new VectorEncoding("fp16", new Float16Codec(), layout),
            _ => throw new ArgumentOutOfRangeException(nameof(section), section, "Unknown encoding."),
        };
    }

    /// <summary>Writes some of an encoded model's packed floats, so that it can be sent from where it lies without a copy of it.</summary>
    /// <param name="values">The whole vector, shape [P], which the encoding holds.</param>
    /// <param name="first">The first packed float wanted.</param>
    /// <param name="packed">Filled whole.</param>
    public void Write(ReadOnlySpan<float> values, int first, Span<float> packed)
    {
        var end = (long)first + packed.Length;
        foreach (var stretch in _stretches)
        {
            if (stretch.Codec.PackedLength(stretch.Codec.BlockValues) != 1) throw new InvalidOperationException($"A model does not travel as {Name}.");
            var (from, until) = (Math.Max(first, stretch.Packed), (int)Math.Min(end, (long)stretch.Packed + stretch.Codec.PackedLength(stretch.Length)));
            if (from >= until) continue;
            var value = (from - stretch.Packed) * stretch.Codec.BlockValues;
            var count = Math.Min(stretch.Length - value, (until - from) * stretch.Codec.BlockValues);
            stretch.Codec.Encode(values.Slice(stretch.Offset + value, count), packed[(from - first)..(until - first)]);
        }
    }

    /// <summary>Reads an encoded vector.</summary>
    /// <param name="packed">As it arrived.</param>
    /// <param name="values">Overwritten, shape [P].</param>
    /// <exception cref="InvalidDataException">Another length, or bits that no encoder writes.</exception>
    public void Read(ReadOnlySpan<float> packed, Span<float> values)
    {
        if (packed.Length != PackedLength) throw new InvalidDataException($"A model of {Parameters} numbers as {Name} has {4L * PackedLength} bytes; {4L * packed.Length} came.");
        if (Decode(packed, values) is { } fault) throw new InvalidDataException($"The model is {fault}.");
    }

    /// <summary>Why a vector can't travel so, as a code of <see cref="Rounds.RefusalReason"/>; null: it can.</summary>
    internal string? Refusal(ReadOnlySpan<float> values)
    {
        var bits = new float[Pieces.Select(p => p.PackedLength).DefaultIfEmpty(0).Max()];
        foreach (var piece in Pieces)
        {
            if (piece.Codec.Encode(values.Slice(piece.Offset, piece.Length), bits.AsSpan(0, piece.PackedLength)) is { } refusal) return refusal;
        }
        return null;
    }

    /// <summary>What is left of a vector once it has travelled. Of that nothing more is lost.</summary>
    /// <param name="values">Shape [P].</param>
    /// <param name="rounded">Overwritten, shape [P].</param>
    /// <returns>Null; else a code of <see cref="Rounds.RefusalReason"/>: a value can't travel so.</returns>
    internal string? Round(ReadOnlySpan<float> values, Span<float> rounded)
    {
        var bits = new float[Pieces.Select(p => p.PackedLength).DefaultIfEmpty(0).Max()];
        foreach (var piece in Pieces)
        {
            var packed = bits.AsSpan(0, piece.PackedLength);
            if (piece.Codec.Encode(values.Slice(piece.Offset, piece.Length), packed) is { } refusal) return refusal;
            piece.Codec.Decode(packed, rounded.Slice(piece.Offset, piece.Length));
        }
        return null;
    }

    /// <summary>The vector cut into pieces that are packed one by one.</summary>
    internal IEnumerable<Piece> Pieces
    {
        get
        {
            foreach (var stretch in _stretches)
            {
                for (var done = 0; done < stretch.Length; done += MostValues)
                {
                    yield return stretch.Piece(done, Math.Min(MostValues, stretch.Length - done));
                    if (stretch.Length - done <= MostValues) break; // done + MostValues may pass the largest int
                }
            }
        }
    }

    /// <summary>Packs an update.</summary>
    /// <param name="values">Shape [P], finite.</param>
    /// <param name="packed">Overwritten, <see cref="PackedLength"/> floats.</param>
    /// <returns>Null; else a code of <see cref="Rounds.RefusalReason"/>.</returns>
    internal string? Encode(ReadOnlySpan<float> values, Span<float> packed)
    {
        foreach (var piece in Pieces)
        {
            if (piece.Codec.Encode(values.Slice(piece.Offset, piece.Length), packed.Slice(piece.Packed, piece.PackedLength)) is { } refusal) return refusal;
        }
        return null;
    }

    /// <summary>Unpacks a whole update.</summary>
    /// <returns>Null; else a code of <see cref="Rounds.RefusalReason"/>.</returns>
    internal string? Decode(ReadOnlySpan<float> packed, Span<float> values)
    {
        foreach (var piece in Pieces)
        {
            if (piece.Codec.Decode(packed.Slice(piece.Packed, piece.PackedLength), values.Slice(piece.Offset, piece.Length)) is { } refusal) return refusal;
        }
        return null;
    }

    /// <summary>The fewest whole blocks that hold a range of values, as pieces.</summary>
    internal IEnumerable<Piece> Covering(int offset, int length)
    {
        var end = (long)offset + length;
        foreach (var stretch in _stretches)
        {
            var until = (int)Math.Min(stretch.Length, end - stretch.Offset);
            for (var from = Math.Max(0, offset - stretch.Offset); from < until;)
            {
                var first = from - (from % stretch.Codec.BlockValues);
                var last = (int)Math.Min(stretch.Length, Math.Min((long)first + MostValues, until + (long)stretch.Codec.BlockValues - 1 - ((until - 1) % stretch.Codec.BlockValues)));
                yield return stretch.Piece(first, last - first);
                from = last;
            }
        }
    }

    /// <summary>Whole blocks of a vector.</summary>
    /// <param name="Offset">First value.</param>
    /// <param name="Length">Values; at most <see cref="MostValues"/>.</param>
    /// <param name="Packed">First packed float.</param>
    /// <param name="PackedLength">Packed floats.</param>
    /// <param name="Codec">What packs them.</param>
    internal readonly record struct Piece(int Offset, int Length, int Packed, int PackedLength, UpdateCodec Codec);

    private sealed record Stretch(int Offset, int Length, int Packed, UpdateCodec Codec)
    {
        public Piece Piece(int first, int values) => new(Offset + first, values, Packed + Codec.PackedLength(first), Codec.PackedLength(values), Codec);
    }
}
