using System.Globalization;
using Comity.Learning;
using Comity.Learning.Evaluation;
using Comity.Serving.Inference;
using Comity.Serving.Releases;
using Comity.Tensors.Randomness;

namespace Comity.Serving.Feedback;

/// <summary>How a version does by the labels that came, as they came.</summary>
/// <param name="Version">The version.</param>
/// <param name="Labelled">Answers whose label is known.</param>
/// <param name="Metrics">All of them judged, with intervals.</param>
/// <param name="Periods">The same over time, in the order in which answers were given.</param>
/// <param name="Groups">The same by value of a sensitive attribute.</param>
/// <param name="Labels">Labels by class.</param>
/// <param name="Promised">Error rate promised by the release; null: it was not judged.</param>
/// <param name="Alarm">The label at which the alarm was raised; null: none.</param>
public sealed record VersionSummary(
    string Version, int Labelled, IReadOnlyDictionary<string, ReleaseMetric> Metrics, IReadOnlyList<PeriodSummary> Periods, IReadOnlyList<GroupSummary> Groups,
    IReadOnlyDictionary<string, int> Labels, double? Promised, AlarmSummary? Alarm);

/// <summary>Answers of one stretch of time.</summary>
/// <param name="From">The first answer.</param>
/// <param name="To">The last answer.</param>
/// <param name="Labelled">Answers whose label is known.</param>
/// <param name="Metrics">Judged, with intervals.</param>
public sealed record PeriodSummary(DateTimeOffset From, DateTimeOffset To, int Labelled, IReadOnlyDictionary<string, ReleaseMetric> Metrics);

/// <summary>Answers of one group.</summary>
/// <param name="Attribute">The sensitive attribute.</param>
/// <param name="Group">Its value.</param>
/// <param name="Labelled">Answers whose label is known.</param>
/// <param name="Metrics">Judged, with intervals; empty where too few.</param>
public sealed record GroupSummary(string Attribute, string Group, int Labelled, IReadOnlyDictionary<string, ReleaseMetric> Metrics);

/// <summary>An alarm.</summary>
/// <param name="AtLabel">The label, counted from the version's first, at which it was raised.</param>
/// <param name="Received">When that label came.</param>
/// <param name="LabelsPerFalseAlarm">Mean number of labels before a false alarm, at least.</param>
public sealed record AlarmSummary(long AtLabel, DateTimeOffset Received, double LabelsPerFalseAlarm);

/// <summary>What a market has heard of a model.</summary>
/// <param name="Model">Name of the model.</param>
/// <param name="Market">The market.</param>
/// <param name="Answers">Answers of which something was said.</param>
/// <param name="Comments">Comments; they stay in the market.</param>
/// <param name="Rating">Mean rating with its interval; null: none was given.</param>
/// <param name="Ratings">Ratings given.</param>
/// <param name="Versions">By version.</param>
public sealed record FeedbackSummary(string Model, string Market, int Answers, int Comments, ReleaseMetric? Rating, int Ratings, IReadOnlyList<VersionSummary> Versions)
{
    /// <summary>Mean number of labels before a false alarm, at least.</summary>
    public const double LabelsPerFalseAlarm = 2000;

    private const int FewestInGroup = 20;
    private const int PeriodsShown = 8;
    private const int FewestInPeriod = 25;
    private static readonly string[] Shown = [MetricNames.RocAuc, MetricNames.Accuracy, MetricNames.Brier, MetricNames.LogLoss, MetricNames.Rmse, MetricNames.Mae];

    /// <summary>Summarises feedback.</summary>
    /// <param name="feedback">Of each answer the last that was said, in the order in which it was stored.</param>
    /// <param name="market">The market.</param>
    /// <param name="manifests">The releases that answered, by version.</param>
    /// <param name="attributes">Names of the sensitive attributes, in the contract's order.</param>
    public static FeedbackSummary Of(IReadOnlyList<StoredFeedback> feedback, string market, IReadOnlyDictionary<string, ReleaseManifest> manifests, IReadOnlyList<string> attributes)
    {
        ArgumentNullException.ThrowIfNull(feedback);
        ArgumentNullException.ThrowIfNull(manifests);
        var ratings = feedback.Select(f => f.Entry.Rating).OfType<int>().Select(r => (double)r).ToArray();
        var versions = feedback.Where(f => f.Entry.Label is not null && manifests.ContainsKey(f.Entry.Answer.Version)).GroupBy(f => f.Entry.Answer.Version)
            .Select(g => Version(manifests[g.Key], market, [.. g.OrderBy(f => f.Entry.Answer.Answered).ThenBy(f => f.Sequence)], attributes)).ToList();
        return new FeedbackSummary(
            manifests.Values.FirstOrDefault()?.Name ?? "", market, feedback.Count, feedback.Count(f => f.Entry.Comment is not null), Mean(ratings), ratings.Length, versions);
    }

    private static VersionSummary Version(ReleaseManifest manifest, string market, IReadOnlyList<StoredFeedback> labelled, IReadOnlyList<string> attributes)
    {
        var size = Math.Max(FewestInPeriod, (labelled.Count + PeriodsShown - 1) / PeriodsShown);
        var periods = labelled.Chunk(size).Where(c => c.Length >= Math.Min(FewestInPeriod, labelled.Count))
            .Select(c => new PeriodSummary(c[0].Entry.Answer.Answered, c[^1].Entry.Answer.Answered, c.Length, Judge(manifest, c, "period"))).ToList();
        var groups = attributes.SelectMany((attribute, a) => labelled.Where(f => f.Entry.Answer.Groups.Count > a && f.Entry.Answer.Groups[a].Length > 0).GroupBy(f => f.Entry.Answer.Groups[a]).OrderBy(g => g.Key, StringComparer.Ordinal)
            .Select(g => new GroupSummary(attribute, g.Key, g.Count(), g.Count() < FewestInGroup ? new Dictionary<string, ReleaseMetric>() : Judge(manifest, [.. g], "group")))).ToList();
        var labels = manifest.Classes.ToDictionary(c => c, c => labelled.Count(f => f.Entry.Label == c), StringComparer.Ordinal);
        var (promised, alarm) = Watch(manifest, market, labelled);
        return new VersionSummary(manifest.Version, labelled.Count, Judge(manifest, labelled, "all"), periods, groups, labels, promised, alarm);
    }

    /// <summary>Looks for the moment at which errors became more frequent than the upper end of what the release promised.</summary>
    private static (double? Promised, AlarmSummary? Alarm) Watch(ReleaseManifest manifest, string market, IReadOnlyList<StoredFeedback> labelled)
    {
        if (manifest.Classes.Count == 0) return (null, null);
        var judged = manifest.Markets.FirstOrDefault(m => m.Id == market && m.TestRows > 0) ?? manifest.Markets.Where(m => m.TestRows > 0).MinBy(m => m.Metrics.GetValueOrDefault(MetricNames.Accuracy)?.Low ?? 1);
        if (judged?.Metrics.GetValueOrDefault(MetricNames.Accuracy) is not { } accuracy) return (null, null);
        // The interval's lower end: a promise that rests on few held-out records must not raise alarms by its own uncertainty.
        var promised = 1 - (accuracy.Low ?? accuracy.Value);
        var detector = new ErrorDetector(promised, LabelsPerFalseAlarm);
        foreach (var one in labelled.OrderBy(f => f.Sequence))
        {
            if (detector.Observe(manifest.Classes[Score.Called(Outputs(manifest, one))] != one.Entry.Label))
                return (promised, new AlarmSummary(detector.AlarmAt!.Value, one.Received, LabelsPerFalseAlarm));
        }
        return (promised, null);
    }

    private static Dictionary<string, ReleaseMetric> Judge(ReleaseManifest manifest, IReadOnlyList<StoredFeedback> labelled, string what)
    {
        if (labelled.Count == 0) return [];
        var task = manifest.Task switch { "binary" => TaskKind.Binary, "multiclass" => TaskKind.Multiclass, _ => TaskKind.Regression };
        var classes = manifest.Classes.ToList();
        var labels = labelled.Select(f => task == TaskKind.Regression ? float.Parse(f.Entry.Label!, CultureInfo.InvariantCulture) : classes.IndexOf(f.Entry.Label!)).ToArray();
        var judged = Evaluator.Evaluate(task, classes, labels, [.. labelled.SelectMany(f => Outputs(manifest, f))], new EvaluationSection { Bootstrap = 500 }, Seed.Of(0).For("feedback", manifest.Id, what, labelled.Count));
        double? Finite(double value) => double.IsFinite(value) ? value : null;
        return judged.Metrics.Where(m => double.IsFinite(m.Value.Value) && Shown.Contains(m.Key)).ToDictionary(m => m.Key, m => new ReleaseMetric(m.Value.Value, Finite(m.Value.Low), Finite(m.Value.High)));
    }

    private static float[] Outputs(ReleaseManifest manifest, StoredFeedback feedback) => [.. feedback.Entry.Answer.Outputs.Take(Math.Max(1, manifest.Classes.Count))];

    // Student's interval is wider than the bootstrap's for few ratings, and few are the rule.
    private static ReleaseMetric? Mean(double[] values)
    {
        if (values.Length == 0) return null;
        var mean = values.Average();
        if (values.Length == 1) return new ReleaseMetric(mean, null, null);
        var margin = Tensors.Distributions.NormalDistribution.Quantile(0.975) * Math.Sqrt(values.Sum(v => (v - mean) * (v - mean)) / (values.Length - 1) / values.Length);
        return new ReleaseMetric(mean, Math.Max(1, mean - margin), Math.Min(5, mean + margin));
    }
}
