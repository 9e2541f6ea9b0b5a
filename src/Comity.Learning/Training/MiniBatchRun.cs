using Comity.Learning.Augmentation;
using Comity.Learning.Models;
using Comity.Tensors.Differentiation;
using Comity.Tensors.Memory;
using Comity.Tensors.Randomness;

namespace Comity.Learning.Training;

/// <summary>One run over shuffled mini-batches.</summary>
internal sealed unsafe class MiniBatchRun
{
    private readonly Model _model;
    private readonly TrainingSection _section;
    private readonly Session _session;
    private readonly Dataset _training;
    private readonly TrainerRequest _request;
    private readonly Objective _objective;
    private readonly MeanLoss? _validation;
    private readonly int[] _order;
    private readonly AlignedBuffer? _anchor;
    private readonly AlignedBuffer? _correction;
    private readonly int _epochs;
    private readonly Augmenter? _augmenter;

    private int _steps;
    private double _rateSum;
    private double _coefficients; // Σ over steps of η·(coefficients of the gradients)
    private bool _adaptive;

    public MiniBatchRun(Trainer trainer, Session session, Dataset training, Dataset? validation, TrainerRequest request)
    {
        (_model, _section, _session, _training, _request) = (trainer.Model, trainer.Section, session, training, request);
        var weights = trainer.Weights(training);
        _objective = new Objective(_model, _section, training, weights, _section.Batch, request.Teacher.Span);
        _validation = validation is null ? null : new MeanLoss(_model, _section, validation, weights);
        _order = new int[training.Rows];
        _epochs = request.Epochs ?? _section.Epochs;
        if (_section.Augment.Count > 0) _augmenter = new Augmenter(_section.Augment, _model.Input, training, _section.Batch);
        if (request.Proximal > 0) _anchor = CopyOf(request.Anchor.IsEmpty ? session.Parameters.Span : request.Anchor.Span);
        if (!request.GradientCorrection.IsEmpty) _correction = CopyOf(request.GradientCorrection.Span);
    }

    public TrainerResult Run(CancellationToken cancellationToken)
    {
        var tape = _model.RentTape();
        _session.Optimizer!.Reset();
        var losses = new List<double>(Math.Min(_epochs, 4096));
        var watch = new EarlyStop(_request.Epochs is null ? _section.EarlyStopping : null, _validation);
        string? stoppedBy = null;
        for (var epoch = 0; epoch < _epochs && stoppedBy is null; epoch++)
        {
            var loss = Epoch(tape, epoch, cancellationToken);
            losses.Add(loss);
            if (!double.IsFinite(loss))
            {
                stoppedBy = StopReasons.Diverged;
                break;
            }
            var validation = watch.Observe(_session.Parameters.Span, epoch);
            _request.Progress?.Invoke(new TrainerProgress(epoch + 1, _epochs, loss, validation));
            if (loss <= _section.TargetLoss) stoppedBy = StopReasons.TargetLoss;
            else if (watch.IsOver) stoppedBy = StopReasons.EarlyStopping;
        }
        _model.ReturnTape(tape);
        // The last step may have left what no later loss has shown.
        if (stoppedBy is null && !double.IsFinite(_model.Kernels.Norm(_session.Parameters.Span))) stoppedBy = StopReasons.Diverged;
        if (stoppedBy != StopReasons.Diverged) watch.KeepBest(_session.Parameters.Span);
        return new TrainerResult
        {
            Steps = _steps,
            Epochs = losses.Count,
            LearningRateSum = _rateSum,
            NormalizedSteps = _adaptive || _rateSum == 0 ? _steps : _coefficients / (_rateSum / _steps),
            LossByEpoch = losses,
            ValidationLossByEpoch = watch.Losses,
            StoppedBy = stoppedBy,
            StoppedAtEpoch = stoppedBy is null ? null : losses.Count,
            BestEpoch = watch.BestEpoch,
        };
    }

    private double Epoch(Tape tape, int epoch, CancellationToken cancellationToken)
    {
        var number = _request.EpochsBefore + epoch;
        for (var i = 0; i < _order.Length; i++) _order[i] = i;
        _request.Seed.For("shuffle", number).ToRandom().Shuffle(_order.AsSpan());
        _augmenter?.Begin(_request.Seed.For("augment", number));
        var random = _request.Seed.For("dropout", number).ToRandom();
        var scheduleEpochs = _request.ScheduleEpochs ?? _section.Epochs;
        var batches = (_order.Length + _section.Batch - 1) / _section.Batch;
        var total = 0.0;
        for (var b = 0; b < batches; b++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var first = b * _section.Batch;
            var chosen = _order.AsSpan(first, Math.Min(_section.Batch, _order.Length - first));
            // The rate in the middle of the step, so that a warm-up from zero moves from its first step on.
            var factor = _section.Schedule.RateFactor(number + (b + 0.5) / batches, scheduleEpochs);
            var loss = Step(tape, chosen, random, (float)(_section.Optimizer.Rate * factor));
            if (!double.IsFinite(loss)) return double.NaN;
            total += loss * chosen.Length;
        }
        return total / _order.Length;
    }

    private double Step(Tape tape, ReadOnlySpan<int> chosen, SeededRandom random, float rate)
    {
        tape.Begin(_session.Parameters, _session.Gradient, random);
        var rows = _augmenter?.OnTape(tape, chosen) ?? _training.OnTape(tape, chosen);
        var loss = _objective.MeanOf(tape, rows, chosen, _augmenter is null ? default : _augmenter.Mixed(chosen.Length));
        var value = loss.Scalar;
        if (!float.IsFinite(value)) return double.NaN;
        tape.Backward(loss);
        GradientTerms.Add(_model.Kernels, _session, _section, rate, _request.Proximal, _anchor, _correction);
        _session.Optimizer!.Step(_session.Parameters, _session.Gradient, rate);
        _steps++;
        _rateSum += rate;
        // FedNova: the proximal term turns a change of d back by μ·d, which is a gradient with a negative coefficient.
        if (_session.Optimizer.Coefficient(1 - _request.Proximal * _coefficients) is { } coefficient) _coefficients += rate * coefficient;
        else _adaptive = true;
        return value;
    }

    private static AlignedBuffer CopyOf(ReadOnlySpan<float> vector)
    {
        var copy = new AlignedBuffer(vector.Length);
        vector.CopyTo(copy.Span);
        return copy;
    }
}
