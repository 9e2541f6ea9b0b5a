using Comity.Federation.Privacy;
using Comity.Privacy.Mechanisms;

namespace Comity.Federation.Sites;

/// <summary>Asks a site to train a model.</summary>
public sealed record TrainingTask
{
    /// <summary>Repeat of the study, from 0.</summary>
    public required int Repeat { get; init; }

    /// <summary>Id of the model being trained, such as <c>federated/fedavg</c>; names the random streams.</summary>
    public required string Model { get; init; }

    /// <summary>Round, from 1; 0 outside a federation.</summary>
    public required int Round { get; init; }

    /// <summary>All statistics as agreed: they fix preprocessing, hence the model's input.</summary>
    public required Statistics Agreed { get; init; }

    /// <summary>The parameters to start from, shape [P]; not to be changed.</summary>
    public required ReadOnlyMemory<float> Parameters { get; init; }

    /// <summary>Passes over the training rows. Null: as many as the study's training section says, with its early stopping.</summary>
    public int? Epochs { get; init; }

    /// <summary>Epochs that this model has already been through, so that schedules of the learning rate go on from there.</summary>
    public int EpochsBefore { get; init; }

    /// <summary>FedProx's and Ditto's μ: adds μ/2·‖w − anchor‖² to the loss. 0: none.</summary>
    public float Proximal { get; init; }

    /// <summary>What the proximal term pulls towards, shape [P]; empty: <see cref="Parameters"/>.</summary>
    public ReadOnlyMemory<float> Anchor { get; init; }

    /// <summary>Added to every gradient, shape [P] (SCAFFOLD: c − cᵢ); empty: none.</summary>
    public ReadOnlyMemory<float> GradientCorrection { get; init; }

    /// <summary>Overrides of the study's training section for this federation, unread YAML as JSON text; null: none.</summary>
    public string? TrainingOverrides { get; init; }

    /// <summary>Which setting of the study's search <see cref="TrainingOverrides"/> are, from 0; null: none.</summary>
    public int? Setting { get; init; }

    /// <summary>A model to learn from besides the labels (distillation), shape [P]; empty: none.</summary>
    public ReadOnlyMemory<float> Teacher { get; init; }

    /// <summary>
    /// Where the trained parameters may be written, shape [P], so that rounds need no vector of their own for each site; empty: the work makes one.
    /// It belongs to the caller again once the result has been given.
    /// </summary>
    public Memory<float> Destination { get; init; }

    /// <summary>What the optimiser begins with: <see cref="TrainingResult.OptimizerState"/> of the site's round before; empty: afresh.</summary>
    public IReadOnlyList<ReadOnlyMemory<float>> OptimizerState { get; init; } = [];

    /// <summary>Lends vectors, of the length asked for, that take what the optimiser remembers at the end. They belong to the caller. Null: it is forgotten.</summary>
    public Func<int, Memory<float>>? KeepOptimizerState { get; init; }

    /// <summary>Differential privacy of single records, for a model that will leave the site; null: the model stays, or nothing was promised.</summary>
    public RecordPrivacy? Private { get; init; }

    /// <summary>Called now and then with progress within the task.</summary>
    public Action<TrainingProgress>? Progress { get; init; }
}

/// <summary>How far a training task has come.</summary>
/// <param name="Epoch">Epochs done.</param>
/// <param name="Epochs">Epochs asked for.</param>
/// <param name="Loss">Mean training loss of the last epoch.</param>
public readonly record struct TrainingProgress(int Epoch, int Epochs, double Loss);

/// <summary>What training gave.</summary>
public sealed record TrainingResult
{
    /// <summary>The trained parameters, shape [P]: the task's destination where there was one; empty when the model stays at the site (<see cref="KeptSha256"/>).</summary>
    public required ReadOnlyMemory<float> Parameters { get; init; }

    /// <summary>SHA-256 (hex) of the parameters that stay at the site, which finds them again by the model's id; null: they came along.</summary>
    public string? KeptSha256 { get; init; }

    /// <summary>Training rows.</summary>
    public required int Rows { get; init; }

    /// <summary>Optimiser steps taken.</summary>
    public required int Steps { get; init; }

    /// <summary>Σ of the learning rate over the steps (SCAFFOLD's K·lr).</summary>
    public required double LearningRateSum { get; init; }

    /// <summary>FedNova's ‖aᵢ‖₁: the sum of the coefficients with which the gradients entered the change. Plain SGD: the steps.</summary>
    public required double NormalizedSteps { get; init; }

    /// <summary>Mean training loss by epoch.</summary>
    public required IReadOnlyList<double> LossByEpoch { get; init; }

    /// <summary>Epochs that were trained, where <see cref="LossByEpoch"/> is not told; else 0.</summary>
    public int EpochsUntold { get; init; }

    /// <summary>Validation loss by epoch where validation rows are kept; else empty.</summary>
    public IReadOnlyList<double> ValidationLossByEpoch { get; init; } = [];

    /// <summary>What the optimiser remembers, in the vectors that the task lent: [P] each, a shorter one at most last; empty: nothing, or nobody asked.</summary>
    public IReadOnlyList<ReadOnlyMemory<float>> OptimizerState { get; init; } = [];

    /// <summary>What the parameters release about single records; null: trained without privacy.</summary>
    public PrivateGradientDescent? Released { get; init; }

    /// <summary>Why training ended before its time (<c>target-loss</c>, <c>early-stopping</c>, <c>diverged</c>); null: it did not.</summary>
    public string? StoppedBy { get; init; }
}
