using System.Globalization;
using Comity.Data.Cleaning;
using Comity.Data.Contracts;
using Comity.Data.Preprocess;
using Comity.Data.Sources;
using Comity.Data.Splits;
using Comity.Declarations;

namespace Comity.Data;

/// <summary>The sections of a study that are about records, and the checks between them.</summary>
/// <param name="Contract">What records look like.</param>
/// <param name="Preprocess">How they become inputs.</param>
/// <param name="Clean">How they are cleaned.</param>
/// <param name="Split">How they are parted.</param>
public sealed record DataSections(ContractSection Contract, PreprocessSection Preprocess, CleanSection Clean, SplitSection Split)
{
    /// <summary>Every column of a source that is read for them, each once: features and label, and what rows are grouped, ordered or parted by.</summary>
    public IReadOnlyList<string> ReadColumns =>
    [
        .. Contract.Features.Select(f => f.Column).Append(Contract.Label.Column).Concat(Contract.Sensitive.Select(s => s.Column)).Append(Contract.Series?.Order)
            .Concat(Split.NeededColumns).Append(Split.Time).Concat(Clean.Smoothing.SelectMany(s => s.Columns.Append(s.Order))).OfType<string>().Distinct(StringComparer.Ordinal),
    ];

    /// <summary>Binds the sections and checks them against each other. Null when one could not be read at all.</summary>
    /// <param name="contract">The study's <c>contract</c>.</param>
    /// <param name="preprocess">The study's <c>preprocess</c>; null: defaults.</param>
    /// <param name="clean">The study's <c>clean</c>; null: defaults.</param>
    /// <param name="split">The study's <c>split</c>; null: defaults.</param>
    /// <param name="problems">Where problems go.</param>
    public static DataSections? Read(DeclaredNode contract, DeclaredNode? preprocess, DeclaredNode? clean, DeclaredNode? split, ProblemList problems)
    {
        var before = problems.Count;
        var read = (
            Contract: SectionReader.Read<ContractSection>(contract, problems),
            Preprocess: preprocess is null ? new PreprocessSection() : SectionReader.Read<PreprocessSection>(preprocess, problems),
            Clean: clean is null ? new CleanSection() : SectionReader.Read<CleanSection>(clean, problems),
            Split: split is null ? new SplitSection() : SectionReader.Read<SplitSection>(split, problems));
        if (read.Contract is null || read.Preprocess is null || read.Clean is null || read.Split is null) return null;
        var sections = new DataSections(read.Contract, read.Preprocess, read.Clean, read.Split);
        // Sections that are broken in themselves would repeat their complaints here in other words.
        if (problems.Count == before) sections.Check(contract.Place, preprocess?.Place ?? contract.Place, clean?.Place ?? contract.Place, split?.Place ?? contract.Place, problems);
        return sections;
    }

    /// <summary>Whether a site's source fits the split.</summary>
    public void CheckSource(SourceSection source, string site, Place place, ProblemList problems)
    {
        ArgumentNullException.ThrowIfNull(source);
        if ((source.Files ?? (object?)source.Idx) is not null && !Contract.Features.Any(f => f.IsContent)) problems.Add(Messages.Problem("files-without-content", place, site));
        if (source.Text is not null && Contract.Features is not [{ Tokens: not null }]) problems.Add(Messages.Problem("text-without-tokens", place, site));
        if (source.Text is not null && !Contract.Label.IsText) problems.Add(Messages.Problem("text-without-label", place, site));
        if (source.Conll is not null && !Contract.Label.IsTags) problems.Add(Messages.Problem("conll-without-tags", place, site, Contract.Label.TaskName));
        if ((source.Files ?? (object?)source.Idx) is not null && Contract.Label.IsTags) problems.Add(Messages.Problem("tags-of-files", place, site));
        if (source.Idx is not null && Contract.Features.Any(f => f.Kind == FeatureKind.Audio)) problems.Add(Messages.Problem("idx-audio", place, site));
        if (Split.File && !source.HasTest) problems.Add(Messages.Problem("split-file-without-test", place, site));
        if (!Split.File && source.HasTest) problems.Add(Messages.Problem("test-without-split-file", place, site));
    }

    private void Check(Place contract, Place preprocess, Place clean, Place split, ProblemList problems)
    {
        foreach (var text in Contract.Features.Where(f => f.Kind == FeatureKind.Text && f.Tokens is null)) problems.Add(Messages.Problem("text-not-trainable", contract, text.Column));
        foreach (var (column, own) in Preprocess.Columns)
        {
            var feature = Known(column, preprocess, problems);
            if (feature is not null && own.Constant is { } constant && !Fits(feature, constant)) problems.Add(Messages.Problem("constant-unfit", preprocess, column, constant));
        }
        foreach (var feature in Contract.Features.Where(f => f.IsContent && Preprocess.ScaleFor(f.Column) is not (ScaleKind.Standard or ScaleKind.None)))
            problems.Add(Messages.Problem("grid-scale", preprocess, feature.Column, System.Text.Json.JsonNamingPolicy.KebabCaseLower.ConvertName(Preprocess.ScaleFor(feature.Column).ToString())));
        if (Contract.Series is not null)
        {
            if (Preprocess.Selection is not null) problems.Add(Messages.Problem("series-excludes", preprocess, "preprocess.selection"));
            if (Split.File) problems.Add(Messages.Problem("series-excludes", split, "split.file"));
            if (Clean.LabelAudit is not null) problems.Add(Messages.Problem("series-excludes", clean, "clean.labelAudit"));
            if (Split.Time is null && Split.Column is null) problems.Add(Messages.Warning("series-split", split, Contract.Series.Order));
        }
        // Its smallest and its largest value are two people's.
        if (Preprocess.Statistics != StatisticsFrom.Site)
        {
            foreach (var column in Contract.Features.Where(Shared.StatisticsPlan.Of(Contract, Preprocess).NeedsExtremes).Select(f => f.Column))
                problems.Add(Messages.Warning("extremes-shared", preprocess, column));
        }
        if (Clean.LabelAudit is not null && Contract.Label.ClassNames.Count == 0) problems.Add(Messages.Problem("label-audit-number", clean));
        foreach (var column in Clean.OutOfRangeColumns.Keys) Known(column, clean, problems);
        foreach (var column in Clean.Smoothing.SelectMany(s => s.Columns))
            if (Known(column, clean, problems) is { Kind: not FeatureKind.Number }) problems.Add(Messages.Problem("smoothing-kind", clean, column));
        foreach (var column in Split.NeededColumns.Append(Split.Time).OfType<string>().Where(Contract.Identifier.Contains))
            problems.Add(Messages.Problem("identifier-is-split", split, column));
        if (Split.Time is { } time && Contract.Features.FirstOrDefault(f => f.Column == time) is { Kind: not (FeatureKind.Number or FeatureKind.Date or FeatureKind.Ordinal) })
            problems.Add(Messages.Problem("split-time-kind", split, time));
        foreach (var column in Split.Stratify.Where(s => s != "none" && Contract.Features.FirstOrDefault(f => f.Column == s) is { Kind: FeatureKind.Number or FeatureKind.Date or FeatureKind.Text or FeatureKind.Image or FeatureKind.Audio }))
            problems.Add(Messages.Problem("split-stratify-kind", split, column));
        if (Split.Column is { } by && Contract.Features.FirstOrDefault(f => f.Column == by.Name) is { Kind: FeatureKind.Number or FeatureKind.Date or FeatureKind.Text or FeatureKind.Image or FeatureKind.Audio })
            problems.Add(Messages.Problem("split-stratify-kind", split, by.Name));
    }

    private FeatureSection? Known(string column, Place place, ProblemList problems)
    {
        var features = Contract.Features.Select(f => f.Column).ToArray();
        if (Contract.Features.FirstOrDefault(f => f.Column == column) is { } feature) return feature;
        problems.Add(Messages.Problem("feature-unknown", place, column, string.Join(", ", features), Spelling.Nearest(column, features) ?? "–"));
        return null;
    }

    private static bool Fits(FeatureSection feature, string constant) => feature.Kind switch
    {
        FeatureKind.Number => double.TryParse(constant, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && float.IsFinite((float)number),
        FeatureKind.Boolean when feature.Values.Count == 0 => constant is "true" or "false",
        FeatureKind.Category or FeatureKind.Ordinal or FeatureKind.Boolean => feature.Values.Count == 0 || feature.Values.Select(Level.Canonical).Contains(Level.Canonical(constant)),
        _ => false,
    };
}
