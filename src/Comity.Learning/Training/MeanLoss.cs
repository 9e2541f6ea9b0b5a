using Comity.Learning.Models;

namespace Comity.Learning.Training;

/// <summary>The mean loss over all of some rows, in chunks, as it would be used for prediction: nothing is dropped or observed.</summary>
internal sealed class MeanLoss
{
    private const int RowsAtOnce = 1024;
    private readonly Model _model;
    private readonly Dataset _rows;
    private readonly Objective _objective;
    private readonly int[] _order;

    public MeanLoss(Model model, TrainingSection section, Dataset rows, float[]? weights)
    {
        (_model, _rows) = (model, rows);
        _objective = new Objective(model, section, rows, weights, RowsAtOnce, default);
        _order = new int[rows.Rows];
        for (var i = 0; i < _order.Length; i++) _order[i] = i;
    }

    public unsafe double Of(ReadOnlySpan<float> parameters)
    {
        var tape = _model.RentTape();
        var total = 0.0;
        fixed (float* p = parameters, x = _rows.Values.Span)
        {
            for (var first = 0; first < _order.Length; first += RowsAtOnce)
            {
                var count = Math.Min(RowsAtOnce, _order.Length - first);
                tape.BeginInference(p, parameters.Length);
                var scores = _model.Forward(tape, _rows.OnTape(tape, x, first, count));
                total += (double)count * _objective.Build(tape, scores, _order.AsSpan(first, count)).PreciseScalar;
            }
        }
        _model.ReturnTape(tape);
        return total / _order.Length;
    }
}
