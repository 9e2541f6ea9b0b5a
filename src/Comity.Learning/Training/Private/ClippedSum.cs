using Comity.Learning.Models;
using Comity.Tensors.Differentiation;
using Comity.Tensors.Memory;
using Comity.Tensors.Randomness;

namespace Comity.Learning.Training.Private;

/// <summary>Sums the clipped gradients of a lot's rows into a session's gradient: all rows at once where the model lets examples' norms be told, else row by row.</summary>
internal sealed unsafe class ClippedSum
{
    // As in ClippedBackward: the clipped norm stays under C in exact arithmetic.
    private const double RoundingRoom = 1 - 1.0 / (1 << 22);

    private readonly Model _model;
    private readonly Session _session;
    private readonly Dataset _training;
    private readonly Objective _objective;
    private readonly float _clip;
    private readonly int _atOnce;
    private readonly float[] _norms;
    private AlignedBuffer? _sum;
    private bool _oneByOne;
    private bool _reserved;

    public ClippedSum(Model model, TrainingSection section, Session session, Dataset training, ReadOnlySpan<float> teacher, PrivateTraining request)
    {
        (_model, _session, _training, _clip) = (model, session, training, (float)request.ClipNorm);
        _atOnce = Math.Min(training.Rows, request.RowsAtOnce ?? section.Batch + (section.Batch + 3) / 4);
        _objective = new Objective(model, section, training, null, _atOnce, teacher);
        _norms = new float[_atOnce];
    }

    /// <summary>Whether rows had to be passed one by one so far.</summary>
    public bool IsOneByOne => _oneByOne;

    /// <summary>Σ min(1, C/‖gᵢ‖)·gᵢ over the rows, shape [P], in the session's gradient.</summary>
    /// <returns>The sum of the rows' losses; not a number where a row's loss or gradient is not.</returns>
    public double Of(Tape tape, ReadOnlySpan<int> rows, SeededRandom random)
    {
        if (rows.IsEmpty) _session.Gradient.Span.Clear();
        var (total, parts) = (0.0, 0);
        for (var first = 0; first < rows.Length;)
        {
            var part = rows.Slice(first, Math.Min(_oneByOne ? 1 : _atOnce, rows.Length - first));
            if (Part(tape, part, random) is not { } loss)
            {
                _oneByOne = true;
                continue;
            }
            if (!double.IsFinite(loss)) return double.NaN;
            // Lots differ in size; memory that grew with each largest one so far would be given up and taken anew for a long time.
            if (!_reserved) tape.Reserve(_oneByOne ? 1 : (double)_atOnce / part.Length);
            _reserved = true;
            total += loss;
            first += part.Length;
            if (parts++ == 0 && first == rows.Length) return total; // the gradient is the sum already
            Add(restart: parts == 1);
        }
        if (parts > 0) _sum!.Span.CopyTo(_session.Gradient.Span);
        return total;
    }

    // Null: the model does not keep these rows apart on the tape.
    private double? Part(Tape tape, ReadOnlySpan<int> rows, SeededRandom random)
    {
        tape.Begin(_session.Parameters, _session.Gradient, random);
        var loss = _objective.MeanOf(tape, _training.OnTape(tape, rows), rows, byRow: true);
        var value = (double)loss.Scalar * rows.Length;
        if (!double.IsFinite(value)) return double.NaN;
        if (tape.CanClip(loss, rows.Length))
        {
            var norms = _norms.AsSpan(0, rows.Length);
            tape.BackwardClipped(loss, _clip, norms);
            foreach (var norm in norms)
            {
                if (!float.IsFinite(norm)) return double.NaN;
            }
            return value;
        }
        if (rows.Length > 1) return null;
        tape.Backward(loss);
        var own = _model.Kernels.Norm(_session.Gradient.Span);
        if (!double.IsFinite(own)) return double.NaN;
        if (own > _clip) _model.Kernels.Affine((float)(_clip / own * RoundingRoom), 0, _session.Gradient.Pointer, _session.Gradient.Pointer, _session.Gradient.Length);
        return value;
    }

    private void Add(bool restart)
    {
        _sum ??= new AlignedBuffer(_session.Gradient.Length);
        if (restart) _session.Gradient.Span.CopyTo(_sum.Span);
        else _model.Kernels.AddScaled(1, _session.Gradient.Pointer, _sum.Pointer, _sum.Length);
    }
}
