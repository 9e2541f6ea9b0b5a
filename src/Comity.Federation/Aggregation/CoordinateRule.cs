namespace Comity.Federation.Aggregation;

/// <summary>Rules that look at all values of one coordinate (Yin et al. 2018, arXiv:1803.01498). Every site counts once.</summary>
internal abstract class CoordinateRule : CombineRule
{
    private float[] _all = [];
    private float[] _column = [];

    public override int Slice(RoundUpdates updates) => updates.SliceOfAll;

    public override void Prepare(RoundUpdates updates)
    {
        _all = new float[Math.Min(Slice(updates), Math.Max(1, updates.Parameters)) * updates.Count];
        _column = new float[updates.Count];
    }

    public override void Combine(RoundUpdates updates, int offset, bool observed, Span<double> difference)
    {
        var length = difference.Length;
        for (var i = 0; i < updates.Count; i++) updates.Read(i, offset, _all.AsSpan(i * length, length));
        var column = _column.AsSpan();
        for (var j = 0; j < length; j++)
        {
            for (var i = 0; i < column.Length; i++) column[i] = _all[(i * length) + j];
            column.Sort();
            difference[j] = OfSorted(column);
        }
    }

    protected abstract double OfSorted(ReadOnlySpan<float> values);
}

/// <summary>The median; of an even number the mean of the two in the middle.</summary>
internal sealed class MedianRule : CoordinateRule
{
    protected override double OfSorted(ReadOnlySpan<float> values)
    {
        var middle = values.Length / 2;
        return values.Length % 2 == 1 ? values[middle] : ((double)values[middle - 1] + values[middle]) / 2;
    }
}

/// <summary>The mean without the <paramref name="dropped"/> smallest and largest values.</summary>
internal sealed class TrimmedMeanRule(Func<int, int> dropped) : CoordinateRule
{
    protected override double OfSorted(ReadOnlySpan<float> values)
    {
        var cut = dropped(values.Length);
        var kept = values[cut..^cut];
        var sum = 0.0;
        foreach (var value in kept) sum += value;
        return sum / kept.Length;
    }
}
