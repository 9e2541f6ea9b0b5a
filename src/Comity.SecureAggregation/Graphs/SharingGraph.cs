namespace Comity.SecureAggregation.Graphs;

/// <summary>Who masks with whom: everybody with everybody, or a k-regular graph for many sites.</summary>
/// <remarks>
/// Bell, Bonawitz, Gascón, Lepoint and Raykova 2020 (ePrint 2020/704). The Harary graph joins each place on a circle to the k/2 nearest on
/// either side; which site stands where is decided by a hash of the round, so that nobody chooses its neighbours.
/// </remarks>
public sealed class SharingGraph
{
    private readonly int[][] _neighbours;

    private SharingGraph(int[][] neighbours) => _neighbours = neighbours;

    /// <summary>Number of sites.</summary>
    public int Sites => _neighbours.Length;

    /// <summary>Neighbours of each site; all sites have equally many.</summary>
    public int Degree => _neighbours[0].Length;

    /// <summary>The neighbours of a site, in ascending order.</summary>
    public IReadOnlyList<int> NeighboursOf(int site) => _neighbours[site];

    /// <summary>Everybody with everybody.</summary>
    public static SharingGraph Complete(int sites)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(sites, 2);
        return new([.. Enumerable.Range(0, sites).Select(site => Enumerable.Range(0, sites).Where(other => other != site).ToArray())]);
    }

    /// <summary>A circle with k/2 neighbours on either side.</summary>
    /// <param name="sites">n.</param>
    /// <param name="degree">k, even, below n.</param>
    /// <param name="seating">The site at each place of the circle, a permutation of 0…n−1.</param>
    public static SharingGraph Harary(int sites, int degree, IReadOnlyList<int> seating)
    {
        ArgumentNullException.ThrowIfNull(seating);
        if (degree < 2 || degree >= sites || degree % 2 != 0) throw new ArgumentOutOfRangeException(nameof(degree), degree, $"Must be even, at least 2 and below {sites}.");
        if (seating.Count != sites || seating.Distinct().Count() != sites || seating.Any(site => site < 0 || site >= sites))
            throw new ArgumentException("Must seat every site once.", nameof(seating));
        var neighbours = new int[sites][];
        for (var place = 0; place < sites; place++)
        {
            neighbours[seating[place]] =
            [
                .. Enumerable.Range(1, degree / 2).SelectMany(step => new[] { seating[(place + step) % sites], seating[(place - step + sites) % sites] }).Order(),
            ];
        }
        return new(neighbours);
    }
}
