namespace Comity.Learning;

/// <summary>Encoded rows ready for a model. A view: nothing is copied.</summary>
public sealed class Dataset
{
    /// <param name="features">Shape [rows, width], row-major.</param>
    /// <param name="labels">Shape [rows]: the index of the class, or the value.</param>
    /// <param name="width">Features in a row.</param>
    /// <exception cref="ArgumentException">The lengths do not fit one another.</exception>
    public Dataset(ReadOnlyMemory<float> features, ReadOnlyMemory<float> labels, int width)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(width);
        if ((long)labels.Length * width != features.Length)
            throw new ArgumentException($"{labels.Length} labels and a width of {width} need {(long)labels.Length * width} features, not {features.Length}.", nameof(features));
        (Features, Labels, Width) = (features, labels, width);
    }

    /// <summary>Number of rows.</summary>
    public int Rows => Labels.Length;

    /// <summary>Features in a row.</summary>
    public int Width { get; }

    /// <summary>Shape [<see cref="Rows"/>, <see cref="Width"/>], row-major.</summary>
    public ReadOnlyMemory<float> Features { get; }

    /// <summary>Shape [<see cref="Rows"/>]: the index of the class, or the value.</summary>
    public ReadOnlyMemory<float> Labels { get; }

    /// <summary>A copy of chosen rows, in the order given.</summary>
    public Dataset Choose(ReadOnlySpan<int> rows)
    {
        var features = new float[rows.Length * Width];
        var labels = new float[rows.Length];
        for (var i = 0; i < rows.Length; i++)
        {
            Features.Span.Slice(rows[i] * Width, Width).CopyTo(features.AsSpan(i * Width));
            labels[i] = Labels.Span[rows[i]];
        }
        return new Dataset(features, labels, Width);
    }
}
