using Comity.Tensors.Differentiation;

using Comity.Privacy.Mechanisms;

namespace Comity.Learning.Training;

/// <summary>What a run of the trainer did. The trained parameters stand in the span that it was given.</summary>
public sealed record TrainerResult
{
    /// <summary>Optimiser steps taken.</summary>
    public required int Steps { get; init; }

    /// <summary>Epochs begun.</summary>
    public required int Epochs { get; init; }

    /// <summary>Σ of the learning rate over the steps.</summary>
    public required double LearningRateSum { get; init; }

    /// <summary>FedNova's ‖aᵢ‖₁ (Wang et al. 2020, arXiv:2007.07481): the sum of the coefficients with which the gradients entered the change, in units of the mean learning rate.</summary>
    /// <remarks>Plain SGD: the steps. Momentum and the proximal term: by their recursion. Adaptive optimisers: the steps.</remarks>
    public required double NormalizedSteps { get; init; }

    /// <summary>Mean training loss by epoch, while the parameters moved.</summary>
    public required IReadOnlyList<double> LossByEpoch { get; init; }

    /// <summary>Validation loss after each epoch; empty without validation rows.</summary>
    public required IReadOnlyList<double> ValidationLossByEpoch { get; init; }

    /// <summary>Why training ended before its time: one of <see cref="StopReasons"/>; null: it did not.</summary>
    public required string? StoppedBy { get; init; }

    /// <summary>The epoch of this run, from 1, at which it stopped or diverged; null when it ran to the end.</summary>
    public int? StoppedAtEpoch { get; init; }

    /// <summary>Where the first value that is not finite appeared; null unless training diverged within a step.</summary>
    public Divergence? Divergence { get; init; }

    /// <summary>The epoch of this run, from 1, whose parameters were kept by early stopping; null without it.</summary>
    public int? BestEpoch { get; init; }

    /// <summary>What the optimiser remembers, for a later run to begin with; empty unless it was asked for.</summary>
    public IReadOnlyList<ReadOnlyMemory<float>> OptimizerState { get; init; } = [];

    /// <summary>What the trained parameters release about single records; null: trained without privacy. The losses here are not protected.</summary>
    public PrivateGradientDescent? Released { get; init; }

    /// <summary>Of a private run: whether rows had to be passed one by one, as the model does not let their gradients be clipped together.</summary>
    internal bool ClippedOneByOne { get; init; }
}

/// <summary>Where a number first became infinite or no number.</summary>
/// <param name="Step">The step of this run, from 1.</param>
/// <param name="Operation">The operation; null: every number of the pass is finite, and only the length of the gradient overflows.</param>
public sealed record Divergence(int Step, NonFiniteOperation? Operation);

/// <summary>Values of <see cref="TrainerResult.StoppedBy"/>.</summary>
public static class StopReasons
{
    /// <summary>The training loss reached its target.</summary>
    public const string TargetLoss = "target-loss";

    /// <summary>The validation loss no longer fell.</summary>
    public const string EarlyStopping = "early-stopping";

    /// <summary>The loss became infinite or not a number; the parameters are of no use.</summary>
    public const string Diverged = "diverged";

    /// <summary>The gradient is as small as was asked for (L-BFGS).</summary>
    public const string Converged = "converged";

    /// <summary>No step gains any more at single precision, though the gradient is larger than was asked for (L-BFGS).</summary>
    public const string Stalled = "stalled";
}
