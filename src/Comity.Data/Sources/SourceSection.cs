using Comity.Declarations;

namespace Comity.Data.Sources;

/// <summary>Where a site's records lie: <c>sites[].source</c>. Exactly one of <c>csv</c>, <c>sqlite</c>, <c>postgres</c>, <c>files</c>, <c>idx</c>, <c>text</c> and <c>conll</c>.</summary>
[Doc("Where a site's records lie: a CSV file, a query to SQLite or PostgreSQL, a folder or archive with a file for each record, an IDX file, a plain text, or tagged sentences.")]
public sealed record SourceSection : ICheckedDeclaration
{
    /// <summary>CSV file, plain or .gz, relative to the study.</summary>
    [Doc("CSV file, plain or .gz, relative to the study file; ${NAME} stands for an environment variable.")]
    public string? Csv { get; init; }

    /// <summary>A second file whose rows are the test rows (<c>split: { file: true }</c>).</summary>
    [Doc("A second CSV file of the same form whose rows are the test rows; goes with split: { file: true }.")]
    public string? TestCsv { get; init; }

    /// <summary>Names of the columns, where the file has no header line.</summary>
    [Doc("Names of the columns, where the file has no header line.")]
    public IReadOnlyList<string> Header { get; init; } = [];

    /// <summary>One character between fields.</summary>
    [Doc("The character between fields; default a comma. 'tab' stands for a tab.")]
    public string Delimiter { get; init; } = ",";

    /// <summary>Lines to skip at the start of a file.</summary>
    [Doc("Lines to skip at the start of the file."), Within(0, 1_000_000)]
    public int Skip { get; init; }

    /// <summary>Lines that start with this character are left out.</summary>
    [Doc("Lines that start with this one character are left out.")]
    public string? Comment { get; init; }

    /// <summary>Columns made of others.</summary>
    [Doc("Columns made of others, with blanks between their texts: { time: [year, month, day, hour] }.")]
    public IReadOnlyDictionary<string, IReadOnlyList<string>> Join { get; init; } = new Dictionary<string, IReadOnlyList<string>>();

    /// <summary>Whether blanks around unquoted fields are cut off.</summary>
    [Doc("Whether blanks around unquoted fields are cut off; default true.")]
    public bool Trim { get; init; } = true;

    /// <summary>Folder, or .tar, .tar.gz or .tgz archive, in which each file is a record.</summary>
    [Doc("A folder, or a .tar, .tar.gz or .tgz archive, in which each file is a record: PNG images or WAV recordings.")]
    public string? Files { get; init; }

    /// <summary>A second folder or archive whose files are the test rows (<c>split: { file: true }</c>).</summary>
    [Doc("A second folder or archive whose files are the test rows; goes with split: { file: true }.")]
    public string? TestFiles { get; init; }

    /// <summary>Which files are records, and what their paths say of them.</summary>
    [Doc("Which files are records, and what their paths tell: \"{digit}/{name}.png\" makes the columns digit and name of 7/a.png; * stands for anything within a name, ** also for folders.")]
    public string? Pattern { get; init; }

    /// <summary>IDX files (the format of MNIST), plain or .gz.</summary>
    [Doc("A pair of IDX files, plain or .gz: grey images, and their labels, which become the contract's label column.")]
    public IdxSection? Idx { get; init; }

    /// <summary>A second pair whose rows are the test rows (<c>split: { file: true }</c>).</summary>
    [Doc("A second pair of IDX files whose rows are the test rows; goes with split: { file: true }.")]
    public IdxSection? TestIdx { get; init; }

    /// <summary>Plain text in UTF-8, plain or .gz, cut into pieces of the contract's <c>tokens</c>.</summary>
    [Doc("A plain text in UTF-8, plain or .gz, relative to the study file: cut into pieces of the contract's tokens, each a record, in the order of the text.")]
    public string? Text { get; init; }

    /// <summary>Tagged sentences in CoNLL's form, plain or .gz.</summary>
    [Doc("Tagged sentences in CoNLL's form, UTF-8, plain or .gz: a token a line with its tag in the last column, an empty line between sentences. They become the contract's text and label columns.")]
    public string? Conll { get; init; }

    /// <summary>A second such file whose sentences are the test rows (<c>split: { file: true }</c>).</summary>
    [Doc("A second file of tagged sentences, which are the test rows; goes with split: { file: true }.")]
    public string? TestConll { get; init; }

    /// <summary>SQLite file, relative to the study.</summary>
    [Doc("SQLite database file, relative to the study file.")]
    public string? Sqlite { get; init; }

    /// <summary>PostgreSQL connection string with <c>${NAME}</c> for secrets.</summary>
    [Doc("PostgreSQL connection string; ${NAME} stands for an environment variable, which is where a password belongs.")]
    public string? Postgres { get; init; }

    /// <summary>The SQL query whose result the records are.</summary>
    [Doc("The SQL query whose result the records are; add ORDER BY, so that positions of rows are fixed.")]
    public string? Query { get; init; }

    /// <summary>Which rows of the source are this site's: all conditions hold.</summary>
    [Doc("Which rows of the source are this site's: a column and its values; all conditions must hold.")]
    public IReadOnlyList<RowsSection> Rows { get; init; } = [];

    /// <summary>Which part of those rows is this site's.</summary>
    [Doc("Deals the rows out to several sites: this site's part of so many, by a seeded shuffle.")]
    public PartSection? Part { get; init; }

    /// <summary>Whether some of its rows are the test rows by themselves.</summary>
    internal bool HasTest => TestCsv is not null || TestFiles is not null || TestIdx is not null || TestConll is not null;

    /// <inheritdoc/>
    public void Check(DeclaredNode.Map at, ProblemList problems)
    {
        var kinds = new object?[] { Csv, Sqlite, Postgres, Files, Idx, Text, Conll }.Count(k => k is not null);
        if (kinds != 1) problems.Add(Messages.Problem("source-kind", at.Place, kinds));
        if (Files is null)
        {
            foreach (var key in new[] { "testFiles", "pattern" })
                if (at[key] is { } node) problems.Add(Messages.Problem("source-key", node.Place, key, "files"));
        }
        else if (Pattern is null) problems.Add(Messages.Problem("files-without-pattern", at["files"]!.Place, Files));
        if (Pattern is not null && PathPattern.Parse(Pattern) is null) problems.Add(Messages.Problem("pattern-form", at["pattern"]!.Place, Pattern));
        if (Idx is null && at["testIdx"] is { } testIdx) problems.Add(Messages.Problem("source-key", testIdx.Place, "testIdx", "idx"));
        if (Conll is null && at["testConll"] is { } testConll) problems.Add(Messages.Problem("source-key", testConll.Place, "testConll", "conll"));
        if ((Text ?? Conll) is not null && at["rows"] is { } rows) problems.Add(Messages.Problem("source-key", rows.Place, "rows", "csv, files, idx"));
        if (Csv is null)
        {
            foreach (var key in new[] { "testCsv", "header", "delimiter", "skip", "comment", "trim", "join" })
                if (at[key] is { } node) problems.Add(Messages.Problem("source-key", node.Place, key, "csv"));
            if (kinds == 1 && (Sqlite ?? Postgres) is not null && string.IsNullOrWhiteSpace(Query)) problems.Add(Messages.Problem("source-query", at.Place));
        }
        if ((Sqlite ?? Postgres) is null && at["query"] is { } query)
            problems.Add(Messages.Problem("source-key", query.Place, "query", "sqlite, postgres"));
        if (Delimiter != "tab" && (Delimiter.Length != 1 || Delimiter[0] is '"' or '\n' or '\r' or > '\u007f'))
            problems.Add(Messages.Problem("source-delimiter", at["delimiter"]!.Place, Delimiter));
        if (Comment is not (null or [<= '\u007f'])) problems.Add(Messages.Problem("source-comment", at["comment"]!.Place, Comment));
        foreach (var twice in Header.GroupBy(h => h).Where(g => g.Count() > 1))
            problems.Add(Messages.Problem("column-twice", at["header"]!.Place, twice.Key));
    }
}

/// <summary>Images and labels of one IDX pair.</summary>
[Doc("A pair of IDX files.")]
public sealed record IdxSection
{
    /// <summary>The images.</summary>
    [Doc("File of the images, plain or .gz, relative to the study file.")]
    public required string Images { get; init; }

    /// <summary>Their labels; only for inference may they be absent.</summary>
    [Doc("File of their labels, in the same order.")]
    public required string Labels { get; init; }
}

/// <summary>A condition on a column: <c>{ column: workclass, values: [Private] }</c>.</summary>
[Doc("A condition on a column's value as it is written in the source.")]
public sealed record RowsSection : ICheckedDeclaration
{
    /// <summary>The column; it need not be a feature.</summary>
    [Doc("The column; it need not be a feature.")]
    public required string Column { get; init; }

    /// <summary>Rows with one of these values are meant.</summary>
    [Doc("Rows with one of these values are meant.")]
    public IReadOnlyList<string> Values { get; init; } = [];

    /// <summary>Rows with none of these values are meant.</summary>
    [Doc("Rows with none of these values are meant.")]
    public IReadOnlyList<string> Except { get; init; } = [];

    /// <inheritdoc/>
    public void Check(DeclaredNode.Map at, ProblemList problems)
    {
        if ((Values.Count == 0) == (Except.Count == 0)) problems.Add(Messages.Problem("rows-values", at.Place, Column));
    }
}

/// <summary>One of several equal parts: <c>{ index: 0, of: 1000, seed: 7 }</c>.</summary>
[Doc("One of several equal parts of the rows, dealt out by a seeded shuffle.")]
public sealed record PartSection : ICheckedDeclaration
{
    /// <summary>Which part, from 0.</summary>
    [Doc("Which part, from 0."), Within(0, 1_000_000)]
    public required int Index { get; init; }

    /// <summary>How many parts there are.</summary>
    [Doc("How many parts there are."), Within(1, 1_000_000)]
    public required int Of { get; init; }

    /// <summary>Seed of the shuffle; the same at all sites that share the source.</summary>
    [Doc("Seed of the shuffle; the same for all sites that share the source.")]
    public ulong Seed { get; init; }

    /// <inheritdoc/>
    public void Check(DeclaredNode.Map at, ProblemList problems)
    {
        if (Index >= Of) problems.Add(Messages.Problem("part-index", at["index"]!.Place, Index, Of));
    }

    /// <summary>This part's rows, ascending, of so many.</summary>
    internal int[] RowsOf(int rows)
    {
        var shuffled = Enumerable.Range(0, rows).ToArray();
        Shuffle(shuffled);
        return Slice(shuffled);
    }

    internal void Shuffle(int[] rows) => Comity.Tensors.Randomness.Seed.Of(Seed).For("part").ToRandom().Shuffle<int>(rows);

    internal int[] Slice(int[] shuffled)
    {
        var mine = shuffled[(int)((long)shuffled.Length * Index / this.Of)..(int)((long)shuffled.Length * (Index + 1) / this.Of)];
        Array.Sort(mine);
        return mine;
    }
}
