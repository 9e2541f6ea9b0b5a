using Comity.Learning.Models;
using Comity.Learning.Training.Optimizers;
using Comity.Privacy.Mechanisms;
using Comity.Privacy.Noise;
using Comity.Tensors.Differentiation;
using Comity.Tensors.Memory;
using Comity.Tensors.Parameters;
using Comity.Tensors.Randomness;

namespace Comity.Learning.Training.Private;

/// <summary>One run with differential privacy of single records: DP-SGD, or any other optimiser over the same noised gradients (DP-Adam).</summary>
/// <remarks>Abadi et al. 2016 (arXiv:1607.00133), Algorithm 1. Whatever follows the noise (proximal term, decay, momentum, Adam's moments) reads no record, so it costs nothing more.</remarks>
internal sealed unsafe class PrivateRun
{
    private readonly Model _model;
    private readonly TrainingSection _section;
    private readonly Session _session;
    private readonly TrainerRequest _request;
    private readonly PrivateTraining _private;
    private readonly ClippedSum _sum;
    private readonly PoissonSampler _sampler;
    private readonly GridGaussian _noise;
    private readonly AlignedBuffer? _anchor;
    private readonly AlignedBuffer? _correction;
    private readonly double _rate;
    private readonly int _rows;
    private readonly int _epochs;

    private int _steps;
    private double _rateSum;
    private double _coefficients;
    private bool _adaptive;

    public PrivateRun(Trainer trainer, Session session, Dataset training, TrainerRequest request, PrivateTraining asked)
    {
        (_model, _section, _session, _request, _private, _rows) = (trainer.Model, trainer.Section, session, request, asked, training.Rows);
        Check(_model, _section, training);
        _epochs = request.Epochs ?? _section.Epochs;
        _rate = PrivateGradientDescent.RateOf(_section.Lot, training.Rows);
        _sum = new ClippedSum(_model, _section, session, training, request.Teacher.Span, asked);
        _sampler = new PoissonSampler(training.Rows, _rate);
        _noise = new GridGaussian(asked.NoiseMultiplier, asked.ClipNorm, _model.Layout.Length);
        if (request.Proximal > 0) _anchor = CopyOf(request.Anchor.IsEmpty ? session.Parameters.Span : request.Anchor.Span);
        if (!request.GradientCorrection.IsEmpty) _correction = CopyOf(request.GradientCorrection.Span);
    }

    public TrainerResult Run(CancellationToken cancellationToken)
    {
        var tape = _model.RentTape();
        _session.Optimizer!.Begin(_request.OptimizerState);
        var losses = new List<double>(Math.Min(_epochs, 4096));
        for (var epoch = 0; epoch < _epochs; epoch++)
        {
            var loss = Epoch(tape, epoch, losses.LastOrDefault(), cancellationToken);
            losses.Add(loss);
            if (!double.IsFinite(loss)) break;
            _request.Progress?.Invoke(new TrainerProgress(epoch + 1, _epochs, loss, null));
        }
        _model.ReturnTape(tape);
        var diverged = losses.Exists(l => !double.IsFinite(l)) || !double.IsFinite(_model.Kernels.Norm(_session.Parameters.Span));
        return new TrainerResult
        {
            Steps = _steps,
            Epochs = losses.Count,
            LearningRateSum = _rateSum,
            NormalizedSteps = _adaptive || _rateSum == 0 ? _steps : _coefficients / (_rateSum / _steps),
            LossByEpoch = losses,
            ValidationLossByEpoch = [],
            StoppedBy = diverged ? StopReasons.Diverged : null,
            StoppedAtEpoch = diverged ? losses.Count : null,
            OptimizerState = _request.KeepOptimizerState is { } lend ? _session.Optimizer.State(lend) : [],
            ClippedOneByOne = _sum.IsOneByOne,
            Released = new PrivateGradientDescent(_rate, _private.ClipNorm, _private.NoiseMultiplier, _steps),
        };
    }

    // The mean of the sampled rows' losses; by chance no row was drawn at all, and then it is the loss of the epoch before: nothing new is known.
    private double Epoch(Tape tape, int epoch, double before, CancellationToken cancellationToken)
    {
        var number = _request.EpochsBefore + epoch;
        var random = _request.Seed.For("dropout", number).ToRandom();
        var scheduleEpochs = _request.ScheduleEpochs ?? _section.Epochs;
        var steps = PrivateGradientDescent.StepsOf(_section.Lot, _rows);
        var (total, seen) = (0.0, 0L);
        for (var step = 0; step < steps; step++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var lot = _sampler.Draw(_private.Noise);
            var loss = _sum.Of(tape, lot, random);
            if (!double.IsFinite(loss)) return double.NaN;
            total += loss;
            seen += lot.Length;
            var factor = _section.Schedule.RateFactor(number + ((step + 0.5) / steps), scheduleEpochs);
            Step((float)(_section.Optimizer.Rate * factor));
        }
        return seen == 0 ? before : total / seen;
    }

    private void Step(float rate)
    {
        var (kernels, gradient) = (_model.Kernels, _session.Gradient);
        _noise.AddInPlace(gradient.Span, _private.Noise);
        kernels.Affine(1f / _section.Lot, 0, gradient.Pointer, gradient.Pointer, gradient.Length);
        GradientTerms.Add(kernels, _session, _section, rate, _request.Proximal, _anchor, _correction);
        _session.Optimizer!.Step(_session.Parameters, gradient, rate);
        _steps++;
        _rateSum += rate;
        if (_session.Optimizer.Coefficient(1 - (_request.Proximal * _coefficients)) is { } coefficient) _coefficients += rate * coefficient;
        else _adaptive = true;
    }

    private static void Check(Model model, TrainingSection section, Dataset training)
    {
        if (section.Optimizer is LbfgsSection) throw new ArgumentException("L-BFGS reads all rows in each step and can't be noised; choose another optimiser.", nameof(section));
        if (model.Layout.Entries.Any(e => e.Role == ParameterRole.BatchNormStatistic))
            throw new ArgumentException("Batch normalisation mixes records, so no single one's part can be bounded; use norm: layer.", nameof(model));
        if (training.IsWindowed) throw new ArgumentException("Windows overlap, so that one record stands in several rows; cut the series into rows that don't.", nameof(training));
        if (section.AverageDecay is not null) throw new ArgumentException("Averaged weights are not kept under privacy; leave averageDecay out.", nameof(section));
        if (section.Augment.Count > 0) throw new ArgumentException("Augmentation may mix records; leave it out.", nameof(section));
        if (!section.ClassWeights.IsNone) throw new ArgumentException("Class weights are computed from the labels, which are records too; leave them out.", nameof(section));
    }

    private static AlignedBuffer CopyOf(ReadOnlySpan<float> vector)
    {
        var copy = new AlignedBuffer(vector.Length);
        vector.CopyTo(copy.Span);
        return copy;
    }
}
