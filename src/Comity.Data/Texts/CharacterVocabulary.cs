using System.Text;
using Comity.Data.Tables;

namespace Comity.Data.Texts;

/// <summary>Numbers of the characters that all sites agreed on. A character is one of Unicode's, not one of UTF-16's halves.</summary>
/// <remarks>The first numbers are no characters: padding, unknown, separator, mask.</remarks>
public sealed class CharacterVocabulary
{
    /// <summary>What fills a row after its text.</summary>
    public const int Padding = 0;

    /// <summary>What stands for a character that is not in the vocabulary.</summary>
    public const int Unknown = 1;

    /// <summary>What begins a text.</summary>
    public const int Separator = 2;

    /// <summary>The number of the first character; 3 hides what is to be predicted.</summary>
    public const int First = 4;

    private readonly IReadOnlyList<string> _characters;
    private readonly Dictionary<Rune, int> _numbers = [];

    /// <param name="characters">The characters in the order of their numbers.</param>
    public CharacterVocabulary(IReadOnlyList<string> characters)
    {
        ArgumentNullException.ThrowIfNull(characters);
        _characters = characters;
        for (var i = 0; i < characters.Count; i++) _numbers.TryAdd(Rune.GetRuneAt(characters[i], 0), First + i);
    }

    /// <summary>How many numbers there are.</summary>
    public int Count => First + _characters.Count;

    /// <summary>The number of a character; <see cref="Unknown"/> for those that are not here.</summary>
    public int NumberOf(Rune character) => _numbers.GetValueOrDefault(character, Unknown);

    /// <summary>The character of a number; U+FFFD where it is none.</summary>
    public string TextOf(int number) => number >= First && number < Count ? _characters[number - First] : "\uFFFD";

    /// <summary>Writes a row: the separator, then the text, cut off where the row ends, then padding.</summary>
    /// <param name="text">The text.</param>
    /// <param name="row">Shape [tokens + 1]; overwritten.</param>
    /// <returns>Characters written.</returns>
    public int Encode(string text, Span<float> row)
    {
        ArgumentNullException.ThrowIfNull(text);
        row.Clear();
        row[0] = Separator;
        var at = 1;
        foreach (var character in text.EnumerateRunes())
        {
            if (at == row.Length) break;
            row[at++] = NumberOf(character);
        }
        return at - 1;
    }

    /// <summary>Characters that chosen rows hold at least so often, in the order of their code points' UTF-16 form.</summary>
    internal static string[] Met(TextColumn texts, ReadOnlySpan<int> rows, int minimum)
    {
        var counts = new Dictionary<Rune, int>();
        foreach (var row in rows)
        {
            foreach (var character in (texts.Values[row] ?? "").EnumerateRunes()) counts[character] = counts.GetValueOrDefault(character) + 1;
        }
        return [.. counts.Where(c => c.Value >= minimum).Select(c => c.Key.ToString()).Order(StringComparer.Ordinal)];
    }
}
