using Comity.Data.Cleaning;
using Comity.Data.Contracts;
using Comity.Data.Shared;
using Comity.Data.Sources;
using Comity.Data.Tables;
using Comity.Declarations;

namespace Comity.Data.Preprocess;

/// <summary>Everything that turns a record into a model's input; <c>preprocessing.json</c> beside the weights.</summary>
public sealed record Preprocessing
{
    /// <summary>Version of the format.</summary>
    public const int CurrentFormat = 1;

    /// <summary>Version of the format that this was written in.</summary>
    public int FormatVersion { get; init; } = CurrentFormat;

    /// <summary><c>binary</c>, <c>multiclass</c>, <c>regression</c>, <c>next-token</c>, <c>masked-token</c> or <c>tagging</c>.</summary>
    public required string TaskName { get; init; }

    /// <summary>Classes in the order of the model's outputs (negative, positive); empty for regression.</summary>
    public required IReadOnlyList<string> Classes { get; init; }

    /// <summary>What records look like: columns, missing markers, ranges.</summary>
    public required ContractSection Contract { get; init; }

    /// <summary>How numbers out of range are treated.</summary>
    public CleanSection Clean { get; init; } = new();

    /// <summary>Every column of the contract, in its order.</summary>
    public required IReadOnlyList<FittedColumn> Columns { get; init; }

    /// <summary>Names of the model's inputs, shape [width]: <c>age</c>, <c>cp=1</c>, <c>chol=missing</c>, <c>when:month-sin</c>; of a series with the steps back, <c>wind@-3</c>.</summary>
    public IReadOnlyList<string> FeatureNames
    {
        get
        {
            string[] names = [.. Columns.SelectMany(c => c.InputNames())];
            if (Contract.Series is not { } series) return names;
            var lags = series.Lags.Count > 0 ? series.Lags : [.. Enumerable.Range(0, series.Entering).Reverse()];
            return [.. lags.OrderDescending().SelectMany(lag => names.Select(name => FormattableString.Invariant($"{name}@-{lag}")))];
        }
    }

    /// <summary>Number of the model's inputs.</summary>
    public int InputWidth => Form.Width;

    /// <summary>Inputs of a row, or of one step of a series.</summary>
    internal int StepWidth => Columns.Sum(c => c.InputCount);

    /// <summary>What the model's inputs are.</summary>
    public InputForm Form
    {
        get
        {
            if (Contract.Series is { } series) return new SeriesForm(series.Entering, StepWidth);
            var used = Columns.Where(c => c.Selected).ToArray();
            if (used is [{ Kind: FeatureKind.Text } text]) return text.Tags.Count > 0 ? new TaggedForm(text.BlockLength, text.Vocabulary, text.Tags) : new TokenForm(text.BlockLength, text.Vocabulary);
            if (used is [{ BlockLength: > 0 } only]) return InputForm.Of(Contract.Features.First(f => f.Column == only.Column));
            return used.Any(c => c.BlockLength > 0) ? Combined(used) : new FeatureForm(StepWidth);
        }
    }

    private CombinedForm Combined(FittedColumn[] used)
    {
        var at = 0;
        var columns = new List<(string, InputForm?, int, int)>();
        foreach (var column in used)
        {
            InputForm? form = column.Kind == FeatureKind.Text ? new TokenForm(column.BlockLength, column.Vocabulary)
                : column.BlockLength > 0 ? InputForm.Of(Contract.Features.First(f => f.Column == column.Column)) : null;
            columns.Add((column.Column, form, at, column.InputCount));
            at += column.InputCount;
        }
        return CombinedForm.Of(columns);
    }

    /// <summary>Works out all numbers from the statistics of all sites.</summary>
    /// <exception cref="ArgumentException">A statistic is missing, or a text column is among the features.</exception>
    public static Preprocessing Fit(ContractSection contract, PreprocessSection preprocess, SharedStatistics agreed, CleanSection? clean = null)
    {
        IReadOnlyList<FittedColumn> columns = [.. contract.Features.Select(f => ColumnFitter.Fit(f, preprocess, agreed))];
        if (contract.Label.IsTags) columns = [.. columns.Select(c => c with { Tags = contract.Label.Classes })];
        if (preprocess.Selection is { } selection) columns = Selector.Select(columns, contract, selection, agreed);
        return new Preprocessing
        {
            TaskName = contract.Label.TaskName,
            Classes = contract.Label.ClassNames,
            Contract = contract,
            Clean = clean is null ? new CleanSection() : new CleanSection { Corrupt = clean.Corrupt, OutOfRange = clean.OutOfRange, OutOfRangeColumns = clean.OutOfRangeColumns },
            Columns = columns,
        };
    }

    /// <summary>Works out a site's own numbers on the agreed vocabulary (<c>statistics: site</c>).</summary>
    /// <param name="contract">The study's contract.</param>
    /// <param name="preprocess">The study's preprocessing.</param>
    /// <param name="agreed">The vocabulary, merged over all sites.</param>
    /// <param name="table">The site's records.</param>
    /// <param name="rows">Its training rows.</param>
    /// <param name="clean">The study's cleaning.</param>
    public static Preprocessing FitSite(
        ContractSection contract, PreprocessSection preprocess, SharedStatistics agreed, RecordTable table, ReadOnlySpan<int> rows, CleanSection? clean = null)
    {
        var own = new SharedStatistics(StatisticsCollector.Sums(table, rows, contract, StatisticsPlan.Of(contract, preprocess)));
        own = own.And(SharedStatistics.Collect(StatisticsPlan.Moments, table, rows, contract, preprocess, agreed.And(own)));
        own = own.And(SharedStatistics.Collect(StatisticsPlan.Quantiles, table, rows, contract, preprocess, agreed.And(own)));
        return Fit(contract, preprocess with { Selection = null }, agreed.And(own), clean);
    }

    /// <summary>Rows as a model takes them.</summary>
    /// <param name="table">Records of a site, or of an input file.</param>
    /// <param name="rows">Rows to encode, as indices into the table.</param>
    public EncodedRows Encode(RecordTable table, ReadOnlySpan<int> rows) => RowEncoder.Encode(this, table, rows);

    /// <summary>Reads records to be predicted: no label is needed, and what is wrong with a row is noted in <see cref="RecordTable.Issues"/>.</summary>
    public RecordTable? LoadRecords(SourceSection source, string baseFolder, ProblemList problems, CancellationToken cancellationToken = default)
    {
        var columns = Columns.ToDictionary(c => c.Column);
        var contract = Contract with
        {
            Features = [.. Contract.Features.Where(f => columns[f.Column].Selected).Select(f => f.Kind == FeatureKind.Category ? f with { Values = columns[f.Column].Levels } : f)],
        };
        return new TableLoader(contract, new LoadOptions { BaseFolder = baseFolder, Clean = Clean, ForInference = true }).Load(source, "", problems, cancellationToken);
    }

    /// <summary>The text of <c>preprocessing.json</c>.</summary>
    public string ToJson() => PreprocessingJson.Write(this);

    /// <summary>Reads <c>preprocessing.json</c>.</summary>
    /// <exception cref="FormatException">The text is damaged, or written by a newer version.</exception>
    public static Preprocessing FromJson(string json) => PreprocessingJson.Read(json);
}
