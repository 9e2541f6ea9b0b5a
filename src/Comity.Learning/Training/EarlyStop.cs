namespace Comity.Learning.Training;

/// <summary>Watches the validation loss and keeps the best parameters.</summary>
/// <param name="section">When to stop; null: only watch.</param>
/// <param name="validation">What to watch; null: nothing.</param>
internal sealed class EarlyStop(EarlyStoppingSection? section, MeanLoss? validation)
{
    private readonly List<double> _losses = [];
    private double _best = double.PositiveInfinity;
    private int _bestEpoch = -1;
    private float[]? _bestParameters;

    /// <summary>What a checkpoint needs.</summary>
    public (double Best, int BestEpoch, float[]? BestParameters) State
    {
        get => (_best, _bestEpoch, _bestParameters?.ToArray());
        set => (_best, _bestEpoch, _bestParameters) = (value.Best, value.BestEpoch, value.BestParameters?.ToArray());
    }

    /// <summary>Takes up the losses of a run that goes on.</summary>
    public void TakeUp(IReadOnlyList<double> losses) => _losses.AddRange(losses);

    /// <summary>Losses seen.</summary>
    public IReadOnlyList<double> Losses => _losses;

    /// <summary>Whether patience has run out.</summary>
    public bool IsOver => section is not null && _losses.Count > 0 && _losses.Count - 1 - _bestEpoch >= section.Patience;

    /// <summary>The best epoch, from 1; null: nothing was kept.</summary>
    public int? BestEpoch => _bestParameters is null ? null : _bestEpoch + 1;

    /// <summary>Judges the parameters after an epoch.</summary>
    public double? Observe(ReadOnlySpan<float> parameters, int epoch)
    {
        if (validation is null) return null;
        var loss = validation.Of(parameters);
        _losses.Add(loss);
        if (section is null || !(loss < _best - section.MinDelta || _bestEpoch < 0)) return loss;
        (_best, _bestEpoch) = (loss, epoch);
        _bestParameters ??= new float[parameters.Length];
        parameters.CopyTo(_bestParameters);
        return loss;
    }

    /// <summary>Puts the best parameters back, if any were kept.</summary>
    public void KeepBest(Span<float> parameters) => _bestParameters?.CopyTo(parameters);
}
