using System.Collections.Concurrent;
using Comity.Learning.Models;
using Comity.Learning.Training.Optimizers;
using Comity.Learning.Training.Private;
using Comity.Tensors.Parameters;

namespace Comity.Learning.Training;

/// <summary>Fits a model to rows, for a site on its own and for a federation's rounds alike.</summary>
/// <remarks>
/// The same seed, rows and request give the same bits. Safe for several threads; keep a trainer and use it again, for it keeps
/// its memory: after the first epoch a step allocates nothing.
/// </remarks>
public sealed class Trainer
{
    private readonly ConcurrentBag<Session> _sessions = [];

    /// <param name="model">What is trained.</param>
    /// <param name="section">How.</param>
    public Trainer(Model model, TrainingSection section)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(section);
        (Model, Section) = (model, section);
    }

    /// <summary>What is trained.</summary>
    public Model Model { get; }

    /// <summary>How.</summary>
    public TrainingSection Section { get; }

    /// <summary>Trains in place.</summary>
    /// <param name="parameters">Shape [P]: where training starts, and where its outcome stands afterwards. Of no use after divergence or cancellation.</param>
    /// <param name="training">The rows to learn from, at least one.</param>
    /// <param name="validation">Rows that early stopping watches; null or empty: none.</param>
    /// <param name="request">What to do.</param>
    /// <param name="cancellationToken">Checked before each step.</param>
    /// <exception cref="ArgumentException">Shapes do not fit, a label is no class, or there are no rows.</exception>
    /// <exception cref="OperationCanceledException">The caller left.</exception>
    public TrainerResult Train(Span<float> parameters, Dataset training, Dataset? validation, TrainerRequest request, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(training);
        ArgumentNullException.ThrowIfNull(request);
        if (validation is { Rows: 0 }) validation = null;
        if (training.Rows == 0) throw new ArgumentException("There are no rows to learn from.", nameof(training));
        CheckWidth(training, nameof(training));
        if (validation is not null) CheckWidth(validation, nameof(validation));
        CheckLength(parameters.Length, nameof(parameters));
        CheckOptional(request.Anchor, nameof(request.Anchor));
        CheckOptional(request.GradientCorrection, nameof(request.GradientCorrection));
        CheckOptional(request.Teacher, nameof(request.Teacher));
        if (!(request.Proximal >= 0 && float.IsFinite(request.Proximal)))
            throw new ArgumentOutOfRangeException(nameof(request), request.Proximal, "The proximal weight must be finite and not negative.");
        CheckResume(request);

        var session = _sessions.TryTake(out var used) ? used : new Session(Model, Section);
        parameters.CopyTo(session.Parameters.Span);
        TrainerResult result;
        if (request.Private is { } asked)
            result = new PrivateRun(this, session, training, request, asked).Run(cancellationToken);
        else if (Section.Optimizer is LbfgsSection lbfgs)
            result = new FullBatchRun(this, session, lbfgs, training, validation, request).Run(cancellationToken);
        else
            result = new MiniBatchRun(this, session, training, validation, request).Run(cancellationToken);
        session.Parameters.Span.CopyTo(parameters);
        _sessions.Add(session);
        return result;
    }

    /// <summary>The loss that training minimises, of given rows, without touching the parameters.</summary>
    /// <param name="parameters">Shape [P].</param>
    /// <param name="rows">The rows, at least one.</param>
    public double Loss(ReadOnlySpan<float> parameters, Dataset rows)
    {
        ArgumentNullException.ThrowIfNull(rows);
        CheckLength(parameters.Length, nameof(parameters));
        CheckWidth(rows, nameof(rows));
        return new MeanLoss(Model, Section, rows, Weights(rows)).Of(parameters);
    }

    internal float[]? Weights(Dataset rows) =>
        Section.ClassWeights.IsNone || Model.Classes == 0 ? null : Section.ClassWeights.For(rows.Labels.Span, Model.Classes);

    private void CheckWidth(Dataset rows, string name)
    {
        if (rows.Width != Model.Inputs) throw new ArgumentException($"Rows of {rows.Width} features do not fit a model with {Model.Inputs} inputs.", name);
    }

    private void CheckLength(int length, string name)
    {
        if (length != Model.Layout.Length) throw new ArgumentException($"{length} floats do not fit a model with {Model.Layout.Length} parameters.", name);
    }

    private void CheckResume(TrainerRequest request)
    {
        if (request.CheckpointEvery < 0) throw new ArgumentOutOfRangeException(nameof(request), request.CheckpointEvery, "Checkpoints are made every so many steps.");
        if (request.Resume is null && request.CheckpointEvery == 0) return;
        if (request.Private is not null || Section.Optimizer is LbfgsSection) throw new ArgumentException("Private runs and L-BFGS make no checkpoints.", nameof(request));
        if (request.Resume is { } from) CheckLength(from.Parameters.Length, nameof(request.Resume));
    }

    private void CheckOptional(ReadOnlyMemory<float> vector, string name)
    {
        if (!vector.IsEmpty) CheckLength(vector.Length, name);
    }
}
