using Comity.Federation.Results;
using Comity.Federation.Sites;
using Comity.Federation.Stores;

namespace Comity.Federation.Runs;

/// <summary>A finished run: its results, and the vectors and predictions that are too large to hold. Dispose it to release the folder.</summary>
public sealed class StudyOutcome : IDisposable
{
    private readonly RunStore _store;

    internal StudyOutcome(RunStore store, StudyResults results) => (_store, Results) = (store, results);

    /// <summary>Everything the study found; predictions are left out.</summary>
    public StudyResults Results { get; }

    /// <summary>Whether a model's parameters are here; a site's own model may stay at the site.</summary>
    public bool Holds(ModelInfo model)
    {
        ArgumentNullException.ThrowIfNull(model);
        return _store.Model(model.Id, model.Repeat) is { AtHome: false };
    }

    /// <summary>The file of a model's parameters, little-endian floats, for reading as a stream.</summary>
    public string WeightsFile(ModelInfo model)
    {
        ArgumentNullException.ThrowIfNull(model);
        return _store.Fetch(_store.WeightsPath(model.Id, model.Repeat));
    }

    /// <summary>A model's parameters, shape [P].</summary>
    public float[] Weights(ModelInfo model) => _store.Weights(model);

    /// <summary>What the sites agreed on in a repeat: it fixes the model's preprocessing.</summary>
    public Statistics Agreed(int repeat) => _store.Agreed(repeat) ?? Statistics.None;

    /// <summary>Predictions on test rows, one model and site after another; empty unless they were asked for.</summary>
    public IEnumerable<SitePredictions> Predictions() =>
        from e in Results.Evaluation
        where e.Split == RowSplit.Test && e.Site != "*"
        let rows = _store.Predictions(e.Model, e.Repeat, e.Site)
        where rows.Count > 0
        select new SitePredictions(e.Model, e.Repeat, e.Site, rows);

    /// <inheritdoc/>
    public void Dispose() => _store.Dispose();
}

/// <summary>A model's predictions on one site's test rows.</summary>
public sealed record SitePredictions(string Model, int Repeat, string Site, IReadOnlyList<Prediction> Rows);

/// <summary>A run that can't go on: training diverged, or too few sites answered. The state stays and can be resumed.</summary>
public sealed class StudyStoppedException(Comity.Declarations.Problem problem) : Exception(problem.ToString())
{
    /// <summary>Where, what, and what to do about it.</summary>
    public Comity.Declarations.Problem Problem { get; } = problem;
}
