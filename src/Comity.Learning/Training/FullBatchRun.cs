using Comity.Learning.Models;
using Comity.Learning.Training.Optimizers;
using Comity.Tensors.Differentiation;
using Comity.Tensors.Parameters;

namespace Comity.Learning.Training;

/// <summary>One run of L-BFGS over all rows; an epoch is one iteration.</summary>
internal sealed unsafe class FullBatchRun
{
    private const int RowsAtOnce = 1024;
    private readonly Model _model;
    private readonly TrainingSection _section;
    private readonly LbfgsSection _lbfgs;
    private readonly Session _session;
    private readonly Dataset _training;
    private readonly TrainerRequest _request;
    private readonly Objective _objective;
    private readonly MeanLoss? _validation;
    private readonly int[] _order;
    private readonly float[] _start;
    private CancellationToken _cancellationToken;

    public FullBatchRun(Trainer trainer, Session session, LbfgsSection lbfgs, Dataset training, Dataset? validation, TrainerRequest request)
    {
        (_model, _section, _lbfgs, _session, _training, _request) = (trainer.Model, trainer.Section, lbfgs, session, training, request);
        var weights = trainer.Weights(training);
        _objective = new Objective(_model, _section, training, weights, RowsAtOnce, request.Teacher.Span);
        _validation = validation is null ? null : new MeanLoss(_model, _section, validation, weights);
        _order = new int[training.Rows];
        for (var i = 0; i < _order.Length; i++) _order[i] = i;
        _start = session.Parameters.Span.ToArray();
    }

    public TrainerResult Run(CancellationToken cancellationToken)
    {
        _cancellationToken = cancellationToken;
        var tape = _model.RentTape();
        var start = new double[_start.Length];
        for (var i = 0; i < start.Length; i++) start[i] = _start[i];
        var solver = new Lbfgs((x, gradient) => Evaluate(tape, x, gradient), start, _lbfgs.History);
        var epochs = _request.Epochs ?? _section.Epochs;
        var losses = new List<double>();
        var watch = new EarlyStop(_request.Epochs is null ? _section.EarlyStopping : null, _validation);
        var stoppedBy = solver.GradientSize <= _lbfgs.Tolerance ? StopReasons.Converged : null;
        for (var epoch = 0; epoch < epochs && stoppedBy is null; epoch++)
        {
            var moved = solver.Step();
            losses.Add(solver.Value);
            if (!double.IsFinite(solver.Value))
            {
                stoppedBy = StopReasons.Diverged;
                break;
            }
            Write(solver.X);
            var validation = watch.Observe(_session.Parameters.Span, epoch);
            _request.Progress?.Invoke(new TrainerProgress(epoch + 1, epochs, solver.Value, validation));
            if (solver.GradientSize <= _lbfgs.Tolerance) stoppedBy = StopReasons.Converged;
            else if (!moved) stoppedBy = StopReasons.Stalled;
            else if (solver.Value <= _section.TargetLoss) stoppedBy = StopReasons.TargetLoss;
            else if (watch.IsOver) stoppedBy = StopReasons.EarlyStopping;
        }
        Write(solver.X);
        _model.ReturnTape(tape);
        watch.KeepBest(_session.Parameters.Span);
        return new TrainerResult
        {
            Steps = losses.Count,
            Epochs = losses.Count,
            LearningRateSum = losses.Count,
            NormalizedSteps = losses.Count,
            LossByEpoch = losses,
            ValidationLossByEpoch = watch.Losses,
            StoppedBy = stoppedBy,
            StoppedAtEpoch = stoppedBy is null ? null : losses.Count,
            BestEpoch = watch.BestEpoch,
        };
    }

    // Loss, weight decay, proximal term and drift correction (whose integral is linear), all in double precision but for the loss's own gradient.
    private double Evaluate(Tape tape, ReadOnlySpan<double> x, Span<double> gradient)
    {
        Write(x);
        gradient.Clear();
        var total = 0.0;
        fixed (float* features = _training.Values.Span)
        {
            for (var first = 0; first < _order.Length; first += RowsAtOnce)
            {
                _cancellationToken.ThrowIfCancellationRequested();
                var count = Math.Min(RowsAtOnce, _order.Length - first);
                tape.Begin(_session.Parameters, _session.Gradient);
                var loss = _objective.MeanOf(tape, _training.OnTape(tape, features, first, count), _order.AsSpan(first, count));
                tape.Backward(loss);
                var share = (double)count / _order.Length;
                total += share * loss.PreciseScalar;
                var part = _session.Gradient.Span;
                for (var i = 0; i < part.Length; i++) gradient[i] += share * part[i];
            }
        }
        foreach (var entry in _model.Layout.Entries)
        {
            if (entry.Role == ParameterRole.Weight && _section.WeightDecay > 0) total += Pull(x, default, _section.WeightDecay, gradient, entry);
            if (_request.Proximal > 0) total += Pull(x, _request.Anchor.IsEmpty ? _start : _request.Anchor.Span, _request.Proximal, gradient, entry);
            if (_request.GradientCorrection.IsEmpty) continue;
            var correction = _request.GradientCorrection.Span;
            for (var i = entry.Offset; i < entry.Offset + entry.Length; i++)
            {
                total += correction[i] * x[i];
                gradient[i] += correction[i];
            }
        }
        return total;
    }

    private static double Pull(ReadOnlySpan<double> x, ReadOnlySpan<float> towards, double strength, Span<double> gradient, ParameterEntry entry)
    {
        var total = 0.0;
        for (var i = entry.Offset; i < entry.Offset + entry.Length; i++)
        {
            var difference = x[i] - (towards.IsEmpty ? 0 : towards[i]);
            total += 0.5 * strength * difference * difference;
            gradient[i] += strength * difference;
        }
        return total;
    }

    private void Write(ReadOnlySpan<double> x)
    {
        var target = _session.Parameters.Span;
        for (var i = 0; i < target.Length; i++) target[i] = (float)x[i];
    }
}
