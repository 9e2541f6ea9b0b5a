using Comity.Learning.Augmentation;
using Comity.Learning.Models;
using Comity.Learning.Training.Optimizers;
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
    private readonly EarlyStop _watch;
    private readonly List<double> _losses;
    private readonly int[] _order;
    private readonly AlignedBuffer? _anchor;
    private readonly AlignedBuffer? _correction;
    private readonly int _epochs;
    private readonly Augmenter? _augmenter;
    private readonly Sgd? _plain; // steps that read the gradient alone, so that the way back may take them

    private int _steps;
    private double _rateSum;
    private double _coefficients; // Σ over steps of η·(coefficients of the gradients)
    private bool _adaptive;
    private Divergence? _divergence;

    public MiniBatchRun(Trainer trainer, Session session, Dataset training, Dataset? validation, TrainerRequest request)
    {
        (_model, _section, _session, _training, _request) = (trainer.Model, trainer.Section, session, training, request);
        var weights = trainer.Weights(training);
        _objective = new Objective(_model, _section, training, weights, _section.Batch, request.Teacher.Span);
        _watch = new EarlyStop(request.Epochs is null ? _section.EarlyStopping : null, validation is null ? null : new MeanLoss(_model, _section, validation, weights));
        _order = new int[training.Rows];
        _epochs = request.Epochs ?? _section.Epochs;
        _losses = new List<double>(Math.Min(_epochs, 4096));
        if (_section.Augment.Count > 0) _augmenter = new Augmenter(_section.Augment, _model.Input, training, _section.Batch);
        if (request is { Proximal: 0, GradientCorrection.IsEmpty: true } && _section is { WeightDecay: 0, ClipNorm: null, Accumulate: 1 }) _plain = session.Optimizer as Sgd;
        if (request.Proximal > 0) _anchor = CopyOf(request.Anchor.IsEmpty ? session.Parameters.Span : request.Anchor.Span);
        if (!request.GradientCorrection.IsEmpty) _correction = CopyOf(request.GradientCorrection.Span);
    }

    // What validation sees and what is given back.
    private Span<float> Outcome => (_session.Average ?? _session.Parameters).Span;

    public TrainerResult Run(CancellationToken cancellationToken)
    {
        var tape = _model.RentTape();
        _session.Optimizer!.Begin(_request.OptimizerState);
        if (_session.Average is { } average) _session.Parameters.Span.CopyTo(average.Span);
        if (_request.Resume is { } from) Restore(from);
        string? stoppedBy = null;
        for (var epoch = _losses.Count; epoch < _epochs && stoppedBy is null; epoch++)
        {
            var loss = Epoch(tape, epoch, cancellationToken);
            _losses.Add(loss);
            if (!double.IsFinite(loss))
            {
                stoppedBy = StopReasons.Diverged;
                break;
            }
            var validation = _watch.Observe(Outcome, epoch);
            _request.Progress?.Invoke(new TrainerProgress(epoch + 1, _epochs, loss, validation));
            if (loss <= _section.TargetLoss) stoppedBy = StopReasons.TargetLoss;
            else if (_watch.IsOver) stoppedBy = StopReasons.EarlyStopping;
        }
        _model.ReturnTape(tape);
        // The last step may have left what no later loss has shown.
        if (stoppedBy is null && !double.IsFinite(_model.Kernels.Norm(_session.Parameters.Span))) stoppedBy = StopReasons.Diverged;
        if (stoppedBy != StopReasons.Diverged)
        {
            if (_session.Average is not null) _session.Average.Span.CopyTo(_session.Parameters.Span);
            _watch.KeepBest(_session.Parameters.Span);
        }
        return new TrainerResult
        {
            Steps = _steps,
            Epochs = _losses.Count,
            LearningRateSum = _rateSum,
            NormalizedSteps = _adaptive || _rateSum == 0 ? _steps : _coefficients / (_rateSum / _steps),
            LossByEpoch = _losses,
            ValidationLossByEpoch = _watch.Losses,
            StoppedBy = stoppedBy,
            StoppedAtEpoch = stoppedBy is null ? null : _losses.Count,
            Divergence = _divergence,
            OptimizerState = _request.KeepOptimizerState is { } lend ? _session.Optimizer.State(lend) : [],
            BestEpoch = _watch.BestEpoch,
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
        if (_section.StepsPerEpoch is { } steps) batches = (int)Math.Min(batches, (long)steps * _section.Accumulate);
        var rows = (int)Math.Min(_order.Length, (long)batches * _section.Batch);
        var total = 0.0;
        var begin = 0;
        if (_request.Resume is { } from && from.Position.Epoch == epoch)
        {
            var state = from.Position.Random;
            (begin, total, random.State) = (from.Position.Batches, from.Position.EpochLoss, (state[0], state[1], state[2], state[3]));
        }
        for (var b = begin; b < batches; b += _section.Accumulate)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var together = Math.Min(_section.Accumulate, batches - b);
            var first = b * _section.Batch;
            var chosen = _order.AsSpan(first, Math.Min(together * _section.Batch, rows - first));
            // The rate in the middle of the step, so that a warm-up from zero moves from its first step on.
            var factor = _section.Schedule.RateFactor(number + (b + 0.5 * together) / batches, scheduleEpochs);
            var loss = Step(tape, chosen, random, (float)(_section.Optimizer.Rate * factor));
            if (!double.IsFinite(loss)) return double.NaN;
            total += loss * chosen.Length;
            if (_request.CheckpointEvery > 0 && _steps % _request.CheckpointEvery == 0) _request.Checkpoint?.Invoke(Keep(epoch, b + together, total, random));
        }
        return total / rows;
    }

    private double Step(Tape tape, ReadOnlySpan<int> chosen, SeededRandom random, float rate)
    {
        var kernels = _model.Kernels;
        double value;
        if (chosen.Length <= _section.Batch)
        {
            value = Gradient(tape, chosen, random, _plain is null ? 0 : rate);
        }
        else
        {
            value = 0;
            var length = _session.Gradient.Length;
            _session.Sum!.Span.Clear();
            for (var first = 0; first < chosen.Length; first += _section.Batch)
            {
                var part = chosen.Slice(first, Math.Min(_section.Batch, chosen.Length - first));
                var share = (float)part.Length / chosen.Length;
                value += share * Gradient(tape, part, random, 0);
                if (!double.IsFinite(kernels.Dot(_session.Gradient.Pointer, _session.Gradient.Pointer, length))) return Diverged(tape);
                kernels.AddScaled(share, _session.Gradient.Pointer, _session.Sum.Pointer, length);
            }
            _session.Sum.Span.CopyTo(_session.Gradient.Span);
        }
        if (!double.IsFinite(value)) return double.NaN;
        GradientTerms.Add(kernels, _session, _section, rate, _request.Proximal, _anchor, _correction);
        var finite = _plain is not null && tape.DescendedSlice is { Length: > 0 } taken
            ? _plain.StepBeside(taken, _session.Parameters, _session.Gradient, rate)
            : _session.Optimizer!.Step(_session.Parameters, _session.Gradient, rate);
        if (!finite) return Diverged(tape);
        _steps++;
        _rateSum += rate;
        if (_session.Average is { } average)
        {
            // Young averages forget faster, so that the start does not weigh for long.
            var decay = Math.Min(_section.AverageDecay!.Value, (1.0 + _steps) / (10 + _steps));
            kernels.Affine((float)decay, 0, average.Pointer, average.Pointer, average.Length);
            kernels.AddScaled((float)(1 - decay), _session.Parameters.Pointer, average.Pointer, average.Length);
        }
        // FedNova: the proximal term turns a change of d back by μ·d, which is a gradient with a negative coefficient.
        if (_session.Optimizer!.Coefficient(1 - _request.Proximal * _coefficients) is { } coefficient) _coefficients += rate * coefficient;
        else _adaptive = true;
        return value;
    }

    // Loss and gradient of one batch; NaN where the loss is not finite: no weight moves by it.
    private double Gradient(Tape tape, ReadOnlySpan<int> chosen, SeededRandom random, float descentRate)
    {
        tape.Begin(_session.Parameters, _session.Gradient, random);
        tape.DescentRate = descentRate;
        var rows = _augmenter?.OnTape(tape, chosen) ?? _training.OnTape(tape, chosen);
        var loss = _objective.MeanOf(tape, rows, chosen, _augmenter is null ? default : _augmenter.Mixed(chosen.Length));
        var value = loss.Scalar;
        if (!float.IsFinite(value)) return Diverged(tape);
        tape.Backward(loss);
        return value;
    }

    private double Diverged(Tape tape)
    {
        _divergence ??= new Divergence(_steps + 1, tape.FirstNonFinite());
        return double.NaN;
    }

    private TrainerCheckpoint Keep(int epoch, int batches, double total, SeededRandom random)
    {
        var (best, bestEpoch, bestParameters) = _watch.State;
        var (s0, s1, s2, s3) = random.State;
        return new TrainerCheckpoint
        {
            Position = new CheckpointPosition(epoch, batches, total, [s0, s1, s2, s3], _steps, _rateSum, _adaptive ? null : _coefficients,
                [.. _losses], [.. _watch.Losses], double.IsFinite(best) ? best : null, bestEpoch, _session.Optimizer!.Numbers),
            Parameters = _session.Parameters.Span.ToArray(),
            Average = _session.Average?.Span.ToArray(),
            Best = bestParameters,
            Optimizer = [.. _session.Optimizer.Memory.Select(m => m.Span.ToArray())],
        };
    }

    private void Restore(TrainerCheckpoint from)
    {
        var at = from.Position;
        from.Parameters.CopyTo(_session.Parameters.Span);
        if (_session.Average is { } average) (from.Average ?? throw new ArgumentException("The checkpoint has no average of the weights.", nameof(from))).CopyTo(average.Span);
        var memory = _session.Optimizer!.Memory;
        if (memory.Count != from.Optimizer.Count) throw new ArgumentException($"The checkpoint holds {from.Optimizer.Count} vectors of an optimiser; this one has {memory.Count}.", nameof(from));
        for (var i = 0; i < memory.Count; i++) from.Optimizer[i].CopyTo(memory[i].Span);
        _session.Optimizer.Numbers = [.. at.OptimizerNumbers];
        (_steps, _rateSum, _coefficients, _adaptive) = (at.Steps, at.LearningRateSum, at.Coefficients ?? 0, at.Coefficients is null);
        _losses.AddRange(at.LossByEpoch);
        _watch.TakeUp(at.ValidationLossByEpoch);
        _watch.State = (at.BestLoss ?? double.PositiveInfinity, at.BestEpoch, from.Best);
    }

    private static AlignedBuffer CopyOf(ReadOnlySpan<float> vector)
    {
        var copy = new AlignedBuffer(vector.Length);
        vector.CopyTo(copy.Span);
        return copy;
    }
}
