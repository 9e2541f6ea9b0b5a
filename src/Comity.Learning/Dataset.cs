using Comity.Tensors;
using Comity.Tensors.Differentiation;

namespace Comity.Learning;

/// <summary>Encoded rows ready for a model. A view: nothing is copied, and rows may overlap, as windows over a long series do.</summary>
public sealed class Dataset
{
    private readonly ReadOnlyMemory<int> _starts; // in floats; empty: one row after another

    /// <param name="features">Shape [rows, width], row-major.</param>
    /// <param name="labels">Shape [rows]: the index of the class, or the value.</param>
    /// <param name="width">Features in a row.</param>
    /// <exception cref="ArgumentException">The lengths do not fit one another.</exception>
    public Dataset(ReadOnlyMemory<float> features, ReadOnlyMemory<float> labels, int width)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(width);
        if ((long)labels.Length * width != features.Length)
            throw new ArgumentException($"{labels.Length} labels and a width of {width} need {(long)labels.Length * width} features, not {features.Length}.", nameof(features));
        (Values, Labels, Width) = (features, labels, width);
    }

    private Dataset(ReadOnlyMemory<float> values, ReadOnlyMemory<int> starts, ReadOnlyMemory<float> labels, int width) =>
        (Values, _starts, Labels, Width) = (values, starts, labels, width);

    /// <summary>Number of rows.</summary>
    public int Rows => Labels.Length;

    /// <summary>Features in a row.</summary>
    public int Width { get; }

    /// <summary>Whether rows are windows into <see cref="Values"/> rather than lying one after another.</summary>
    public bool IsWindowed => !_starts.IsEmpty;

    /// <summary>All floats that rows are made of.</summary>
    public ReadOnlyMemory<float> Values { get; }

    /// <summary>Where each row starts in <see cref="Values"/>, in floats, shape [<see cref="Rows"/>]; empty where rows lie one after another.</summary>
    public ReadOnlyMemory<int> Starts => _starts;

    /// <summary>Shape [<see cref="Rows"/>, <see cref="Width"/>], row-major.</summary>
    /// <exception cref="InvalidOperationException">Rows are windows; take them with <see cref="Row"/> or <see cref="CopyRows"/>.</exception>
    public ReadOnlyMemory<float> Features =>
        !IsWindowed ? Values : throw new InvalidOperationException("These rows overlap, so they are no matrix; take them with Row or CopyRows.");

    /// <summary>Shape [<see cref="Rows"/>]: the index of the class, or the value.</summary>
    public ReadOnlyMemory<float> Labels { get; }

    /// <summary>Rows that are windows into one run of floats and may overlap.</summary>
    /// <param name="values">What windows are cut from.</param>
    /// <param name="starts">Where each row starts, in floats, shape [rows].</param>
    /// <param name="labels">Shape [rows].</param>
    /// <param name="width">Floats in a row.</param>
    /// <exception cref="ArgumentException">A window leaves the values, or the lengths do not fit.</exception>
    public static Dataset Windows(ReadOnlyMemory<float> values, ReadOnlyMemory<int> starts, ReadOnlyMemory<float> labels, int width)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(width);
        if (starts.Length != labels.Length) throw new ArgumentException($"{starts.Length} windows and {labels.Length} labels do not fit.", nameof(starts));
        foreach (var start in starts.Span)
        {
            if (start < 0 || (long)start + width > values.Length)
                throw new ArgumentException($"A window of {width} floats from {start} leaves {values.Length} values.", nameof(starts));
        }
        return starts.IsEmpty ? new Dataset(ReadOnlyMemory<float>.Empty, labels, width) : new Dataset(values, starts, labels, width);
    }

    /// <summary>One row, shape [<see cref="Width"/>].</summary>
    public ReadOnlySpan<float> Row(int row) => Values.Span.Slice(IsWindowed ? _starts.Span[row] : row * Width, Width);

    /// <summary>Copies chosen rows, in the order given.</summary>
    /// <param name="rows">Which.</param>
    /// <param name="to">Shape [rows, <see cref="Width"/>]; overwritten.</param>
    public void CopyRows(ReadOnlySpan<int> rows, Span<float> to)
    {
        if (to.Length != (long)rows.Length * Width) throw new ArgumentException($"{to.Length} floats do not hold {rows.Length} rows of {Width}.", nameof(to));
        for (var i = 0; i < rows.Length; i++) Row(rows[i]).CopyTo(to[(i * Width)..]);
    }

    /// <summary>Chosen rows, in the order given; only windows are not copied.</summary>
    public Dataset Choose(ReadOnlySpan<int> rows)
    {
        var labels = new float[rows.Length];
        for (var i = 0; i < rows.Length; i++) labels[i] = Labels.Span[rows[i]];
        if (IsWindowed)
        {
            var starts = new int[rows.Length];
            for (var i = 0; i < rows.Length; i++) starts[i] = _starts.Span[rows[i]];
            return Windows(Values, starts, labels, Width);
        }
        var features = new float[rows.Length * Width];
        CopyRows(rows, features);
        return new Dataset(features, labels, Width);
    }

    /// <summary>Chosen rows on a tape.</summary>
    internal Tensor OnTape(Tape tape, ReadOnlySpan<int> rows)
    {
        var tensor = tape.Blank(new Shape(rows.Length, Width), out var values);
        CopyRows(rows, values);
        return tensor;
    }

    /// <summary>Rows one after another on a tape; only windows are copied.</summary>
    /// <param name="tape">The tape.</param>
    /// <param name="pinned">Address of <see cref="Values"/>, held until the pass is over.</param>
    /// <param name="first">The first row.</param>
    /// <param name="count">How many.</param>
    internal unsafe Tensor OnTape(Tape tape, float* pinned, int first, int count)
    {
        if (!IsWindowed) return tape.External(pinned + (nint)first * Width, new Shape(count, Width));
        var tensor = tape.Blank(new Shape(count, Width), out var values);
        for (var i = 0; i < count; i++) Row(first + i).CopyTo(values[(i * Width)..]);
        return tensor;
    }
}
