using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Comity.SecureAggregation.FixedPoint;
using Comity.SecureAggregation.Graphs;

namespace Comity.SecureAggregation.Protocol;

/// <summary>What coordinator and sites agree on before a masked round. Every key, signature and envelope is bound to its digest.</summary>
public sealed class SecureRoundPlan
{
    private readonly byte[] _digest;

    /// <param name="study">The study's identity.</param>
    /// <param name="round">The round; a repeated round gets another number, so that no key serves twice.</param>
    /// <param name="sites">Names of the cohort, at least 3, each once. A site's index is its place here.</param>
    /// <param name="threshold">t: how many holders' shares put a secret together.</param>
    /// <param name="adversary">What the coordinator may do.</param>
    /// <param name="length">Words in a vector, at least 1.</param>
    /// <param name="bits">b: words are modulo 2ᵇ, from 8 to 32; see <see cref="FixedPointEncoding.Bits"/>.</param>
    /// <param name="degree">k of a k-regular graph; null for the complete one.</param>
    /// <exception cref="ArgumentException">Something does not fit; the message says what would.</exception>
    public SecureRoundPlan(string study, int round, IReadOnlyList<string> sites, int threshold, AdversaryModel adversary, int length, int bits, int? degree = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(study);
        ArgumentOutOfRangeException.ThrowIfNegative(round);
        ArgumentNullException.ThrowIfNull(sites);
        ArgumentOutOfRangeException.ThrowIfLessThan(length, 1);
        if (bits is < 8 or > FixedPointEncoding.MaximalBits) throw new ArgumentOutOfRangeException(nameof(bits), bits, "Must lie between 8 and 32.");
        if (sites.Count < 3) throw new ArgumentException($"{sites.Count} sites can't hide one another: each could subtract its own part. At least 3 are needed.", nameof(sites));
        if (sites.Any(string.IsNullOrEmpty) || sites.Distinct(StringComparer.Ordinal).Count() != sites.Count) throw new ArgumentException("Every site needs a name of its own.", nameof(sites));

        (Study, Round, Threshold, Adversary, Length, Bits) = (study, round, threshold, adversary, length, bits);
        Sites = [.. sites];
        var seed = Digest(degree);
        Graph = degree is { } k ? SharingGraph.Harary(sites.Count, k, Seating(seed)) : SharingGraph.Complete(sites.Count);
        _digest = seed;

        var holders = Graph.Degree + 1;
        if (threshold > holders) throw new ArgumentException($"The threshold {threshold} is above the {holders} holders of a secret; no round could end.", nameof(threshold));
        if (threshold < LeastThreshold(holders, adversary))
            throw new ArgumentException($"With {holders} holders of a secret the threshold must be at least {LeastThreshold(holders, adversary)}: below it two disjoint groups could each unmask.", nameof(threshold));
    }

    /// <summary>Fewest vectors whose sum is taken: in a sum of two each would know the other's.</summary>
    public const int LeastContributors = 3;

    /// <summary>A plan with the graph for its number of sites (<see cref="GraphParameters.ForCohort"/>) and the least threshold that is safe there.</summary>
    /// <param name="study">The study's identity.</param>
    /// <param name="round">The round; a repeated round gets another number, so that no key serves twice.</param>
    /// <param name="sites">Names of the cohort, at least 3, each once.</param>
    /// <param name="adversary">What the coordinator may do.</param>
    /// <param name="length">Words in a vector, at least 1.</param>
    /// <param name="bits">b: words are modulo 2ᵇ, from 8 to 32.</param>
    /// <param name="graph">Which graph; by the number of sites unless it says otherwise.</param>
    public static SecureRoundPlan For(string study, int round, IReadOnlyList<string> sites, AdversaryModel adversary, int length, int bits, GraphChoice graph = GraphChoice.BySize)
    {
        ArgumentNullException.ThrowIfNull(sites);
        var (threshold, degree) = Shape(sites.Count, adversary, graph);
        return new(study, round, sites, threshold, adversary, length, bits, degree);
    }

    /// <summary>Threshold and degree that <see cref="For"/> would choose; degree null: the complete graph.</summary>
    public static (int Threshold, int? Degree) Shape(int sites, AdversaryModel adversary, GraphChoice graph) =>
        GraphParameters.ForCohort(sites, adversary, graph) is { } sparse
            ? (Math.Max(LeastContributors, sparse.Threshold), sparse.Degree)
            : (Math.Max(LeastContributors, LeastThreshold(sites, adversary)), null);

    /// <summary>The study's identity.</summary>
    public string Study { get; }

    /// <summary>The round.</summary>
    public int Round { get; }

    /// <summary>The cohort, by index.</summary>
    public IReadOnlyList<string> Sites { get; }

    /// <summary>t: how many holders' shares put a secret together.</summary>
    public int Threshold { get; }

    /// <summary>What the coordinator may do.</summary>
    public AdversaryModel Adversary { get; }

    /// <summary>Words in a vector.</summary>
    public int Length { get; }

    /// <summary>b: words are modulo 2ᵇ.</summary>
    public int Bits { get; }

    /// <summary>Who masks and shares with whom.</summary>
    public SharingGraph Graph { get; }

    /// <summary>SHA-256 over everything above.</summary>
    public ReadOnlySpan<byte> DigestBytes => _digest;

    /// <summary>The least threshold: t &gt; n/2, and t &gt; 2n/3 against a coordinator that may show two lists of survivors.</summary>
    public static int LeastThreshold(int holders, AdversaryModel adversary) =>
        adversary == AdversaryModel.LyingCoordinator ? 2 * holders / 3 + 1 : holders / 2 + 1;

    /// <summary>How many sites must sign one list of survivors; 0 where the coordinator is trusted not to lie.</summary>
    public int RequiredSignatures => Adversary == AdversaryModel.LyingCoordinator ? LeastThreshold(Sites.Count, Adversary) : 0;

    /// <summary>Words under the masks: the vector's and its checksum.</summary>
    internal int Words => Length + 1;

    /// <summary>Bytes of a masked vector as it is sent.</summary>
    public int PackedBytes => RingPacking.PackedBytes(Words, Bits);

    /// <summary>The holders of a site's secrets: its neighbours and itself, in ascending order.</summary>
    internal int[] HoldersOf(int site) => [.. Graph.NeighboursOf(site).Append(site).Order()];

    internal bool Knows(int site) => site >= 0 && site < Sites.Count;

    /// <summary>A statement of one kind about this round, for signing, key derivation or associated data.</summary>
    internal byte[] Statement(string kind, ReadOnlySpan<int> sites, params ReadOnlySpan<byte[]> parts)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Append(hash, Encoding.UTF8.GetBytes("comity/secure-aggregation/v1/" + kind));
        Append(hash, _digest);
        Span<byte> number = stackalloc byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(number, sites.Length);
        hash.AppendData(number);
        foreach (var site in sites)
        {
            BinaryPrimitives.WriteInt32LittleEndian(number, site);
            hash.AppendData(number);
        }
        foreach (var part in parts) Append(hash, part);
        return hash.GetHashAndReset();
    }

    private byte[] Digest(int? degree)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var text = Encoding.UTF8;
        Append(hash, text.GetBytes("comity/secure-aggregation/v1/plan"));
        Append(hash, text.GetBytes(Study));
        Span<byte> numbers = stackalloc byte[4 * 7];
        ReadOnlySpan<int> values = [Round, Sites.Count, Threshold, (int)Adversary, Length, Bits, degree ?? 0];
        for (var i = 0; i < values.Length; i++) BinaryPrimitives.WriteInt32LittleEndian(numbers[(4 * i)..], values[i]);
        hash.AppendData(numbers);
        foreach (var site in Sites) Append(hash, text.GetBytes(site));
        return hash.GetHashAndReset();
    }

    // Seats follow a hash of the plan and the name, which nobody picks alone.
    private int[] Seating(byte[] seed) =>
        [.. Enumerable.Range(0, Sites.Count).OrderBy(site => Convert.ToHexString(SHA256.HashData([.. seed, .. Encoding.UTF8.GetBytes(Sites[site])])), StringComparer.Ordinal)];

    private static void Append(IncrementalHash hash, ReadOnlySpan<byte> part)
    {
        Span<byte> length = stackalloc byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(length, part.Length);
        hash.AppendData(length);
        hash.AppendData(part);
    }
}
