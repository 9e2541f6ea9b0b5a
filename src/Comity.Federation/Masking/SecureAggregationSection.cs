using Comity.Declarations;
using Comity.SecureAggregation.Graphs;

namespace Comity.Federation.Masking;

/// <summary>Secure aggregation (Bonawitz et al. 2017; Bell et al. 2020): every site's update leaves under masks that cancel in the sum only.</summary>
[Switch]
[Doc("Secure aggregation: every site's update leaves it under masks, and the coordinator learns the sum only. true for the defaults.")]
public sealed record SecureAggregationSection
{
    /// <summary>What the coordinator may do beyond reading what it gets.</summary>
    [Doc("semi-honest: the coordinator follows the protocol, and more than half of the sites must stay. lying-coordinator: it may lie about who dropped, so sites sign the list of survivors before anything is unmasked, and more than two thirds must stay.")]
    public AdversaryModel Adversary { get; init; }

    /// <summary>Who masks with whom.</summary>
    [Doc("Who masks with whom: everybody with everybody (complete), a k-regular graph (sparse), or complete up to 100 sites and sparse above (by-size).")]
    public GraphChoice Graph { get; init; }

    /// <summary>Largest absolute value of a coordinate of an update.</summary>
    [Doc("Largest absolute value of a coordinate of an update. A site whose update passes it sends none: nothing is cut or wrapped silently."), Within(0, 1e6, AboveLow = true)]
    public double Clip { get; init; } = 8;

    /// <summary>Most training rows of a site; its count is under the mask too.</summary>
    [Doc("Most training rows that a site may have. Its real count stays under the mask; a smaller bound gives finer numbers."), Within(1, 100_000_000)]
    public long MaximalRows { get; init; } = 100_000;

    /// <summary>Distance of two values that can be told apart; null: the finest that fits 32 bits.</summary>
    [Doc("Distance of two values that can be told apart, before weighting; the finest that fits 32 bits by default. A coarser one sends fewer bits."), Within(0, 1e6, AboveLow = true)]
    public double? Resolution { get; init; }
}
