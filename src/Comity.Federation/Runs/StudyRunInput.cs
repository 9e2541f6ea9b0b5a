using Comity.Federation.Results;
using Comity.Federation.Sites;
using Comity.Federation.Stores;
using Comity.Federation.Studies;
using Comity.Privacy.Noise;

namespace Comity.Federation.Runs;

/// <summary>All that a run needs.</summary>
public sealed record StudyRunInput
{
    /// <summary>The study, checked; its seed, arms and repeats may have been changed by the command line.</summary>
    public required StudySection Study { get; init; }

    /// <summary>SHA-256 (hex) of the study file's bytes.</summary>
    public required string StudySha256 { get; init; }

    /// <summary>The study file as the user named it, for the results; null: not told.</summary>
    public string? StudyFile { get; init; }

    /// <summary>What is predicted: the label's column, for the results; null: not told.</summary>
    public string? Label { get; init; }

    /// <summary>Knows the model and gives its first weights.</summary>
    public required IModelSource Model { get; init; }

    /// <summary>The sites' work, one for each site of the study.</summary>
    public required IReadOnlyList<ISiteWork> Sites { get; init; }

    /// <summary>All rows together: trains the pooled arm and judges models on the union (<c>site: "*"</c>). Null: nobody holds them.</summary>
    public ISiteWork? Pooled { get; init; }

    /// <summary>Why there is no pooled work, as a code shown with the arm (such as <c>barred-by-policy</c>).</summary>
    public string PooledAbsence { get; init; } = "nobody-holds-all-rows";

    /// <summary>Sites whose own models stay at home: they are judged there only, and nobody else uses or joins them.</summary>
    public IReadOnlyCollection<string> OwnModelsStay { get; init; } = [];

    /// <summary>Lines to sites that are elsewhere, with a memory of their own, before there is a model (null) and for a model's rounds; null: the sites work in this process.</summary>
    public Func<ISiteWork, ModelStart?, Rounds.ISiteChannel>? Channels { get; init; }

    /// <summary>Public keys of sites that are elsewhere (SubjectPublicKeyInfo), which masked rounds need; null: none is known.</summary>
    public Func<string, byte[]?>? SiteKeys { get; init; }

    /// <summary>How long a site may go without progress before it counts as absent; null: as the study says, else as long as it takes.</summary>
    public TimeSpan? Patience { get; init; }

    /// <summary>Models under <see cref="CombinedSection.From"/>, by the path written there.</summary>
    public IReadOnlyDictionary<string, ReadOnlyMemory<float>> GivenModels { get; init; } = new Dictionary<string, ReadOnlyMemory<float>>();

    /// <summary>The run's folder; <c>state</c> and <c>sites</c> are made in it.</summary>
    public required string RunFolder { get; init; }

    /// <summary>A database in which the run's state lies; null: it lies in <see cref="RunFolder"/>.</summary>
    public SharedState? Shared { get; init; }

    /// <summary>How models, updates and shares are kept; null: as they are.</summary>
    public AtRest.StateVault? Vault { get; init; }

    /// <summary>Whether a run begun in that folder may be continued.</summary>
    public bool Resume { get; init; }

    /// <summary>Site calls at the same time. The bits don't depend on it.</summary>
    public int Jobs { get; init; } = 1;

    /// <summary>Has an order of trials trained by another process; null: trials are trained here. The bits don't depend on it.</summary>
    public Func<Trials.TrialOrder, CancellationToken, Task<Trials.TrialHandover>>? TrainedElsewhere { get; init; }

    /// <summary>How rounds of federations are divided into groups of sites, which <see cref="TrainedElsewhere"/> then trains; null: an order is a whole trial.</summary>
    public Trials.RoundDivision? Division { get; init; }

    /// <summary>Sites whose own models make one order; a study of many small sites is ordered in groups.</summary>
    public int SitesTogether { get; init; } = 1;

    /// <summary>Epochs of a training outside a federation, by which orders are compared; 1: not told.</summary>
    public int EpochsAlone { get; init; } = 1;

    /// <summary>Bytes that models trained together may take in this process; a study of large models then trains fewer of them at a time. Null: as many as there are jobs.</summary>
    public long? MemoryForModels { get; init; }

    /// <summary>Metric by which models are compared first.</summary>
    public required string PrimaryMetric { get; init; }

    /// <summary>Whether predictions row by row are wanted (a simulation only).</summary>
    public bool WithPredictions { get; init; }

    /// <summary>Sites as the owner of the data describes them; those not given are described by what the run saw.</summary>
    public IReadOnlyList<SiteInfo> Described { get; init; } = [];

    /// <summary>Version and machine.</summary>
    public required RunEnvironment Environment { get; init; }

    /// <summary>Told what happens, from several threads.</summary>
    public IProgress<StudyEvent>? Progress { get; init; }

    /// <summary>Called once when all training is over and judging begins, so that what only training needs can be let go.</summary>
    public Action? TrainingEnded { get; init; }

    /// <summary>Told of what leaves a site in the rounds and the statistics, before it is handed on; called from several threads.</summary>
    public Action<Leaving>? Leaving { get; init; }

    /// <summary>The privacy ledger's file; null: one in the run's folder, which knows of this run only.</summary>
    public string? Ledger { get; init; }

    /// <summary>Where the gate's noise comes from, by site and answer; null: a fresh unpredictable stream each time. Only a simulation may give one that can be repeated.</summary>
    public Func<string, string, NoiseStream>? Noise { get; init; }

    /// <summary>The clock.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Called with the kind of write before each durable one; tests kill a run there.</summary>
    internal Action<string>? BeforeWrite { get; init; }

    /// <summary>Another line to a site than the one in process; null: that one stands.</summary>
    internal Func<Rounds.ISiteChannel, Rounds.ISiteChannel>? Line { get; init; }
}
