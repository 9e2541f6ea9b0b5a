using System.Text;
using Comity.Data.Sources;
using Comity.Declarations;

namespace Comity.Data.Identifiers;

/// <summary>Makes a table that points at persons less: columns with direct identifiers go, dates, ages and places become coarser, and records that are still alone may go.</summary>
/// <remarks>
/// By HIPAA's Safe Harbor, 45 CFR 164.514(b)(2). It finds what names and forms tell, and nothing in free text but addresses; that nobody in the records can be recognised is for a person to judge.
/// </remarks>
public sealed class Deidentifier
{
    private const int LongestList = 100_000_000;
    private readonly string _file;
    private readonly IReadOnlyList<string> _header;
    private readonly List<string[]> _rows;

    private Deidentifier(string file, IReadOnlyList<string> header, List<string[]> rows) => (_file, _header, _rows) = (file, header, rows);

    /// <summary>The columns.</summary>
    public IReadOnlyList<string> Header => _header;

    /// <summary>Reads a CSV file (plain or .gz); null, with the reason among the problems, where that can't be done.</summary>
    /// <param name="path">The file.</param>
    /// <param name="delimiter">Separator; <c>tab</c> for tabulators.</param>
    /// <param name="problems">Where problems go; none shows a value.</param>
    public static Deidentifier? Read(string path, string delimiter, ProblemList problems)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentNullException.ThrowIfNull(problems);
        if (CsvText.Read(path, path, new SourceSection { Csv = path, Delimiter = delimiter }, problems) is not { } text) return null;
        var rows = new List<string[]>();
        using var reader = text.Open(line => problems.Add(Messages.Problem("quote-open", Place.InFile(path, line))));
        while (!problems.HasErrors && reader.Read())
        {
            // A value of a record of another width would stand in the wrong column, and stay there.
            if (reader.FieldCount != text.Header.Count) problems.Add(Messages.Problem("deidentify-width", Place.InFile(path, text.Line(reader)), reader.FieldCount, text.Header.Count));
            else if (rows.Count == LongestList) problems.Add(Messages.Problem("deidentify-long", Place.InFile(path), LongestList));
            else rows.Add([.. Enumerable.Range(0, text.Header.Count).Select(i => Encoding.UTF8.GetString(reader.GetSpan(i)))]);
        }
        return problems.HasErrors ? null : new Deidentifier(path, text.Header, rows);
    }

    /// <summary>What seems to point at persons, column by column.</summary>
    public IReadOnlyList<IdentifierFinding> Find() => [.. _header.Select((column, i) => IdentifierScan.Of(column, _rows.Select(r => r[i]))).OfType<IdentifierFinding>()];

    /// <summary>Does what was asked, or what the findings call for.</summary>
    /// <param name="plan">What is wanted.</param>
    /// <param name="problems">Where problems go: columns that are not there.</param>
    /// <returns>Null: there are problems.</returns>
    public Deidentified? Apply(DeidentificationPlan plan, ProblemList problems)
    {
        ArgumentNullException.ThrowIfNull(plan);
        ArgumentNullException.ThrowIfNull(problems);
        foreach (var named in new[] { plan.Keep, plan.Drop, plan.Known, plan.Sensitive is { } one ? [one] : [] }.SelectMany(c => c).Distinct(StringComparer.Ordinal).Where(c => !_header.Contains(c)))
            problems.Add(Messages.Problem("deidentify-column", Place.InFile(_file), named, string.Join(", ", _header)));
        foreach (var both in plan.Keep.Intersect(plan.Drop, StringComparer.Ordinal)) problems.Add(Messages.Problem("deidentify-both", Place.InFile(_file), both));
        if (problems.HasErrors) return null;
        var found = Find().ToDictionary(f => f.Column, StringComparer.Ordinal);
        var columns = _header.Select((c, i) => Treat(c, i, found.GetValueOrDefault(c), plan)).ToList();
        var kept = Enumerable.Range(0, _header.Count).Where(i => columns[i].Treatment != Treatment.Dropped).ToList();
        var rows = _rows.ConvertAll(row => kept.ConvertAll(i => Value(columns[i], row[i], plan)).ToArray());

        var header = kept.ConvertAll(i => _header[i]);
        var known = plan.Known.Count > 0 ? plan.Known : [.. header.Where(c => IsKnown(c, columns[_header.ToList().IndexOf(c)]))];
        var places = known.Where(header.Contains).Select(c => header.IndexOf(c)).ToList();
        var learnt = plan.Sensitive is { } sensitive && header.Contains(sensitive) ? header.IndexOf(sensitive) : -1;
        Anonymity Judge(List<string[]> of) => Anonymity.Of([.. of.Select(r => (IReadOnlyList<string>)[.. places.Select(p => r[p])])], learnt < 0 ? null : [.. of.Select(r => r[learnt])], plan.K);
        var before = Judge(rows);
        var suppressed = 0;
        if (plan.Suppress && before.BelowK > 0)
        {
            string Key(string[] row) => Anonymity.KeyOf([.. places.Select(p => row[p])]);
            var sizes = rows.GroupBy(Key, StringComparer.Ordinal).ToDictionary(g => g.Key, g => g.Count(), StringComparer.Ordinal);
            suppressed = rows.RemoveAll(r => sizes[Key(r)] < plan.K);
        }
        return new Deidentified(header, rows, columns, [.. places.Select(p => header[p])], plan.K, before, Judge(rows), suppressed);
    }

    private TreatedColumn Treat(string column, int index, IdentifierFinding? finding, DeidentificationPlan plan)
    {
        TreatedColumn As(Treatment treatment) => new(column, finding?.Kind, finding?.Matched ?? 0, finding?.Values ?? _rows.Count(r => r[index].Length > 0), treatment);
        if (plan.Drop.Contains(column)) return As(Treatment.Dropped);
        if (plan.Keep.Contains(column)) return As(Treatment.Kept);
        if (IdentifierRules.IsAge(column) && Mostly(index, v => Generalisation.AgeBand(v).Length > 0)) return As(Treatment.AgeBand);
        return As(finding?.Kind switch
        {
            null => Treatment.Kept,
            IdentifierKind.Date when Mostly(index, IdentifierRules.IsDay) => IsBirth(column) ? Treatment.YearOfBirth : Treatment.Year,
            IdentifierKind.Place when Mostly(index, v => Generalisation.Zip3(v).Length > 0) => Treatment.Zip3,
            _ => Treatment.Dropped,
        });
    }

    private bool Mostly(int index, Func<string, bool> is_) => _rows.Count(r => r[index].Length > 0) is > 0 and var filled && _rows.Count(r => r[index].Length > 0 && is_(r[index])) >= 0.9 * filled;

    // What does not become coarser is left out: the one date in another form would be the one that stays.
    private static string Value(TreatedColumn column, string value, DeidentificationPlan plan) => column.Treatment switch
    {
        Treatment.AgeBand => Generalisation.AgeBand(value, plan.AgeYears),
        Treatment.Year => Generalisation.Year(value),
        Treatment.YearOfBirth => Generalisation.Year(value, plan.Now),
        Treatment.Zip3 => Generalisation.Zip3(value),
        _ => value,
    };

    private static bool IsBirth(string column) => new[] { "birth", "dob", "geburt", "出生", "生日" }.Any(w => column.Contains(w, StringComparison.OrdinalIgnoreCase));

    private static bool IsKnown(string column, TreatedColumn treated) => treated.Treatment is Treatment.AgeBand or Treatment.Year or Treatment.YearOfBirth or Treatment.Zip3
        || new[] { "sex", "gender", "race", "ethnicity", "marital", "occupation", "性别", "民族", "职业", "geschlecht" }.Any(w => column.Contains(w, StringComparison.OrdinalIgnoreCase));
}

/// <summary>What is wanted of a de-identification.</summary>
public sealed record DeidentificationPlan
{
    /// <summary>Columns that stay as they are, whatever seems to be in them.</summary>
    public IReadOnlyList<string> Keep { get; init; } = [];

    /// <summary>Columns that go, whatever seems to be in them.</summary>
    public IReadOnlyList<string> Drop { get; init; } = [];

    /// <summary>Columns that an outsider may know (quasi-identifiers); empty: those that were made coarser, and those that sound like it.</summary>
    public IReadOnlyList<string> Known { get; init; } = [];

    /// <summary>What an outsider would learn; null: nothing is named.</summary>
    public string? Sensitive { get; init; }

    /// <summary>Fewest records that shall share a combination of what is known.</summary>
    public int K { get; init; } = 5;

    /// <summary>Whether records in smaller combinations go.</summary>
    public bool Suppress { get; init; }

    /// <summary>Width of an age band, in years.</summary>
    public int AgeYears { get; init; } = 10;

    /// <summary>The year in which the data are handed on.</summary>
    public required int Now { get; init; }
}

/// <summary>What became of a column.</summary>
public enum Treatment
{
    /// <summary>Nothing: it stays as it is.</summary>
    Kept,

    /// <summary>It went.</summary>
    Dropped,

    /// <summary>Ages became bands.</summary>
    AgeBand,

    /// <summary>Days became years.</summary>
    Year,

    /// <summary>Days of birth became years, those that tell an age above 89 one.</summary>
    YearOfBirth,

    /// <summary>ZIP codes became their first three digits.</summary>
    Zip3,
}

/// <summary>A column and what became of it. It holds counts only, never a value.</summary>
/// <param name="Column">Its name.</param>
/// <param name="Kind">What it seemed to hold; null: nothing that points at persons.</param>
/// <param name="Matched">Values whose form said so.</param>
/// <param name="Values">Values that are not empty.</param>
/// <param name="Treatment">What became of it.</param>
public sealed record TreatedColumn(string Column, IdentifierKind? Kind, int Matched, int Values, Treatment Treatment);

/// <summary>A table that points at persons less.</summary>
/// <param name="Header">Its columns.</param>
/// <param name="Rows">Its records.</param>
/// <param name="Columns">What became of each column of the source.</param>
/// <param name="Known">Columns that count as known to outsiders.</param>
/// <param name="K">The k that was asked for.</param>
/// <param name="Before">How alone records are, before any went.</param>
/// <param name="After">How alone they are in the end.</param>
/// <param name="Suppressed">Records that went.</param>
public sealed record Deidentified(
    IReadOnlyList<string> Header, IReadOnlyList<string[]> Rows, IReadOnlyList<TreatedColumn> Columns, IReadOnlyList<string> Known, int K, Anonymity Before, Anonymity After, int Suppressed)
{
    /// <summary>Writes the table as CSV (RFC 4180).</summary>
    public void Write(TextWriter writer)
    {
        ArgumentNullException.ThrowIfNull(writer);
        foreach (var row in Rows.Prepend([.. Header])) writer.Write(string.Join(',', row.Select(Quote)) + "\n");
    }

    private static string Quote(string text) => text.AsSpan().IndexOfAny(",\"\n\r") < 0 ? text : $"\"{text.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
}
