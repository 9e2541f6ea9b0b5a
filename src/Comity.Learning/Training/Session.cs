using Comity.Learning.Models;
using Comity.Learning.Training.Optimizers;
using Comity.Tensors.Memory;
using Comity.Tensors.Parameters;

namespace Comity.Learning.Training;

/// <summary>Memory of one run of the trainer: made once, used again by later runs of the same trainer.</summary>
internal sealed class Session
{
    public Session(Model model, TrainingSection section)
    {
        var length = model.Layout.Length;
        (Parameters, Gradient) = (new AlignedBuffer(length), new AlignedBuffer(length));
        Optimizer = section.Optimizer is LbfgsSection ? null : Optimizer.Create(section.Optimizer, model.Kernels, length);
        if (section.Accumulate > 1) Sum = new AlignedBuffer(length);
        if (section.AverageDecay is not null) Average = new AlignedBuffer(length);
        Decayed = Segments(model.Layout, role => role == ParameterRole.Weight);
        Trained = Segments(model.Layout, role => role != ParameterRole.BatchNormStatistic);
    }

    public AlignedBuffer Parameters { get; }

    public AlignedBuffer Gradient { get; }

    public Optimizer? Optimizer { get; }

    /// <summary>Σ of the gradients of several batches; null unless they make one step together.</summary>
    public AlignedBuffer? Sum { get; }

    /// <summary>The moving average of the parameters; null unless there is one.</summary>
    public AlignedBuffer? Average { get; }

    /// <summary>Slices that weight decay acts on.</summary>
    public (int Offset, int Length)[] Decayed { get; }

    /// <summary>Slices that gradients act on: all but running statistics.</summary>
    public (int Offset, int Length)[] Trained { get; }

    // Neighbours are joined, so that most models have one or two slices.
    private static (int Offset, int Length)[] Segments(ParameterLayout layout, Func<ParameterRole, bool> belongs)
    {
        var segments = new List<(int Offset, int Length)>();
        foreach (var entry in layout.Entries)
        {
            if (!belongs(entry.Role)) continue;
            if (segments.Count > 0 && segments[^1].Offset + segments[^1].Length == entry.Offset)
                segments[^1] = (segments[^1].Offset, segments[^1].Length + entry.Length);
            else
                segments.Add((entry.Offset, entry.Length));
        }
        return [.. segments];
    }
}
