using Comity.Tensors.Parameters;

namespace Comity.Federation.Aggregation;

/// <summary>A stretch of the vector that is treated alike.</summary>
/// <param name="Offset">First element.</param>
/// <param name="Length">Elements.</param>
/// <param name="Observed">Running statistics of a batch normalisation: averaged, never optimised.</param>
public readonly record struct ParameterSegment(int Offset, int Length, bool Observed)
{
    /// <summary>The layout as the fewest stretches.</summary>
    public static IReadOnlyList<ParameterSegment> Of(ParameterLayout layout)
    {
        ArgumentNullException.ThrowIfNull(layout);
        var segments = new List<ParameterSegment>();
        foreach (var entry in layout.Entries)
        {
            var observed = entry.Role == ParameterRole.BatchNormStatistic;
            if (segments.Count > 0 && segments[^1].Observed == observed) segments[^1] = segments[^1] with { Length = segments[^1].Length + entry.Length };
            else segments.Add(new(entry.Offset, entry.Length, observed));
        }
        return segments;
    }
}
