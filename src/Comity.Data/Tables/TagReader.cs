using System.Text;
using Comity.Data.Contracts;
using Comity.Data.Texts;

namespace Comity.Data.Tables;

/// <summary>Reads the tags of a text, with blanks between them; that they are as many as its words is checked when both are there.</summary>
internal sealed class TagReader(LabelSection label, IEnumerable<string> missing, CellProblems problems) : ColumnReader(label.Column, missing, problems)
{
    private readonly HashSet<string> _known = [.. label.Classes];
    private readonly List<string?> _values = [];
    private readonly List<CellPlace> _places = [];

    public override bool Add(ReadOnlySpan<byte> cell, in CellPlace place)
    {
        _places.Add(place);
        if (IsMissing(cell))
        {
            _values.Add(null);
            return false; // a text without tags can neither teach nor test
        }
        var text = Encoding.UTF8.GetString(cell);
        if (WordBuckets.WordsOf(text).FirstOrDefault(tag => !_known.Contains(tag)) is { } strange)
            Problems.Add("tag-unknown", Name, place, Encoding.UTF8.GetBytes(strange), string.Join(", ", label.Classes));
        _values.Add(text);
        return true;
    }

    public override TableColumn Build() => new TextColumn(Name, [.. _values]);

    /// <summary>Tokens of each text that have a tag and that a model sees; NaN: none have.</summary>
    /// <param name="texts">The texts.</param>
    /// <param name="most">Tokens that a model sees.</param>
    /// <param name="cut">Texts that are longer.</param>
    public float[] Counts(TextColumn texts, int most, out int cut)
    {
        var counts = new float[_values.Count];
        cut = 0;
        for (var i = 0; i < counts.Length; i++)
        {
            var (words, tags) = (texts.Values[i] is { } text ? WordBuckets.WordsOf(text).Length : 0, _values[i] is { } given ? WordBuckets.WordsOf(given).Length : 0);
            if (_values[i] is not null && words != tags) Problems.Add("tag-count", Name, _places[i], [], texts.Name);
            if (words > most) cut++;
            counts[i] = tags == 0 || words != tags ? float.NaN : Math.Min(most, tags);
        }
        return counts;
    }
}
