using System.Text;

namespace Comity.Data.Texts;

/// <summary>Numbers of words: a hash into so many buckets. Sites need to agree on nothing, and no word, which may be a name, leaves one.</summary>
/// <remarks>Weinberger et al. 2009, "Feature Hashing for Large Scale Multitask Learning" (arXiv:0902.2206). Words that share a bucket are the same to a model.</remarks>
public sealed class WordBuckets
{
    private readonly int _buckets;

    /// <param name="buckets">How many, at least 1.</param>
    public WordBuckets(int buckets)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(buckets);
        _buckets = buckets;
    }

    /// <summary>How many numbers there are; the first four are no words, as in <see cref="CharacterVocabulary"/>.</summary>
    public int Count => CharacterVocabulary.First + _buckets;

    /// <summary>The words of a text: what stands between its blanks.</summary>
    public static string[] WordsOf(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
    }

    /// <summary>The number of a word.</summary>
    public int NumberOf(string word)
    {
        ArgumentNullException.ThrowIfNull(word);
        // FNV-1a over UTF-8, stirred once more: its low bits alone follow the last letters.
        var hash = 14695981039346656037UL;
        foreach (var unit in Encoding.UTF8.GetBytes(word)) hash = (hash ^ unit) * 1099511628211UL;
        hash = (hash ^ (hash >> 32)) * 0x9E3779B97F4A7C15UL;
        return CharacterVocabulary.First + (int)((hash >> 32) % (ulong)_buckets);
    }

    /// <summary>Writes a row: the separator, then the words, cut off where the row ends, then padding.</summary>
    /// <param name="text">The text.</param>
    /// <param name="row">Shape [tokens + 1]; overwritten.</param>
    /// <returns>Words written.</returns>
    public int Encode(string text, Span<float> row)
    {
        row.Clear();
        row[0] = CharacterVocabulary.Separator;
        var words = WordsOf(text);
        var count = Math.Min(words.Length, row.Length - 1);
        for (var i = 0; i < count; i++) row[1 + i] = NumberOf(words[i]);
        return count;
    }

    /// <summary>Writes tags beside words: 0 for the separator, then the number of each tag from 1, cut off where the row ends.</summary>
    /// <param name="text">The tags with blanks between them; null: none are known.</param>
    /// <param name="tags">The tags in the order of their numbers.</param>
    /// <param name="row">Shape [tokens + 1]; overwritten.</param>
    internal static void EncodeTags(string? text, IReadOnlyList<string> tags, Span<float> row)
    {
        row.Clear();
        if (text is null) return;
        var given = WordsOf(text);
        for (var i = 0; i < Math.Min(given.Length, row.Length - 1); i++) row[1 + i] = 1 + IndexOf(tags, given[i]);
    }

    internal static int IndexOf(IReadOnlyList<string> tags, string tag)
    {
        for (var k = 0; k < tags.Count; k++) if (tags[k] == tag) return k;
        return -1;
    }
}
