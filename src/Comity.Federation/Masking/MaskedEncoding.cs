using System.Numerics.Tensors;
using Comity.Federation.Privacy;
using Comity.Federation.Studies;
using Comity.Privacy.Noise;
using Comity.SecureAggregation.FixedPoint;
using Comity.SecureAggregation.Protocol;

namespace Comity.Federation.Masking;

/// <summary>How a site's answer stands under the mask: its rows, its losses and its update, all as whole numbers that add up exactly.</summary>
/// <remarks>
/// <code>
/// weight | sites with a validation loss | training loss × weight | validation loss × weight | weighted update [P] | unweighted second part [P]
/// </code>
/// Only the sum is ever decoded: the mean comes from summed values over summed weights, so no site's count is needed in the clear.
/// </remarks>
public sealed class MaskedEncoding
{
    private const int Weight = 0, Validated = 1, FirstLoss = 2;

    private readonly WideScalar _loss;
    private readonly bool _weighted;

    /// <param name="section">What the study says.</param>
    /// <param name="weights">Whether a site weighs its rows.</param>
    /// <param name="sites">Most sites in a sum.</param>
    /// <param name="parameters">P.</param>
    /// <param name="parts">Vectors in an update: 2 with control variates, else 1.</param>
    /// <exception cref="ArgumentException">No modulus of at most 32 bits is enough; says what would fit.</exception>
    public MaskedEncoding(SecureAggregationSection section, UpdateWeights weights, int sites, int parameters, int parts)
    {
        ArgumentNullException.ThrowIfNull(section);
        _weighted = weights == UpdateWeights.Rows;
        var largest = _weighted ? section.MaximalRows : 1;
        FixedPoint = section.Resolution is { } resolution
            ? FixedPointEncoding.Choose(section.Clip, largest, sites, resolution)
            : FixedPointEncoding.Finest(section.Clip, largest, sites);
        _loss = new WideScalar(FixedPoint.Bits, sites, largest);
        (Parameters, Parts) = (parameters, parts);
    }

    /// <param name="ring">A ring for updates that all weigh the same.</param>
    /// <param name="sites">Most sites in a sum.</param>
    /// <param name="parameters">P.</param>
    internal MaskedEncoding(FixedPointEncoding ring, int sites, int parameters)
    {
        (FixedPoint, _loss, Parameters, Parts) = (ring, new WideScalar(ring.Bits, sites, 1), parameters, 1);
    }

    /// <summary>What an update below the clip adds to the count, so that noise on the count can be finer than one.</summary>
    internal const int CountUnits = 256;

    /// <summary>The ring.</summary>
    public FixedPointEncoding FixedPoint { get; }

    /// <summary>P.</summary>
    public int Parameters { get; }

    /// <summary>Vectors in an update.</summary>
    public int Parts { get; }

    /// <summary>Words of one answer.</summary>
    public int Length => checked(Front + (Parameters * Parts));

    private int Front => FirstLoss + (2 * _loss.Words);

    /// <summary>Whether an update fits: finite, and no coordinate above the clip.</summary>
    public bool Fits(ReadOnlySpan<float> body) => body.IsEmpty || MathF.Abs(TensorPrimitives.MaxMagnitude(body)) <= FixedPoint.Clip; // NaN is not

    /// <summary>What a number of rows weighs; null: more than the study allows, or none.</summary>
    public long? WeightOf(int rows) => rows < 1 ? null : !_weighted ? 1 : rows <= FixedPoint.MaximalWeight ? rows : null;

    /// <summary>One site's words.</summary>
    /// <param name="body">The update, shape [Parts · P], which <see cref="Fits"/>.</param>
    /// <param name="weight">Of <see cref="WeightOf"/>.</param>
    /// <param name="loss">Mean training loss; finite.</param>
    /// <param name="validationLoss">NaN: none.</param>
    public WordSource Words(ReadOnlyMemory<float> body, long weight, double loss, double validationLoss)
    {
        var front = new uint[Front];
        front[Weight] = (uint)weight;
        front[Validated] = double.IsFinite(validationLoss) ? 1u : 0;
        _loss.Write(loss, weight, front.AsSpan(FirstLoss));
        _loss.Write(double.IsFinite(validationLoss) ? validationLoss : 0, weight, front.AsSpan(FirstLoss + _loss.Words));
        return (at, words) =>
        {
            if (at < Front)
            {
                var copied = Math.Min(words.Length, Front - at);
                front.AsSpan(at, copied).CopyTo(words);
                at += copied;
                words = words[copied..];
            }
            var first = at - Front;
            var weighted = Math.Clamp(Parameters - first, 0, words.Length);
            FixedPoint.Encode(body.Span.Slice(first, weighted), weight, words[..weighted]);
            // Changes of control variates count the same for every site, whatever its rows.
            if (weighted < words.Length) FixedPoint.Encode(body.Span.Slice(first + weighted, words.Length - weighted), FixedPoint.MaximalWeight, words[weighted..]);
        };
    }

    /// <summary>One site's words under site-level privacy: its clipped update, whether it was below the clip, and the site's share of noise on both.</summary>
    internal WordSource Words(ReadOnlyMemory<float> body, bool unclipped, NoiseShare? share, NoiseStream? noise)
    {
        var plain = Words(body, 1, 0, double.NaN);
        var ring = FixedPoint;
        var (onValues, onCount) = share is null ? (null, null) : (new DiscreteGaussian(share.Sigma), share.CountSigma > 0 ? new DiscreteGaussian(Math.Max(share.CountSigma, 1)) : null);
        var largest = (long)(ring.Clip / ring.Step);
        return (at, words) =>
        {
            plain(at, words);
            // Without noise on it the count of updates below the clip must not come out exactly; the coordinator's own noise needs it.
            if (at == 0) words[Validated] = (uint)((unclipped && (share is null || onCount is not null) ? CountUnits : 0) + (onCount?.Sample(noise!) ?? 0)) & (uint.MaxValue >> (32 - ring.Bits));
            if (onValues is null) return;
            for (var i = Math.Max(0, Front - at); i < words.Length; i++)
            {
                // The ring holds twelve deviations; what would pass them is held, which noise already hides.
                var noised = Math.Clamp(ring.Signed(words[i]) + onValues.Sample(noise!), -largest, largest);
                words[i] = (uint)noised & (uint.MaxValue >> (32 - ring.Bits));
            }
        };
    }

    /// <summary>Takes a sum in, from its first word to its last.</summary>
    /// <param name="contributors">How many sites are in it.</param>
    public MaskedSum Open(int contributors) => new(this, contributors);

    internal MaskedMeans Means(ReadOnlySpan<uint> front, int contributors)
    {
        var weight = _weighted ? (long)front[Weight] : contributors;
        var all = front[Validated] == (uint)contributors;
        Unclipped = (double)FixedPoint.Signed(front[Validated]) / CountUnits;
        return new(weight, _loss.Read(front[FirstLoss..], contributors) / weight, all ? _loss.Read(front[(FirstLoss + _loss.Words)..], contributors) / weight : double.NaN);
    }

    internal int FrontWords => Front;

    /// <summary>Of the sum that was read last: how many updates were not longer than the clip, with noise where the study shares it out.</summary>
    internal double Unclipped { get; private set; }
}

/// <summary>What stands before the update in a sum.</summary>
/// <param name="Weight">Summed weights.</param>
/// <param name="Loss">Weighted mean training loss.</param>
/// <param name="ValidationLoss">Weighted mean validation loss; NaN where a site had none.</param>
public readonly record struct MaskedMeans(long Weight, double Loss, double ValidationLoss);

/// <summary>A sum as it comes out from under the masks: the mean update, and the means beside it.</summary>
public sealed class MaskedSum
{
    private readonly MaskedEncoding _encoding;
    private readonly int _contributors;

    internal MaskedSum(MaskedEncoding encoding, int contributors) =>
        (_encoding, _contributors, Update) = (encoding, contributors, new float[encoding.Parameters * encoding.Parts]);

    /// <summary>Summed weight and mean losses.</summary>
    public MaskedMeans Means { get; private set; }

    /// <summary>The weighted mean of the updates, shape [P]; behind it, where there is one, the plain sum of the second parts.</summary>
    public float[] Update { get; }

    /// <summary>The next words.</summary>
    public void Take(int offset, ReadOnlySpan<uint> words)
    {
        var front = _encoding.FrontWords;
        if (offset == 0)
        {
            // The first stretch is longer than what stands before the update, or the whole sum.
            Means = _encoding.Means(words[..front], _contributors);
            offset = front;
            words = words[front..];
        }
        var first = offset - front;
        var weighted = Math.Clamp(_encoding.Parameters - first, 0, words.Length);
        _encoding.FixedPoint.Decode(words[..weighted], Means.Weight, Update.AsSpan(first, weighted));
        if (weighted < words.Length)
            _encoding.FixedPoint.Decode(words[weighted..], _encoding.FixedPoint.MaximalWeight, Update.AsSpan(first + weighted, words.Length - weighted));
    }
}
