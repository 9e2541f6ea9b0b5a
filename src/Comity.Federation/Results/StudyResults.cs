using Comity.Federation.Sites;

namespace Comity.Federation.Results;

/// <summary>Everything a study found: the content of <c>results.json</c> (camelCase, NaN as null).</summary>
public sealed record StudyResults
{
    /// <summary>Version of this format.</summary>
    public int FormatVersion { get; init; } = 1;

    /// <summary>The study's name.</summary>
    public required string Study { get; init; }

    /// <summary>Seed of the study.</summary>
    public required ulong Seed { get; init; }

    /// <summary>Version of Comity and conditions of promise 2: architecture and vector width in bits.</summary>
    public required RunEnvironment Environment { get; init; }

    /// <summary>SHA-256 (hex) of the study file's bytes.</summary>
    public required string StudySha256 { get; init; }

    /// <summary>The study file as it was named to the run; null: the study did not come from a file.</summary>
    public string? StudyFile { get; init; }

    /// <summary>What is predicted: the label's column; null: not told.</summary>
    public string? Label { get; init; }

    /// <summary><c>binary</c>, <c>multiclass</c>, <c>regression</c>, <c>next-token</c>, <c>masked-token</c> or <c>tagging</c>.</summary>
    public required string Task { get; init; }

    /// <summary>Classes in order; for a binary label negative, positive.</summary>
    public required IReadOnlyList<string> Classes { get; init; }

    /// <summary>Metric by which models are compared first (<c>rocAuc</c>, <c>accuracy</c>, <c>rmse</c>…).</summary>
    public required string PrimaryMetric { get; init; }

    /// <summary>Repeats of the study, each with its own seed and split.</summary>
    public required int Repeats { get; init; }

    /// <summary>Markets.</summary>
    public required IReadOnlyList<MarketInfo> Markets { get; init; }

    /// <summary>Sites with row counts and data quality.</summary>
    public required IReadOnlyList<SiteInfo> Sites { get; init; }

    /// <summary>Every model of every repeat.</summary>
    public required IReadOnlyList<ModelInfo> Models { get; init; }

    /// <summary>Every model on every site's rows, and on the union of all (<c>site: "*"</c>) where that could be computed.</summary>
    public required IReadOnlyList<EvaluationInfo> Evaluation { get; init; }

    /// <summary>The same over repeats.</summary>
    public required IReadOnlyList<SummaryInfo> Summary { get; init; }

    /// <summary>What collaboration bought each market.</summary>
    public required IReadOnlyList<BenefitInfo> Benefit { get; init; }

    /// <summary>Convergence.</summary>
    public required IReadOnlyList<HistoryInfo> History { get; init; }

    /// <summary>Who contributed to which round.</summary>
    public required IReadOnlyList<RoundInfo> Contributors { get; init; }

    /// <summary>Model id of the federation recommended, chosen on validation rows; null: none was run.</summary>
    public string? Recommended { get; init; }

    /// <summary>Mean validation score of each candidate for the recommendation.</summary>
    public IReadOnlyList<CandidateInfo> Candidates { get; init; } = [];

    /// <summary>Settings that were tried, and which were chosen on validation rows; empty: the study searches none.</summary>
    public IReadOnlyList<TriedSetting> Searches { get; init; } = [];

    /// <summary>The privacy ledger; empty while nothing was protected.</summary>
    public IReadOnlyList<PrivacyInfo> Privacy { get; init; } = [];

    /// <summary>The masks under which updates left their sites; null: they left in the clear.</summary>
    public SecureAggregationInfo? SecureAggregation { get; init; }

    /// <summary>What a reader must know: arms that did not run, thin evidence, rejected updates.</summary>
    public required IReadOnlyList<ResultWarning> Warnings { get; init; }
}

/// <summary>What the bits depend on besides the study.</summary>
public sealed record RunEnvironment(string Version, string Architecture, int VectorBits, string Runtime);

/// <summary>A market.</summary>
public sealed record MarketInfo(string Id, string Jurisdiction, string? Name = null);

/// <summary>A site's rows. Counts under the disclosure threshold are null.</summary>
/// <param name="Id">Site id.</param>
/// <param name="Market">Its market.</param>
/// <param name="Rows">Usable rows.</param>
/// <param name="TrainingRows">Rows trained on (first repeat).</param>
/// <param name="ValidationRows">Rows for choices (first repeat).</param>
/// <param name="TestRows">Rows judged on (first repeat).</param>
/// <param name="ClassCounts">Rows by class; empty for regression.</param>
/// <param name="Quality">Quality by column.</param>
public sealed record SiteInfo(
    string Id, string Market, int Rows, int TrainingRows, int ValidationRows, int TestRows, IReadOnlyList<int> ClassCounts, IReadOnlyList<ColumnQuality> Quality)
{
    /// <summary>How the numbers were released: <c>exact</c>, covered by no ε; <c>noised</c>: all but the training rows, which count as public, follow from counts with noise, classes are those of test rows, and there is no quality.</summary>
    public string Release { get; init; } = "exact";
}

/// <summary>Quality of one column at one site.</summary>
/// <param name="Column">Column.</param>
/// <param name="Kind">Its kind in the contract.</param>
/// <param name="MissingShare">Share of missing values.</param>
/// <param name="Mean">Mean, for numbers.</param>
/// <param name="Deviation">Standard deviation, for numbers.</param>
/// <param name="Drift">Population stability index against the other sites together; null: not computed.</param>
public sealed record ColumnQuality(string Column, string Kind, double MissingShare, double? Mean, double? Deviation, double? Drift)
{
    /// <summary>The share of the drift, in tenths, that comes from values missing more or less often than at the other sites; null: not computed.</summary>
    public double? DriftMissingShare { get; init; }
}

/// <summary>A trained model.</summary>
/// <param name="Id"><c>local/&lt;site&gt;</c>, <c>pooled</c>, <c>federated/&lt;name&gt;</c>, <c>federated/&lt;name&gt;+&lt;site&gt;</c>, <c>combined/&lt;name&gt;</c>.</param>
/// <param name="Arm">Arm.</param>
/// <param name="TrainedOn">Sites.</param>
/// <param name="Parameters">P.</param>
/// <param name="Rounds">Rounds; 0 outside a federation.</param>
/// <param name="Bytes">Bytes that crossed a site's border for it.</param>
/// <param name="Seconds">Wall time.</param>
/// <param name="Joules">Energy; null with the reason in <paramref name="JoulesNote"/>.</param>
/// <param name="JoulesNote">How energy was got, or why not.</param>
/// <param name="WeightsSha256">SHA-256 (hex) of the vector's little-endian bytes.</param>
/// <param name="Repeat">Repeat, from 0.</param>
public sealed record ModelInfo(
    string Id, string Arm, IReadOnlyList<string> TrainedOn, int Parameters, int Rounds, long Bytes, double Seconds,
    double? Joules, string? JoulesNote, string WeightsSha256, int Repeat);

/// <summary>A model judged on a site's rows.</summary>
public sealed record EvaluationInfo
{
    /// <summary>Model id.</summary>
    public required string Model { get; init; }

    /// <summary>Repeat, from 0.</summary>
    public required int Repeat { get; init; }

    /// <summary>Site; <c>*</c>: the union of all sites' rows.</summary>
    public required string Site { get; init; }

    /// <summary>Rows meant.</summary>
    public required RowSplit Split { get; init; }

    /// <summary>How the numbers left: <c>exact</c> (the site's own, covered by no ε and no mask), <c>summed</c> (known as the sum over all sites only), <c>merged</c> (approximate, from the histograms of scores that sites told) or <c>noised</c> (from counts with noise).</summary>
    public string Release { get; init; } = "exact";

    /// <summary>The result (predictions stand in <c>predictions.csv</c> instead).</summary>
    public required EvaluationResult Result { get; init; }
}

/// <summary>A metric over repeats.</summary>
/// <param name="Model">Model id.</param>
/// <param name="Site">Site, or <c>*</c>.</param>
/// <param name="Metric">Metric.</param>
/// <param name="Mean">Mean over repeats.</param>
/// <param name="Deviation">Standard deviation over repeats; NaN for one repeat.</param>
/// <param name="Low">Lower end: bootstrap for one repeat; for several, smallest of the repeats.</param>
/// <param name="High">Upper end.</param>
/// <param name="Repeats">Repeats with a defined value.</param>
/// <param name="Rows">Test rows of a repeat.</param>
public sealed record SummaryInfo(
    string Model, string Site, string Metric, double Mean, double Deviation, double Low, double High, int Repeats, int Rows);

/// <summary>What a candidate brought a market over its own models.</summary>
/// <param name="Market">Market id.</param>
/// <param name="Site">Site id; null: the market's sites together.</param>
/// <param name="Baseline">Model to improve on (the site's own).</param>
/// <param name="Candidate">Model compared.</param>
/// <param name="Metric">Metric.</param>
/// <param name="Difference">Candidate minus baseline, oriented as the metric is (lower log loss is better).</param>
/// <param name="Low">Lower end of the 95 % interval.</param>
/// <param name="High">Upper end.</param>
/// <param name="P">p after Holm's correction over the markets.</param>
/// <param name="RawP">p before correction.</param>
/// <param name="Test"><c>bootstrap</c>, <c>mcnemar</c>, <c>delong</c>, or <c>corrected-resampled-t</c> over repeats (Nadeau and Bengio 2003).</param>
/// <param name="Detectable">Smallest difference that could have been found (power 0.8, level 0.05).</param>
/// <param name="Rows">Test rows.</param>
public sealed record BenefitInfo(
    string Market, string? Site, string Baseline, string Candidate, string Metric, double Difference, double Low, double High,
    double P, double RawP, string Test, double Detectable, int Rows);

/// <summary>A point of a model's training.</summary>
/// <param name="Model">Model id.</param>
/// <param name="Repeat">Repeat.</param>
/// <param name="Round">Round, or epoch outside a federation; from 1.</param>
/// <param name="Loss">Training loss, weighted by rows.</param>
/// <param name="Metrics">Validation metrics, where computed.</param>
public sealed record HistoryInfo(string Model, int Repeat, int Round, double Loss, IReadOnlyDictionary<string, double> Metrics);

/// <summary>Who took part in a round.</summary>
/// <param name="Model">Model id.</param>
/// <param name="Repeat">Repeat.</param>
/// <param name="Round">Round, from 1.</param>
/// <param name="Contributed">Sites whose update entered.</param>
/// <param name="Rejected">Sites whose update was refused, with the reason.</param>
/// <param name="Missing">Sites that did not answer.</param>
public sealed record RoundInfo(
    string Model, int Repeat, int Round, IReadOnlyList<string> Contributed, IReadOnlyList<RejectedUpdate> Rejected, IReadOnlyList<string> Missing);

/// <summary>An update that the gate refused.</summary>
/// <param name="Site">Site.</param>
/// <param name="Reason"><c>not-finite</c>, <c>wrong-shape</c>, <c>norm-exceeded</c>.</param>
public sealed record RejectedUpdate(string Site, string Reason);

/// <summary>A candidate for the recommendation.</summary>
public sealed record CandidateInfo(string Model, string Metric, double ValidationScore, double ValidationLogLoss);

/// <summary>A charge in the privacy ledger.</summary>
/// <param name="Site">Whose records.</param>
/// <param name="Mechanism"><c>record-gaussian</c>: clipped gradients of Poisson samples, and sums, with Gaussian noise.</param>
/// <param name="Epsilon">ε of all that was released.</param>
/// <param name="Delta">At this δ.</param>
/// <param name="Relation">Which data sets must look alike, such as <c>add-or-remove-one-record</c>.</param>
public sealed record PrivacyInfo(string Site, string Mechanism, double Epsilon, double Delta, string Relation)
{
    /// <summary>ε that the study promised not to pass.</summary>
    public double Promised { get; init; }

    /// <summary>Deviation of the noise in each training step, divided by <see cref="ClipNorm"/>; 0: none was trained.</summary>
    public double NoiseMultiplier { get; init; }

    /// <summary>Deviation of the noise in each step of the statistics, divided by what one record can change; 0: there were none.</summary>
    public double StatisticsNoiseMultiplier { get; init; }

    /// <summary>ε of each release of counts behind metrics; null: metrics are exact, and not covered.</summary>
    public double? MetricsEpsilon { get; init; }

    /// <summary>Longest gradient of one record.</summary>
    public double ClipNorm { get; init; }

    /// <summary>Training rows.</summary>
    public int Rows { get; init; }

    /// <summary>Answers that were charged.</summary>
    public long Answers { get; init; }

    /// <summary>How ε was reckoned: <c>pld</c> or <c>rdp</c>.</summary>
    public string Accountant { get; init; } = "";

    /// <summary>Whether the noise came from the study's seed: a simulation, whose noise can be taken off again by whoever has the seed.</summary>
    public bool SeededNoise { get; init; }
}

/// <summary>How updates were masked: the coordinator learnt the sums of rounds and no site's update.</summary>
/// <param name="Adversary"><c>semi-honest</c> or <c>lying-coordinator</c>: what the coordinator could have done without learning more.</param>
/// <param name="Cohort">Sites in a round, the fewest of all federations.</param>
/// <param name="Threshold">Of the holders of a site's secrets so many must stay: fewer, colluding, learn nothing.</param>
/// <param name="Degree">Sites that each masked with, in the sparse graph; null: with all others.</param>
/// <param name="Clip">Largest absolute value of a coordinate that was let out.</param>
/// <param name="MaximalRows">Most training rows that a site could have.</param>
public sealed record SecureAggregationInfo(string Adversary, int Cohort, int Threshold, int? Degree, double Clip, long MaximalRows);

/// <summary>Something a reader must know; texts stand in the report's resources under the code.</summary>
/// <param name="Code">Kebab-case code.</param>
/// <param name="Arguments">What the text's placeholders stand for.</param>
public sealed record ResultWarning(string Code, IReadOnlyList<string> Arguments);
