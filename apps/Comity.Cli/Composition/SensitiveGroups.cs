using System.Globalization;
using Comity.Data.Contracts;
using Comity.Data.Tables;

namespace Comity.Cli.Composition;

/// <summary>To which group of a sensitive attribute each row belongs.</summary>
/// <param name="Attribute">The column.</param>
/// <param name="Names">Names of the groups.</param>
/// <param name="Codes">Index into <paramref name="Names"/> by row; −1: not known.</param>
internal sealed record SensitiveGroups(string Attribute, IReadOnlyList<string> Names, int[] Codes)
{
    public static SensitiveGroups Of(RecordTable table, SensitiveSection sensitive, ReadOnlySpan<int> rows)
    {
        var column = table[sensitive.Column];
        var codes = new int[rows.Length];
        if (column is LevelColumn levels)
        {
            for (var i = 0; i < codes.Length; i++) codes[i] = levels.Codes[rows[i]];
            return new SensitiveGroups(sensitive.Column, levels.Levels, codes);
        }
        var values = ((NumberColumn)column).Values;
        for (var i = 0; i < codes.Length; i++)
        {
            var value = values[rows[i]];
            codes[i] = float.IsNaN(value) ? -1 : sensitive.Cuts.Count(cut => value >= cut);
        }
        return new SensitiveGroups(sensitive.Column, Intervals(sensitive.Cuts), codes);
    }

    /// <summary>Several sites' rows one after the other; a site may know groups that another does not.</summary>
    public static SensitiveGroups Concatenate(IReadOnlyList<SensitiveGroups> parts)
    {
        var names = parts.SelectMany(p => p.Names).Distinct(StringComparer.Ordinal).ToList();
        var codes = parts.SelectMany(p =>
        {
            var index = p.Names.Select(n => names.IndexOf(n)).ToArray();
            return p.Codes.Select(c => c < 0 ? -1 : index[c]);
        });
        return new SensitiveGroups(parts[0].Attribute, names, [.. codes]);
    }

    private static List<string> Intervals(IReadOnlyList<double> cuts)
    {
        string Text(double cut) => cut.ToString("R", CultureInfo.InvariantCulture);
        var names = new List<string> { $"< {Text(cuts[0])}" };
        for (var i = 1; i < cuts.Count; i++) names.Add($"{Text(cuts[i - 1])} – < {Text(cuts[i])}");
        names.Add($"≥ {Text(cuts[^1])}");
        return names;
    }
}
