namespace Comity.Transport.Identity;

/// <summary>Base 32 for people: no letter that is easily taken for another when it is read out.</summary>
/// <remarks>Douglas Crockford, "Base 32": the digits and the letters but I, L, O and U; I and L read as 1, O as 0.</remarks>
internal static class Crockford
{
    private const string Alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

    public static string Encode(ReadOnlySpan<byte> bytes)
    {
        Span<char> text = new char[(bytes.Length * 8 + 4) / 5];
        var (buffer, bits, at) = (0, 0, 0);
        foreach (var each in bytes)
        {
            buffer = (buffer << 8 | each) & 0xFFFF;
            for (bits += 8; bits >= 5; bits -= 5) text[at++] = Alphabet[buffer >> (bits - 5) & 31];
        }
        if (bits > 0) text[at] = Alphabet[buffer << (5 - bits) & 31];
        return new string(text);
    }

    /// <summary>The bytes, or null where a character is none of the alphabet. Dashes and blanks are skipped, case is ignored.</summary>
    public static byte[]? Decode(ReadOnlySpan<char> text)
    {
        var bytes = new List<byte>(text.Length * 5 / 8);
        var (buffer, bits) = (0, 0);
        foreach (var character in text)
        {
            if (character is '-' or ' ') continue;
            var value = Value(character);
            if (value < 0) return null;
            buffer = (buffer << 5 | value) & 0xFFFF;
            bits += 5;
            if (bits < 8) continue;
            bits -= 8;
            bytes.Add((byte)(buffer >> bits));
        }
        // What is left over must be padding: otherwise two texts would mean the same bytes.
        return bits >= 5 || (buffer & (1 << bits) - 1) != 0 ? null : [.. bytes];
    }

    private static int Value(char character) => char.ToUpperInvariant(character) switch
    {
        'O' => 0,
        'I' or 'L' => 1,
        var c => Alphabet.IndexOf(c, StringComparison.Ordinal),
    };
}
