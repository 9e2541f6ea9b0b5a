using Comity.Privacy.Noise;

namespace Comity.Learning.Training.Private;

/// <summary>Asks the trainer for differential privacy of single records: Poisson samples, clipped gradients, noised sums.</summary>
/// <remarks>
/// The section's <c>batch</c> is then the expected lot B, the sampling rate q = B/N, an epoch ⌈1/q⌉ steps, and sums are divided by B,
/// whatever was drawn. What was released stands in <see cref="TrainerResult.Released"/>.
/// </remarks>
public sealed record PrivateTraining
{
    /// <summary>C, the longest gradient (L2 norm) of one record; longer ones are scaled down to it.</summary>
    public required double ClipNorm { get; init; }

    /// <summary>z: the noise has the standard deviation z·C on the sum of a step.</summary>
    public required double NoiseMultiplier { get; init; }

    /// <summary>Where samples and noise come from: a fresh stream for each run of the trainer, for no draw may be used twice.</summary>
    public required NoiseStream Noise { get; init; }

    /// <summary>Most rows that are held at once; larger lots are gone through in several parts. Null: a quarter more than the lot.</summary>
    public int? RowsAtOnce { get; init; }
}
