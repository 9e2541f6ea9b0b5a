using Comity.Learning.Training.Private;
using Comity.Tensors.Randomness;

namespace Comity.Learning.Training;

/// <summary>One run of the trainer, within a federation's round or on its own.</summary>
public sealed record TrainerRequest
{
    /// <summary>Names the streams of shuffling and dropout, which are further derived by epoch.</summary>
    public required Seed Seed { get; init; }

    /// <summary>Passes over the training rows. Null: as many as the section says, with its early stopping.</summary>
    public int? Epochs { get; init; }

    /// <summary>Epochs that this model has already been through, so that schedules and shuffles go on from there.</summary>
    public int EpochsBefore { get; init; }

    /// <summary>Epochs that the schedule of the learning rate spans. Null: the section's.</summary>
    public int? ScheduleEpochs { get; init; }

    /// <summary>μ ≥ 0: adds μ/2·‖w − anchor‖² to the loss (FedProx, Ditto).</summary>
    public float Proximal { get; init; }

    /// <summary>What the proximal term pulls towards, shape [P]; empty: the parameters at the start.</summary>
    public ReadOnlyMemory<float> Anchor { get; init; }

    /// <summary>Added to every gradient, shape [P] (SCAFFOLD's c − cᵢ); empty: none.</summary>
    public ReadOnlyMemory<float> GradientCorrection { get; init; }

    /// <summary>Parameters of a model to learn from besides the labels, shape [P]; empty: none.</summary>
    public ReadOnlyMemory<float> Teacher { get; init; }

    /// <summary>What the optimiser begins with, as <see cref="TrainerResult.OptimizerState"/> of an earlier run gave it; empty: afresh.</summary>
    public IReadOnlyList<ReadOnlyMemory<float>> OptimizerState { get; init; } = [];

    /// <summary>Lends vectors, of the length asked for, that take what the optimiser remembers at the end; null: it is forgotten. L-BFGS leaves nothing.</summary>
    public Func<int, Memory<float>>? KeepOptimizerState { get; init; }

    /// <summary>Differential privacy of single records; null: none. Validation rows are then not looked at, and training does not stop before its time.</summary>
    public PrivateTraining? Private { get; init; }

    /// <summary>Steps from one checkpoint to the next; 0: none are made.</summary>
    public int CheckpointEvery { get; init; }

    /// <summary>Called with each checkpoint, on the training thread.</summary>
    public Action<TrainerCheckpoint>? Checkpoint { get; init; }

    /// <summary>Where to go on; all else must be as it was when the checkpoint was made, the starting parameters too. Null: from the start.</summary>
    public TrainerCheckpoint? Resume { get; init; }

    /// <summary>Called after each epoch, on the training thread.</summary>
    public Action<TrainerProgress>? Progress { get; init; }
}

/// <summary>How far training has come.</summary>
/// <param name="Epoch">Epochs done in this run.</param>
/// <param name="Epochs">Epochs asked for.</param>
/// <param name="Loss">Mean training loss of the last epoch.</param>
/// <param name="ValidationLoss">Validation loss after it; null without validation rows.</param>
public readonly record struct TrainerProgress(int Epoch, int Epochs, double Loss, double? ValidationLoss);
