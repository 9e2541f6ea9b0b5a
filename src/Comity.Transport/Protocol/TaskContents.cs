using System.Text.Json.Serialization;
using Comity.Federation.Masking;
using Comity.Federation.Rounds;
using Comity.Federation.Sites;
using Comity.Tensors.Parameters;

namespace Comity.Transport.Protocol;

/// <summary>Content of <see cref="TaskKind.Join"/>; body <c>study</c>: the study file.</summary>
/// <param name="Study">The study's name.</param>
/// <param name="Software">Version of Comity at the coordinator.</param>
public sealed record JoinWork(string Study, string Software);

/// <summary>What a site answers to <see cref="JoinWork"/>.</summary>
/// <param name="Software">Its version of Comity.</param>
/// <param name="Architecture">Its processor's architecture.</param>
/// <param name="VectorBits">Its vector width.</param>
/// <param name="Runtime">Its runtime.</param>
/// <param name="OwnModelStays">Whether its own models stay at home.</param>
/// <param name="Refused">Why it does not take part; empty: it does.</param>
public sealed record JoinResult(string Software, string Architecture, int VectorBits, string Runtime, bool OwnModelStays, IReadOnlyList<ToldProblem> Refused)
{
    /// <summary>How much the site trains on, where the study promises differential privacy of records; else empty. The number of rows is public then.</summary>
    public IReadOnlyList<ToldScale> Scales { get; init; } = [];

    /// <summary>How many studies the site works on at once: the coordinator has others wait. Null: any number, and what older versions answer.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? Studies { get; init; }
}

/// <summary>How much a site trains on in a repeat.</summary>
/// <param name="Repeat">Repeat, from 0.</param>
/// <param name="Overrides">Overrides of the training section, as a federation of the study has them; null: none.</param>
/// <param name="Rows">Training rows.</param>
/// <param name="Lot">Expected rows of a step.</param>
public sealed record ToldScale(int Repeat, string? Overrides, int Rows, int Lot);

/// <summary>Content of <see cref="TaskKind.Statistics"/>; body <c>agreed</c>: what was agreed before. The answer is <see cref="Statistics"/>.</summary>
public sealed record StatisticsWork(int Repeat, string Step)
{
    /// <summary>Whether only names and lengths are asked for: the numbers follow under masks.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool FormOnly { get; init; }
}

/// <summary>Content of <see cref="TaskKind.Start"/>; body <c>agreed</c>. The answer is <see cref="StartResult"/> with the first weights as its body.</summary>
public sealed record StartWork(int Repeat);

/// <summary>What a site answers to <see cref="StartWork"/>.</summary>
/// <param name="Layout">The tensors in order.</param>
/// <param name="Task">Task of the model.</param>
/// <param name="Classes">Its classes.</param>
public sealed record StartResult(IReadOnlyList<ParameterEntry> Layout, string Task, IReadOnlyList<string> Classes);

/// <summary>Content of <see cref="TaskKind.Train"/>; bodies <c>agreed</c>, <c>parameters</c>. The answer is <see cref="TrainResult"/>, with the weights as its body where the site's policy lets them out.</summary>
/// <param name="Repeat">Repeat, from 0.</param>
/// <param name="Model">Id of the model.</param>
/// <param name="Epochs">Passes; null: as the study says.</param>
/// <param name="EpochsBefore">Passes before.</param>
/// <param name="Setting">Which setting of the study's search, from 0; null: none. What it is the site reads in its own copy.</param>
public sealed record TrainWork(int Repeat, string Model, int? Epochs, int EpochsBefore, int? Setting = null);

/// <summary>What a site answers to <see cref="TrainWork"/> and to <see cref="TaskKind.Personalise"/>.</summary>
public sealed record TrainResult(
    int Rows, int Steps, double LearningRateSum, double NormalizedSteps, IReadOnlyList<double> LossByEpoch, IReadOnlyList<double> ValidationLossByEpoch, string? StoppedBy, string? KeptSha256)
{
    /// <summary>Epochs that were trained, where the site tells no losses; else 0.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public int Epochs { get; init; }
}

/// <summary>
/// Content of <see cref="TaskKind.Round"/> and <see cref="TaskKind.Personalise"/>; bodies <c>agreed</c>, <c>parameters</c>, and where the strategy has them
/// <c>control</c> and <c>teacher</c>. What the study says of the round (gate, overrides, personalisation) the site reads in its own copy of the study.
/// </summary>
public sealed record RoundWork(
    int Repeat, string Model, int Round, string LayoutDigest, int Epochs, int EpochsBefore, float Proximal, int LastContribution)
{
    /// <summary>Which setting of the federation's search, from 0; null: none.</summary>
    public int? Setting { get; init; }

    /// <summary>The clip of the round, where it follows the updates' norms; null: the study's.</summary>
    public double? Clip { get; init; }

    /// <summary>The masked round, where the study masks updates; null: none.</summary>
    public MaskedAttempt? Masked { get; init; }

    /// <summary>Whether the update's digest may be that of its chunks' digests (a site of an older version gives that of all bytes, which counts too).</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool DigestOfChunks { get; init; }

    /// <summary>The step of the statistics that is to be summed under the masks, in the place of an update; null: an update is asked for.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public StatisticsWork? Statistics { get; init; }

    /// <summary>The judging whose numbers are to be summed under the masks, in the place of an update; null: none.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public CountWork? Count { get; init; }
}

/// <summary>
/// Content of <see cref="TaskKind.Mask"/>; bodies <c>agreed</c> and <c>partners</c>, the public keys of all sites. Plan, ring and threshold follow from
/// the site's own copy of the study.
/// </summary>
/// <param name="Repeat">Repeat, from 0.</param>
/// <param name="Model">Id of the model.</param>
/// <param name="Round">Round, from 1.</param>
/// <param name="LayoutDigest">Digest of the model's layout.</param>
/// <param name="Masked">The attempt.</param>
/// <param name="Message">What the coordinator says; null: begin.</param>
public sealed record MaskWork(int Repeat, string Model, int Round, string LayoutDigest, MaskedAttempt Masked, byte[]? Message)
{
    /// <summary>As in <see cref="RoundWork"/>.</summary>
    public int? Setting { get; init; }

    /// <summary>As in <see cref="RoundWork"/>.</summary>
    public double? Clip { get; init; }

    /// <summary>As in <see cref="RoundWork"/>.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public StatisticsWork? Statistics { get; init; }

    /// <summary>The judging whose numbers are to be summed under the masks, in the place of an update; null: none.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public CountWork? Count { get; init; }
}

/// <summary>What a site answers to a <see cref="TaskKind.Mask"/>.</summary>
/// <param name="Message">Its message; null: nothing yet, so it can be offered the round.</param>
public sealed record MaskResult(byte[]? Message);

/// <summary>What a site answers to a <see cref="TaskKind.Round"/>: the update's header; its numbers are the body.</summary>
public sealed record RoundResult(UpdateHeader Header);

/// <summary>Content of <see cref="TaskKind.Evaluate"/>; bodies <c>agreed</c> and, unless the site keeps the model, <c>parameters</c>. The answer is <see cref="EvaluationResult"/>.</summary>
public sealed record EvaluateWork(int Repeat, string Model, RowSplit Split, bool Detailed);

/// <summary>Content of <see cref="TaskKind.Count"/>; bodies <c>agreed</c> and, unless the site keeps the model, <c>parameters</c>. The answer is <see cref="Statistics"/>: noised counts, or the form of numbers that follow under masks.</summary>
public sealed record CountWork(int Repeat, string Model, RowSplit Split)
{
    /// <summary>Whether only names and lengths are asked for: the numbers follow under masks.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool FormOnly { get; init; }
}

/// <summary>Content of <see cref="TaskKind.Compare"/>; bodies <c>agreed</c> and, unless the site keeps them, <c>baseline</c> and <c>candidate</c>. The answer is <see cref="ComparisonResult"/>.</summary>
public sealed record CompareWork(int Repeat, string Baseline, string Candidate);
