using Comity.Tensors.Parameters;

namespace Comity.Federation.Sites;

/// <summary>The study author's part: knows the model and gives its first weights. The coordinator sees a vector and its layout only.</summary>
public interface IModelSource
{
    /// <summary>Statistics steps to run, in order; each sees what the ones before it agreed on.</summary>
    IReadOnlyList<string> StatisticsSteps { get; }

    /// <summary>Layout and first weights for one repeat; the same for every arm of it, so that arms are comparable.</summary>
    ValueTask<ModelStart> StartAsync(int repeat, Statistics agreed, CancellationToken cancellationToken);
}

/// <summary>A model before training.</summary>
/// <param name="Layout">Names, shapes and offsets.</param>
/// <param name="Parameters">First weights, shape [P].</param>
/// <param name="Task"><c>binary</c>, <c>multiclass</c>, <c>regression</c>, <c>next-token</c>, <c>masked-token</c> or <c>tagging</c>.</param>
/// <param name="Classes">Names of the classes; for a binary label negative, positive; empty for regression.</param>
public sealed record ModelStart(ParameterLayout Layout, ReadOnlyMemory<float> Parameters, string Task, IReadOnlyList<string> Classes)
{
    /// <summary>Reads the first weights into a vector of the caller's own, where they lie on a disk, so that a large model need not be in memory twice; null: they are copied.</summary>
    public Func<float[]>? Read { get; init; }
}
