using Comity.Federation.Rounds;

namespace Comity.Federation.Spool;

/// <summary>The updates of a round in site order, read slice by slice so that they need not fit into memory.</summary>
public interface IUpdateSet
{
    /// <summary>Number of updates.</summary>
    int Count { get; }

    /// <summary>What is known of an update.</summary>
    UpdateHeader Header(int update);

    /// <summary>Reads a slice of an update's body. Several threads may read at once.</summary>
    /// <param name="update">Index in site order.</param>
    /// <param name="offset">First float of the body wanted.</param>
    /// <param name="destination">Filled whole.</param>
    void Read(int update, int offset, Span<float> destination);
}
