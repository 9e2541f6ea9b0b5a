using Comity.Data.Contracts;
using Comity.Data.Reference;
using Comity.Serving.Feedback;

namespace Comity.Serving.Drift;

/// <summary>Labels that came, counted as windows are, so that one set of tests judges inputs, scores and labels.</summary>
/// <remarks>Labels come late and for some answers only: a shift says that the labels known differ from those trained on, which may lie in who was labelled.</remarks>
public static class LabelWindows
{
    /// <summary>Name of the column that holds labels.</summary>
    public const string Column = "label";

    /// <summary>The labels of a version in windows of so many, in the order in which they came; the last may hold fewer, but at least half.</summary>
    /// <param name="feedback">Of each answer the last that was said.</param>
    /// <param name="classes">Classes in the order of the outputs; none: labels are numbers, and are not counted.</param>
    /// <param name="model">Name of the model.</param>
    /// <param name="version">Version that answered.</param>
    /// <param name="market">Market.</param>
    /// <param name="rows">Labels in a window.</param>
    public static IReadOnlyList<DriftWindow> Of(IReadOnlyList<StoredFeedback> feedback, IReadOnlyList<string> classes, string model, string version, string market, int rows)
    {
        ArgumentNullException.ThrowIfNull(feedback);
        ArgumentNullException.ThrowIfNull(classes);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(rows);
        if (classes.Count == 0) return [];
        return [.. feedback.Where(f => f.Entry.Answer.Version == version && f.Entry.Label is not null).OrderBy(f => f.Sequence).Chunk(rows).Where(c => c.Length >= (rows + 1) / 2)
            .Select(c => new DriftWindow(model, version, market, c[0].Received, c[^1].Received, c.Length, [new WindowColumn(Column, [.. classes.Select(k => c.Count(f => f.Entry.Label == k))], 0, 0)]))];
    }

    /// <summary>The labels trained on, as a column; null: the release does not tell.</summary>
    internal static ReferenceColumn? Reference(ReferenceSample sample) => sample.Labels.Count == 0 ? null : new ReferenceColumn
    {
        Column = Column, Kind = FeatureKind.Category, Rows = sample.Rows, Missing = 0, Levels = [.. sample.Labels.Select((_, i) => i.ToString(System.Globalization.CultureInfo.InvariantCulture))], Counts = sample.Labels,
    };
}
