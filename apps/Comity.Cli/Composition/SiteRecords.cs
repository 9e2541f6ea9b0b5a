using Comity.Data.Preprocess;
using Comity.Data.Shared;
using Comity.Data.Splits;
using Comity.Data.Tables;
using Comity.Federation.Sites;
using Comity.Tensors.Randomness;

namespace Comity.Cli.Composition;

/// <summary>Rows that a model can be trained and judged on: one site's, or in a simulation all sites' together.</summary>
internal interface IRecords
{
    /// <summary>The site's id.</summary>
    string Site { get; }

    /// <summary>Rows to learn from in a repeat.</summary>
    int TrainingRows(int repeat);

    /// <summary>One step of the shared statistics over the training rows.</summary>
    SharedStatistics Collect(int repeat, string step, Statistics agreed);

    /// <summary>The rows of a repeat, encoded.</summary>
    RepeatRows Rows(int repeat, Statistics agreed);
}

/// <summary>One site's records with their splits and encodings.</summary>
internal sealed class SiteRecords(ComposedStudy study, RecordTable table, Seed seed, EncodingCache cache) : IRecords
{
    private readonly bool _judgesOnly = study.Study.Sites.Any(s => s.Id == table.Site && !s.Trains);
    private volatile PartsOfRepeat? _parts;

    public string Site => table.Site;

    public RecordTable Table => table;

    /// <summary>The parts that the study uses: of a site that does not train its test rows alone.</summary>
    public RowSplits Split(int repeat) => _judgesOnly ? new RowSplits([], [], Parts(repeat).Test) : Parts(repeat);

    public int TrainingRows(int repeat) => Split(repeat).Training.Length;

    public SharedStatistics Collect(int repeat, string step, Statistics agreed) =>
        SharedStatistics.Collect(step, table, Split(repeat).Training, study.Contract, study.Preprocess, agreed.ToData());

    public RepeatRows Rows(int repeat, Statistics agreed) => cache.Get(Site, repeat, agreed, () =>
    {
        var splits = Split(repeat);
        var preprocessing = Preprocessing(agreed, Parts(repeat));
        return new RepeatRows(preprocessing.Form.ToLearning(), Encode(preprocessing, splits.Training), Encode(preprocessing, splits.Validation), Encode(preprocessing, splits.Test));
    });

    /// <summary>What turns this site's records into a model's input in a repeat.</summary>
    public Preprocessing Preprocessing(int repeat, Statistics agreed) => Preprocessing(agreed, Parts(repeat));

    // Description, statistics, encoding and output all ask for the same repeat's one after the other. Two threads at once would make the same twice.
    private RowSplits Parts(int repeat)
    {
        if (_parts is { } kept && kept.Repeat == repeat) return kept.Parts;
        var parts = Splitter.Split(table, study.Split, seed, repeat);
        _parts = new PartsOfRepeat(repeat, parts);
        return parts;
    }

    private Preprocessing Preprocessing(Statistics agreed, RowSplits splits) => study.Preprocess.Statistics == StatisticsFrom.Site
        ? Data.Preprocess.Preprocessing.FitSite(study.Contract, study.Preprocess, agreed.ToData(), table, splits.Training, study.Clean)
        : Data.Preprocess.Preprocessing.Fit(study.Contract, study.Preprocess, agreed.ToData(), study.Clean);

    private SplitRows Encode(Preprocessing preprocessing, int[] rows)
    {
        var encoded = preprocessing.Encode(table, rows);
        var groups = study.Contract.Sensitive.Select(s => SensitiveGroups.Of(table, s, rows));
        return new SplitRows(encoded.ToDataset(preprocessing.InputWidth), encoded.Rows, [.. groups]);
    }

    private sealed record PartsOfRepeat(int Repeat, RowSplits Parts);
}

/// <summary>All sites' records together, each site's rows encoded as at that site: for the pooled arm, and for judging on the union.</summary>
internal sealed class PooledRecords(string id, IReadOnlyList<SiteRecords> sites, EncodingCache cache) : IRecords
{
    public string Site => id;

    public int TrainingRows(int repeat) => sites.Sum(s => s.TrainingRows(repeat));

    public SharedStatistics Collect(int repeat, string step, Statistics agreed) => SharedStatistics.Merge(sites.Select(s => s.Collect(repeat, step, agreed)));

    public RepeatRows Rows(int repeat, Statistics agreed) => cache.Get(id, repeat, agreed, () =>
    {
        var parts = sites.Select(s => s.Rows(repeat, agreed)).ToArray();
        return new RepeatRows(parts[0].Input, Join(parts, RowSplit.Training), Join(parts, RowSplit.Validation), Join(parts, RowSplit.Test));
    });

    private static SplitRows Join(RepeatRows[] parts, RowSplit split) => SplitRows.Concatenate([.. parts.Select(p => p[split])]);
}
