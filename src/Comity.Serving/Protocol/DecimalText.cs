using System.Globalization;

namespace Comity.Serving.Protocol;

/// <summary>Reads numbers of JSON, the usual short ones quickly.</summary>
/// <remarks>
/// A decimal m·10⁻ᵏ whose m and 10ᵏ are exact in the format is rounded once, by the one division: the result is the nearest number, as the platform's parser gives it
/// (Clinger 1990, "How to read floating point numbers accurately", the fast path). Whatever else is left to that parser.
/// </remarks>
internal static class DecimalText
{
    private static ReadOnlySpan<double> Powers => [1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22];

    private static ReadOnlySpan<float> SinglePowers => [1, 1e1f, 1e2f, 1e3f, 1e4f, 1e5f, 1e6f, 1e7f, 1e8f, 1e9f, 1e10f];

    /// <summary>The double nearest to a number that is written as JSON allows.</summary>
    public static double Double(ReadOnlySpan<byte> text)
    {
        if (!Short(text, out var digits, out var places, out var negative) || digits > 1L << 53 || places >= Powers.Length) return double.Parse(text, NumberStyles.Float, CultureInfo.InvariantCulture);
        var value = digits / Powers[places];
        return negative ? -value : value;
    }

    /// <summary>The float nearest to a number that is written as JSON allows.</summary>
    public static float Single(ReadOnlySpan<byte> text)
    {
        if (!Short(text, out var digits, out var places, out var negative) || digits > 1 << 24 || places >= SinglePowers.Length) return float.Parse(text, NumberStyles.Float, CultureInfo.InvariantCulture);
        var value = digits / SinglePowers[places];
        return negative ? -value : value;
    }

    // Digits with at most one point among them, no exponent, at most 18 characters: the sum can't overflow.
    private static bool Short(ReadOnlySpan<byte> text, out long digits, out int places, out bool negative)
    {
        (digits, places, negative) = (0, 0, text.Length > 0 && text[0] == '-');
        var at = negative ? 1 : 0;
        if (text.Length > 18 + at) return false;
        for (; at < text.Length; at++)
        {
            var digit = (uint)(text[at] - '0');
            if (digit > 9) break;
            digits = (10 * digits) + digit;
        }
        if (at == text.Length) return true;
        if (text[at++] != '.') return false;
        places = text.Length - at;
        for (; at < text.Length; at++)
        {
            var digit = (uint)(text[at] - '0');
            if (digit > 9) return false;
            digits = (10 * digits) + digit;
        }
        return true;
    }
}
