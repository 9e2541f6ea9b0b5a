using System.Globalization;
using Comity.Federation.Results;
using Comity.Insight.Evidence;

namespace Comity.Insight.Report;

/// <summary>A study's results with everything that several sections need, computed once.</summary>
public sealed class ReportView
{
    private readonly HashSet<string> _models;

    /// <param name="results">A study's results.</param>
    /// <param name="culture">Language and form of numbers.</param>
    /// <param name="logs">What the sites' audit logs say; null: they are not here.</param>
    public ReportView(StudyResults results, CultureInfo culture, IReadOnlyList<SiteLog>? logs = null)
    {
        ArgumentNullException.ThrowIfNull(results);
        Results = results;
        Logs = logs ?? [];
        T = new ReportTexts(culture);
        F = new Formats(T);
        _models = results.Models.Select(m => m.Id).ToHashSet(StringComparer.Ordinal);
        Scores = new TestScores(results);
        Common = ModelId.Common(results);
        Answer = MarketAnswer.Of(results);
        Matrix = MatrixBuilder.Build(results, Scores);
        HomeAndAbroad = Evidence.HomeAndAbroad.Of(results, Scores);
        Thin = ThinEvidence.Find(results, Scores);
        Absent = [.. results.Warnings.Where(w => w.Code == "site-absent").SelectMany(w => w.Arguments).Distinct(StringComparer.Ordinal)];
        TookPart = [.. results.Sites.Where(s => !Absent.Contains(s.Id))];
        SiteIds = results.Sites.Select(s => s.Id).ToHashSet(StringComparer.Ordinal);
        Markets = results.Markets.ToDictionary(m => m.Id, m => m.Name ?? m.Id, StringComparer.Ordinal);
    }

    /// <summary>What a run left behind.</summary>
    public StudyResults Results { get; }

    /// <summary>What left each site, by its own audit log; empty: the logs are not here.</summary>
    public IReadOnlyList<SiteLog> Logs { get; }

    /// <summary>Words.</summary>
    public ReportTexts T { get; }

    /// <summary>Numbers.</summary>
    public Formats F { get; }

    /// <summary>Scores on test rows.</summary>
    public TestScores Scores { get; }

    /// <summary>The common model; null: none was trained.</summary>
    public ModelId? Common { get; }

    /// <summary>The answer by market.</summary>
    public MarketAnswer Answer { get; }

    /// <summary>Models by places, by the primary metric.</summary>
    public MatrixView Matrix { get; }

    /// <summary>The two headline figures.</summary>
    public HomeAndAbroad HomeAndAbroad { get; }

    /// <summary>Where test rows are too few.</summary>
    public IReadOnlyList<ThinEvidence> Thin { get; }

    /// <summary>Ids of sites that never came.</summary>
    public IReadOnlyList<string> Absent { get; }

    /// <summary>The others.</summary>
    public IReadOnlyList<SiteInfo> TookPart { get; }

    /// <summary>Ids of all sites.</summary>
    public IReadOnlySet<string> SiteIds { get; }

    /// <summary>Names of markets by id.</summary>
    public IReadOnlyDictionary<string, string> Markets { get; }

    /// <summary>Whether sites are too many to be drawn one by one.</summary>
    public bool ManySites => Results.Sites.Count > MatrixView.SitesInFull;

    /// <summary>Name of the primary metric.</summary>
    public string Metric => T.Metric(Results.PrimaryMetric);

    /// <summary>Name of a market.</summary>
    public string MarketName(string id) => Markets.GetValueOrDefault(id) ?? id;

    /// <summary>Name of a site, or of the union.</summary>
    public string SiteName(string id) => id != TestScores.Union ? id : Results.Evaluation.Any(e => e.Site == id && e.Release == "merged") ? T["place.union-approximate"] : T["place.union"];

    /// <summary>What a line of the answer is about.</summary>
    public string PlaceName(BenefitInfo line) => line.Site ?? MarketName(line.Market);

    /// <summary>A model in words.</summary>
    public string ModelName(string id) => ModelName(ModelId.Parse(id, SiteIds));

    /// <summary>A model in words.</summary>
    public string ModelName(ModelId model) => model switch
    {
        { Arm: "local", Site: ModelId.EachSite } => T["model.own-each"],
        { Arm: "local" } => T["model.own", model.Site],
        { Arm: "pooled" } => T["model.pooled"],
        { Arm: "federated", Site: null } => T["model.federated", model.Name],
        { Arm: "federated", Site: ModelId.EachSite } => T["model.personalised", model.Name],
        { Arm: "federated" } => T["model.personalised-for", model.Name, model.Site],
        { Arm: "combined", Site: null } => T["model.combined", model.Name],
        _ => model.Id,
    };

    /// <summary>What an interval is, in words.</summary>
    public string IntervalName(IntervalKind kind) => kind switch
    {
        IntervalKind.Bootstrap => Results.Evaluation.Any(e => e.Release == "noised") ? T["interval.noised"] : T["interval.bootstrap"],
        IntervalKind.Repeats => T["interval.repeats", Results.Repeats],
        IntervalKind.Sites => T["interval.sites"],
        _ => T["format.no-interval"],
    };

    /// <summary>What the intervals of this study's scores are.</summary>
    public string IntervalNote => IntervalName(Results.Repeats > 1 ? IntervalKind.Repeats : IntervalKind.Bootstrap);

    /// <summary>Rows in words.</summary>
    public string Rows(long rows) => T["format.rows", F.Count(rows)];

    /// <summary>What this study must be read with, in words: arms that did not run, thin evidence, refused updates.</summary>
    public IReadOnlyList<string> Notes => Limits.Notes(this);

    /// <summary>Thin evidence in words.</summary>
    public string ThinText(ThinEvidence thin) => thin switch
    {
        { IsNoised: true, Class: null } => T["thin.noised-rows", thin.Site, Span(thin)],
        { IsNoised: true } => T["thin.noised-class", thin.Site, Span(thin), thin.Class],
        { Class: null } => T["thin.rows", thin.Site, Span(thin)],
        { Most: 0 } => T["thin.class-missing", thin.Site, thin.Class],
        _ => T["thin.class", thin.Site, Span(thin), thin.Class],
    };

    /// <summary>What a warning says; one of a newer version is shown by its code rather than left out.</summary>
    public string WarningText(ResultWarning warning)
    {
        if (T.Find("judged." + warning.Code) is { } judged && warning.Arguments.Count > 0) return Judged(judged, warning.Arguments);
        if (T.Find("warning." + warning.Code) is not { } text) return T["warning.unknown", warning.Code, string.Join(", ", warning.Arguments)];
        // A text may name more arguments than an older file holds.
        var arguments = warning.Arguments.Select(InWords).Concat(Enumerable.Repeat(Formats.Missing, 8)).ToArray<object?>();
        return string.Format(T.Culture, text, arguments);
    }

    // A site, then the fewest and the most rows that the repeats had, then the class; an older file names one number.
    private string Judged(string text, IReadOnlyList<string> arguments)
    {
        var counts = arguments.Skip(1).Take(2).TakeWhile(a => long.TryParse(a, NumberStyles.None, CultureInfo.InvariantCulture, out _)).Select(a => F.Count(long.Parse(a, CultureInfo.InvariantCulture))).Distinct().ToList();
        var rest = arguments.Skip(1).SkipWhile((a, i) => i < 2 && long.TryParse(a, NumberStyles.None, CultureInfo.InvariantCulture, out _));
        return string.Format(T.Culture, text, [SiteName(arguments[0]), counts.Count > 0 ? string.Join('–', counts) : Formats.Missing, .. rest, Formats.Missing]);
    }

    // Codes and ids in a warning's arguments become words; numbers get their culture's form.
    private string InWords(string argument) =>
        _models.Contains(argument) ? ModelName(argument)
        : T.Find("reason." + argument) ?? T.Find("arm." + argument) ?? (long.TryParse(argument, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? F.Count(number) : argument);

    private string Span(ThinEvidence thin) => thin.Fewest == thin.Most ? F.Count(thin.Most) : $"{F.Count(thin.Fewest)}–{F.Count(thin.Most)}";
}
