using Comity.Learning.Models;

namespace Comity.Learning.Training;

/// <summary>The mean loss over all of some rows, in chunks, as it would be used for prediction: nothing is dropped or observed.</summary>
internal sealed class MeanLoss
{
    private const int MostAtOnce = 1024;
    private readonly Model _model;
    private readonly Dataset _rows;
    private readonly Objective _objective;
    private readonly int[] _order;
    private readonly int _atOnce;

    public MeanLoss(Model model, TrainingSection section, Dataset rows, float[]? weights)
    {
        (_model, _rows) = (model, rows);
        _atOnce = Math.Min(MostAtOnce, 8 * model.RowsAtOnce);
        _objective = new Objective(model, section, rows, weights, _atOnce, default);
        _order = new int[rows.Rows];
        for (var i = 0; i < _order.Length; i++) _order[i] = i;
    }

    public unsafe double Of(ReadOnlySpan<float> parameters)
    {
        var tape = _model.RentTape();
        var total = 0.0;
        fixed (float* p = parameters, x = _rows.Values.Span)
        {
            for (var first = 0; first < _order.Length; first += _atOnce)
            {
                var count = Math.Min(_atOnce, _order.Length - first);
                tape.BeginInference(p, parameters.Length);
                total += count * _objective.MeanOf(tape, _rows.OnTape(tape, x, first, count), _order.AsSpan(first, count)).PreciseScalar;
            }
        }
        _model.ReturnTape(tape);
        return total / _order.Length;
    }
}
