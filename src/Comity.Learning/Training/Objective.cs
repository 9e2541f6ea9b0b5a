using Comity.Learning.Augmentation;
using Comity.Learning.Models;
using Comity.Tensors.Differentiation;
using Comity.Tensors.Kernels;

namespace Comity.Learning.Training;

/// <summary>The loss of a model over given rows: labels made ready once (smoothed, weighted), then taken batch by batch.</summary>
internal sealed class Objective
{
    private readonly Model _model;
    private readonly TrainingSection _section;
    private readonly Loss _loss;
    private readonly Dataset _rows;
    private readonly float[]? _targets;  // smoothed labels of a single score
    private readonly float[]? _weights;  // by row
    private readonly float[]? _teacher;  // the teacher's softened probabilities or values, shape [rows, scores]
    private readonly float[] _batchTargets;
    private float[] _batchWeights;
    private readonly float[] _batchTeacher;

    /// <param name="model">The model.</param>
    /// <param name="section">What is minimised.</param>
    /// <param name="rows">The rows.</param>
    /// <param name="weights">By class; null: all the same.</param>
    /// <param name="batch">Most rows that are asked for at once.</param>
    /// <param name="teacher">A teacher's parameters; empty: none.</param>
    public Objective(Model model, TrainingSection section, Dataset rows, float[]? weights, int batch, ReadOnlySpan<float> teacher)
    {
        (_model, _section, _rows, _loss) = (model, section, rows, section.LossFor(model.Task));
        var labels = rows.Labels.Span;
        if (model.Task.IsByToken())
        {
            if (!teacher.IsEmpty && section.Distillation.Weight > 0) throw new ArgumentException("A model of texts cannot learn from a teacher's outputs.", nameof(teacher));
            (_batchTargets, _batchWeights, _batchTeacher) = ([], [], []);
            return;
        }
        for (var i = 0; i < labels.Length; i++) CheckLabel(labels[i], i);
        if (model.Task == TaskKind.Binary && model.Scores == 1 && section.LabelSmoothing > 0)
        {
            _targets = new float[labels.Length];
            for (var i = 0; i < labels.Length; i++) _targets[i] = (float)(labels[i] * (1 - section.LabelSmoothing) + section.LabelSmoothing / 2);
        }
        if (weights is not null)
        {
            _weights = new float[labels.Length];
            for (var i = 0; i < labels.Length; i++) _weights[i] = weights[(int)labels[i]];
        }
        if (!teacher.IsEmpty && section.Distillation.Weight > 0) _teacher = Ask(teacher);
        batch = Math.Min(batch, rows.Rows);
        _batchTargets = new float[batch];
        _batchWeights = _weights is null ? [] : new float[batch];
        _batchTeacher = _teacher is null ? [] : new float[batch * model.Scores];
    }

    /// <summary>The mean loss of chosen rows on the tape.</summary>
    /// <param name="tape">The tape.</param>
    /// <param name="rows">What the rows hold.</param>
    /// <param name="chosen">Their numbers, shape [n].</param>
    /// <param name="mix">With which rows they were mixed; default: none.</param>
    /// <param name="byRow">Of texts: whether every row counts alike, rather than every token.</param>
    public Tensor MeanOf(Tape tape, Tensor rows, ReadOnlySpan<int> chosen, MixedRows mix = default, bool byRow = false) =>
        _model.Task.IsByToken() ? _model.LanguageLoss(tape, rows, (float)_section.LabelSmoothing, byRow) : Build(tape, _model.Forward(tape, rows), chosen, mix);

    /// <summary>The mean loss of chosen rows from their scores.</summary>
    /// <param name="tape">The tape.</param>
    /// <param name="scores">The model's scores of the rows, shape [n, scores].</param>
    /// <param name="chosen">The rows, shape [n].</param>
    /// <param name="mix">With which rows they were mixed; default: none.</param>
    public Tensor Build(Tape tape, Tensor scores, ReadOnlySpan<int> chosen, MixedRows mix = default)
    {
        var loss = mix.IsEmpty ? Plain(tape, scores, chosen) : Mixed(tape, scores, chosen, mix);
        if (_teacher is null) return loss;

        var (count, k) = (chosen.Length, _model.Scores);
        for (var i = 0; i < count; i++)
        {
            _teacher.AsSpan(chosen[i] * k, k).CopyTo(_batchTeacher.AsSpan(i * k));
            if (mix.IsEmpty) continue;
            for (var j = 0; j < k; j++) _batchTeacher[i * k + j] = mix.Blend(i, _batchTeacher[i * k + j], _teacher[mix.Partners[i] * k + j]);
        }
        var share = (float)_section.Distillation.Weight;
        var lesson = Lesson(tape, scores, _batchTeacher.AsSpan(0, count * k));
        return tape.Add(tape.Affine(loss, 1 - share, 0), tape.Affine(lesson.Loss, share * lesson.Scale, 0));
    }

    private Tensor Plain(Tape tape, Tensor scores, ReadOnlySpan<int> chosen)
    {
        var count = chosen.Length;
        ReadOnlySpan<float> source = _targets ?? _rows.Labels.Span;
        for (var i = 0; i < count; i++) _batchTargets[i] = source[chosen[i]];
        if (_weights is not null)
        {
            for (var i = 0; i < count; i++) _batchWeights[i] = _weights[chosen[i]];
        }
        return Of(tape, scores, _batchTargets.AsSpan(0, count), _weights is null ? default : _batchWeights.AsSpan(0, count));
    }

    // Of classes the loss is linear in the label, so it is the sum of both labels' losses; a value is itself mixed (Zhang et al. 2018, section 2).
    private Tensor Mixed(Tape tape, Tensor scores, ReadOnlySpan<int> chosen, MixedRows mix)
    {
        var count = chosen.Length;
        ReadOnlySpan<float> source = _targets ?? _rows.Labels.Span;
        if (_loss != Loss.CrossEntropy)
        {
            for (var i = 0; i < count; i++) _batchTargets[i] = mix.Blend(i, source[chosen[i]], source[mix.Partners[i]]);
            return Of(tape, scores, _batchTargets.AsSpan(0, count), default);
        }
        if (_batchWeights.Length < count) _batchWeights = new float[_batchTargets.Length];
        Span<float> targets = _batchTargets.AsSpan(0, count), weights = _batchWeights.AsSpan(0, count);
        for (var i = 0; i < count; i++) (targets[i], weights[i]) = (source[chosen[i]], mix.Shares[i] * (_weights?[chosen[i]] ?? 1));
        var own = Of(tape, scores, targets, weights);
        for (var i = 0; i < count; i++) (targets[i], weights[i]) = (source[mix.Partners[i]], (1 - mix.Shares[i]) * (_weights?[mix.Partners[i]] ?? 1));
        return tape.Add(own, Of(tape, scores, targets, weights));
    }

    private Tensor Of(Tape tape, Tensor scores, ReadOnlySpan<float> targets, ReadOnlySpan<float> weights) => _loss switch
    {
        Loss.CrossEntropy when _model.Scores == 1 => tape.SigmoidCrossEntropy(scores, targets, weights),
        Loss.CrossEntropy => tape.SoftmaxCrossEntropy(scores, targets, weights, (float)_section.LabelSmoothing),
        Loss.Mse => tape.MeanSquaredError(scores, targets),
        Loss.Mae => tape.MeanAbsoluteError(scores, targets),
        _ => tape.Huber(scores, targets, (float)_section.HuberDelta),
    };

    // Softened scores have gradients smaller by T²; the factor keeps teacher and labels in balance (Hinton et al. 2015, section 2.1).
    private (Tensor Loss, float Scale) Lesson(Tape tape, Tensor scores, ReadOnlySpan<float> teacher)
    {
        if (_model.Task == TaskKind.Regression) return (tape.MeanSquaredError(scores, teacher), 1);
        var t = (float)_section.Distillation.Temperature;
        var softened = tape.Affine(scores, 1 / t, 0);
        return (_model.Scores == 1 ? tape.SigmoidCrossEntropy(softened, teacher) : tape.SoftmaxCrossEntropyWithProbabilities(softened, teacher), t * t);
    }

    private unsafe float[] Ask(ReadOnlySpan<float> teacher)
    {
        var scores = new float[_rows.Rows * _model.Scores];
        _model.Score(teacher, _rows, scores);
        if (_model.Task == TaskKind.Regression) return scores;
        fixed (float* p = scores)
        {
            _model.Kernels.Affine(1 / (float)_section.Distillation.Temperature, 0, p, p, scores.Length);
            if (_model.Scores == 1) _model.Kernels.Apply(Function.Sigmoid, p, p, scores.Length);
            else _model.Kernels.Softmax(p, p, _rows.Rows, _model.Scores);
        }
        return scores;
    }

    private void CheckLabel(float label, int row)
    {
        var good = _model.Task == TaskKind.Regression ? float.IsFinite(label) : label >= 0 && label < _model.Classes && label == MathF.Floor(label);
        if (!good) throw new ArgumentException($"Row {row} has the label {label}; {(_model.Task == TaskKind.Regression ? "a finite value" : $"a class from 0 to {_model.Classes - 1}")} was expected.", nameof(label));
    }
}
