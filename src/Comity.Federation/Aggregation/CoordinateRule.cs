namespace Comity.Federation.Aggregation;

/// <summary>Rules that look at all values of one coordinate (Yin et al. 2018, arXiv:1803.01498). Every site counts once.</summary>
internal abstract class CoordinateRule : CombineRule
{
    public override int Slice(RoundUpdates updates) => Math.Min(updates.SliceOfAll, Math.Max(1, updates.Parameters));

    /// <summary>A slice of every update, and a column of them.</summary>
    public override int Scratch(RoundUpdates updates) => (Slice(updates) + 1) * updates.Count;

    public override void Combine(RoundUpdates updates, int offset, bool observed, Span<float> scratch, Span<double> difference)
    {
        var length = difference.Length;
        var all = scratch[..(length * updates.Count)];
        var column = scratch.Slice(length * updates.Count, updates.Count);
        for (var i = 0; i < updates.Count; i++) updates.Read(i, offset, all.Slice(i * length, length));
        for (var j = 0; j < length; j++)
        {
            for (var i = 0; i < column.Length; i++) column[i] = all[(i * length) + j];
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
