using System.Runtime.InteropServices;
using Comity.Data.Contracts;

namespace Comity.Data.Tables;

/// <summary>Records that are grids of values in equal blocks: the planes of an image's channels, the bands of a spectrogram.</summary>
/// <remarks>Blocks are what is normalised together: each has one mean and one deviation.</remarks>
public abstract class GridColumn : TableColumn
{
    private readonly bool[] _missing;

    private protected GridColumn(string name, FeatureKind kind, int blocks, int blockLength, bool[] missing) : base(name, kind) =>
        (Blocks, BlockLength, _missing) = (blocks, blockLength, missing);

    /// <summary>Blocks of a record.</summary>
    public int Blocks { get; }

    /// <summary>Values of a block.</summary>
    public int BlockLength { get; }

    /// <summary>Records.</summary>
    public int Rows => _missing.Length;

    /// <summary>Values of a record.</summary>
    public int Length => Blocks * BlockLength;

    /// <inheritdoc/>
    public override bool IsMissing(int row) => _missing[row];

    /// <summary>A record's values as numbers (of an image from 0 to 1), shape [<see cref="Length"/>].</summary>
    public abstract void Read(int row, Span<float> to);

    private protected override int RowCount => _missing.Length;

    internal abstract ReadOnlySpan<byte> BytesOf(int row);

    internal bool[] TakeMissing(ReadOnlySpan<int> rows)
    {
        var taken = new bool[rows.Length];
        for (var i = 0; i < rows.Length; i++) taken[i] = _missing[rows[i]];
        return taken;
    }

    // FNV-1a; equal hashes are compared value by value.
    internal override long Key(int row)
    {
        var hash = 0xcbf29ce484222325;
        foreach (var value in BytesOf(row)) hash = (hash ^ value) * 0x100000001b3;
        return (long)hash;
    }
}

/// <summary>Images of one size, a byte a sample, channel by channel.</summary>
public sealed class ImageColumn : GridColumn
{
    private readonly byte[] _samples;

    internal ImageColumn(string name, int channels, int height, int width, byte[] samples, bool[] missing) : base(name, FeatureKind.Image, channels, height * width, missing) =>
        (Height, Width, _samples) = (height, width, samples);

    /// <summary>Rows of pixels.</summary>
    public int Height { get; }

    /// <summary>Columns of pixels.</summary>
    public int Width { get; }

    /// <summary>One record's samples, shape [channels, height, width].</summary>
    public ReadOnlySpan<byte> this[int row] => _samples.AsSpan(row * Length, Length);

    /// <inheritdoc/>
    public override void Read(int row, Span<float> to)
    {
        var from = this[row];
        for (var i = 0; i < from.Length; i++) to[i] = from[i] * (1f / 255);
    }

    internal override ReadOnlySpan<byte> BytesOf(int row) => this[row];

    internal override TableColumn Take(ReadOnlySpan<int> rows)
    {
        var taken = new byte[checked(rows.Length * Length)];
        for (var i = 0; i < rows.Length; i++) this[rows[i]].CopyTo(taken.AsSpan(i * Length));
        return new ImageColumn(Name, Blocks, Height, Width, taken, TakeMissing(rows));
    }
}

/// <summary>Recordings of one length as what a model hears: the bands of a spectrum over time, or the waveform.</summary>
public sealed class SoundColumn : GridColumn
{
    private readonly float[] _values;

    internal SoundColumn(string name, int bands, int frames, float[] values, bool[] missing) : base(name, FeatureKind.Audio, bands, frames, missing) => _values = values;

    /// <summary>One record's values, shape [bands, frames].</summary>
    public ReadOnlySpan<float> this[int row] => _values.AsSpan(row * Length, Length);

    /// <inheritdoc/>
    public override void Read(int row, Span<float> to) => this[row].CopyTo(to);

    internal override ReadOnlySpan<byte> BytesOf(int row) => MemoryMarshal.AsBytes(this[row]);

    internal override TableColumn Take(ReadOnlySpan<int> rows)
    {
        var taken = new float[checked(rows.Length * Length)];
        for (var i = 0; i < rows.Length; i++) this[rows[i]].CopyTo(taken.AsSpan(i * Length));
        return new SoundColumn(Name, Blocks, BlockLength, taken, TakeMissing(rows));
    }
}
