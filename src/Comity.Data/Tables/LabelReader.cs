using System.Globalization;
using System.Text;
using Comity.Data.Contracts;

namespace Comity.Data.Tables;

/// <summary>Reads class labels into indices; a numeric label is read by <see cref="NumberReader"/>.</summary>
internal sealed class LabelReader : ColumnReader
{
    private const float Unknown = -2;
    private readonly LabelSection _label;
    private readonly List<float> _classes = [];
    private readonly Dictionary<string, float> _meaning = new(StringComparer.Ordinal);
    private readonly Dictionary<string, float>.AlternateLookup<ReadOnlySpan<char>> _lookup;
    private readonly HashSet<string> _positive;
    private readonly HashSet<string> _negative;
    private readonly List<string> _classLevels;
    private readonly string _expected;

    public LabelReader(LabelSection label, IEnumerable<string> missing, CellProblems problems) : base(label.Column, missing, problems)
    {
        _label = label;
        _lookup = _meaning.GetAlternateLookup<ReadOnlySpan<char>>();
        _positive = [.. (label.Positive?.Values ?? []).Select(Level.Canonical)];
        _negative = [.. label.Negative.Select(Level.Canonical)];
        _classLevels = [.. label.Classes.Select(Level.Canonical)];
        _expected = label.Positive switch
        {
            { Operator: not null } => label.Positive.Text,
            null => string.Join(", ", label.Classes),
            _ => string.Join(", ", label.Negative.Concat(label.Positive.Values)),
        };
    }

    public List<float> Classes => _classes;

    public override bool Add(ReadOnlySpan<byte> cell, in CellPlace place)
    {
        var text = Encoding.UTF8.GetString(cell);
        if (!_lookup.TryGetValue(text, out var index)) _meaning.Add(text, index = MeaningOf(cell, text));
        if (index == Unknown) Problems.Add(_label.Positive?.Operator is null ? "label-unknown" : "label-not-number", Name, place, cell, _expected);
        _classes.Add(index == Unknown ? float.NaN : index);
        return !float.IsNaN(index); // a row without a label can neither teach nor test
    }

    public override TableColumn Build() => new NumberColumn(Name, [.. _classes]);

    private float MeaningOf(ReadOnlySpan<byte> cell, string text)
    {
        if (IsMissing(cell)) return float.NaN;
        if (_label.Positive is { Operator: not null } rule)
        {
            if (!double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) || !double.IsFinite(number)) return Unknown;
            return rule.IsPositive(number) ? 1 : 0;
        }
        var level = Level.Canonical(text);
        if (_label.Positive is null) return _classLevels.IndexOf(level) is >= 0 and var index ? index : Unknown;
        if (_positive.Contains(level)) return 1;
        return _negative.Count == 0 || _negative.Contains(level) ? 0 : Unknown;
    }
}
