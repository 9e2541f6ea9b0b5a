using Comity.Federation.Spool;

namespace Comity.Federation.Aggregation;

/// <summary>A round's updates as aggregation sees them: bodies on disk, weights p beside them, and buffers of a fixed size.</summary>
public sealed class RoundUpdates
{
    /// <summary>Floats held of all updates together where a rule needs a coordinate of every update at once (512 KiB).</summary>
    internal const int FloatsAtOnce = 1 << 17;

    /// <summary>Most floats of one update read at once.</summary>
    internal const int LongestSlice = 1 << 14;

    private readonly IUpdateSet _updates;

    /// <param name="updates">Updates in site order.</param>
    /// <param name="weights">What each weighs; scaled here to sum to 1.</param>
    /// <param name="parameters">P.</param>
    public RoundUpdates(IUpdateSet updates, IReadOnlyList<double> weights, int parameters)
    {
        ArgumentNullException.ThrowIfNull(updates);
        ArgumentNullException.ThrowIfNull(weights);
        if (updates.Count == 0 || updates.Count != weights.Count) throw new ArgumentException($"There are {updates.Count} updates and {weights.Count} weights.", nameof(weights));
        var sum = weights.Sum();
        if (!(sum > 0 && double.IsFinite(sum))) throw new ArgumentException("The weights must have a positive, finite sum.", nameof(weights));
        (_updates, Parameters, Weights) = (updates, parameters, [.. weights.Select(w => w / sum)]);
    }

    /// <summary>n.</summary>
    public int Count => _updates.Count;

    /// <summary>P.</summary>
    public int Parameters { get; }

    /// <summary>p, summing to 1.</summary>
    public IReadOnlyList<double> Weights { get; }

    /// <summary>The updates.</summary>
    public IUpdateSet Set => _updates;

    /// <summary>Reads a slice of one update.</summary>
    public void Read(int update, int offset, Span<float> destination) => _updates.Read(update, offset, destination);

    /// <summary>Length of slices with which all updates together fit into the buffer.</summary>
    internal int SliceOfAll => Math.Clamp(FloatsAtOnce / Count, 16, LongestSlice);
}
