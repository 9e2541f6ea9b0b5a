using System.Globalization;
using System.Numerics;
using System.Security.Cryptography;
using System.Text;
using Comity.Federation.Sites;
using Comity.SecureAggregation.Protocol;

namespace Comity.Federation.Masking;

/// <summary>How statistics stand under masks: every number as a whole number of fixed width in a few words, which add up exactly and can't wrap.</summary>
/// <remarks>
/// <code>
/// count: 52 bits        sum: 80 bits before the point, 96 behind it        each + 2ᵇ⁻¹, cut into limbs that leave room for the carries of all sites
/// </code>
/// A double has 53 bits, so a sum of squares of values of the order of 1e-9 keeps eight digits and one of 1e11 all that it had. What does not fit is refused, never cut.
/// The form (names and lengths) is part of the masked round's plan: sites whose statistics differ in form have different keys, and no sum.
/// </remarks>
public sealed class MaskedNumbers
{
    /// <summary>b of the ring.</summary>
    internal const int Bits = 32;

    private const int WholeBits = 52, RealBits = 176, FractionBits = 96;

    private readonly Statistics _form;
    private readonly int _limbBits;

    /// <param name="form">Parts in their order; their values don't matter.</param>
    /// <param name="sites">Most sites in a sum.</param>
    /// <exception cref="ArgumentException">A part is no sum; see <see cref="NotASum"/>.</exception>
    public MaskedNumbers(Statistics form, int sites)
    {
        ArgumentNullException.ThrowIfNull(form);
        if (NotASum(form) is { } other) throw new ArgumentException($"'{other}' is no sum.", nameof(form));
        ArgumentOutOfRangeException.ThrowIfLessThan(sites, 1);
        (_form, _limbBits) = (form, Bits - (32 - BitOperations.LeadingZeroCount((uint)sites)));
        Length = form.Parts.Sum(p => checked(p.Values.Count * WordsOf(p)));
        Digest = DigestOf(form);
    }

    /// <summary>Words of a vector; 0: there is nothing to sum.</summary>
    public int Length { get; }

    /// <summary>What tells the form from others, 16 hexadecimal digits.</summary>
    public string Digest { get; }

    /// <summary>The first part that can't be learnt as a sum (an extreme, a union of labels); null: all can.</summary>
    public static string? NotASum(Statistics form)
    {
        ArgumentNullException.ThrowIfNull(form);
        return form.Parts.FirstOrDefault(p => p.Merge != MergeRule.Sum)?.Name;
    }

    /// <summary>Names and lengths without a number in them: what a site tells before it sends anything under masks.</summary>
    public static Statistics FormOf(Statistics raw)
    {
        ArgumentNullException.ThrowIfNull(raw);
        return new([.. raw.Parts.Select(p => new StatisticPart(p.Name, p.Merge, new double[p.Values.Count], []) { Whole = p.Whole })]);
    }

    /// <summary>The same numbers once noise was added, so that counts are whole numbers no more.</summary>
    public static Statistics Fractional(Statistics statistics)
    {
        ArgumentNullException.ThrowIfNull(statistics);
        return new([.. statistics.Parts.Select(p => p with { Whole = false })]);
    }

    /// <summary>One site's words; null: a number does not fit, or the form is another.</summary>
    public uint[]? Encode(Statistics values)
    {
        ArgumentNullException.ThrowIfNull(values);
        if (DigestOf(values) != Digest) return null;
        var (words, at) = (new uint[Length], 0);
        foreach (var part in values.Parts)
        {
            var (bits, fraction, width) = (BitsOf(part), part.Whole ? 0 : FractionBits, WordsOf(part));
            foreach (var value in part.Values)
            {
                if (!double.IsFinite(value) || (part.Whole && value != Math.Floor(value))) return null;
                var whole = Scaled(value, fraction) + (BigInteger.One << (bits - 1));
                if (whole.Sign < 0 || whole.GetBitLength() > bits) return null;
                for (var i = 0; i < width; i++) words[at++] = (uint)((whole >> (i * _limbBits)) & ((BigInteger.One << _limbBits) - 1));
            }
        }
        return words;
    }

    /// <summary>The sums of all sites' numbers.</summary>
    /// <param name="sum">Words as they came out from under the masks.</param>
    /// <param name="contributors">How many sites are in it.</param>
    public Statistics Decode(ReadOnlySpan<uint> sum, int contributors)
    {
        if (sum.Length != Length) throw new ArgumentException($"{sum.Length} words; {Length} were expected.", nameof(sum));
        var (parts, at) = (new List<StatisticPart>(_form.Parts.Count), 0);
        foreach (var part in _form.Parts)
        {
            var (bits, fraction, width) = (BitsOf(part), part.Whole ? 0 : FractionBits, WordsOf(part));
            var values = new double[part.Values.Count];
            for (var v = 0; v < values.Length; v++)
            {
                var whole = -((BigInteger)contributors << (bits - 1));
                for (var i = 0; i < width; i++) whole += (BigInteger)sum[at++] << (i * _limbBits);
                values[v] = Math.ScaleB((double)whole, -fraction);
            }
            parts.Add(part with { Values = values });
        }
        return new Statistics(parts);
    }

    internal static WordSource Source(uint[] words) => (at, to) => words.AsSpan(at, to.Length).CopyTo(to);

    private static int BitsOf(StatisticPart part) => part.Whole ? WholeBits : RealBits;

    private int WordsOf(StatisticPart part) => (BitsOf(part) + _limbBits - 1) / _limbBits;

    // value · 2^fraction, rounded to the nearest whole number.
    private static BigInteger Scaled(double value, int fraction)
    {
        if (value == 0) return 0;
        var exponent = Math.ILogB(value) - 52;
        var mantissa = (BigInteger)Math.ScaleB(value, -exponent);
        var shift = exponent + fraction;
        return shift >= 0 ? mantissa << Math.Min(shift, 2 * RealBits) : (mantissa + (BigInteger.One << (-shift - 1))) >> -shift;
    }

    private static string DigestOf(Statistics form)
    {
        var text = string.Join('\n', form.Parts.Select(p => string.Create(CultureInfo.InvariantCulture, $"{p.Name}\u001f{p.Values.Count}\u001f{p.Whole}")));
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)))[..16];
    }
}
