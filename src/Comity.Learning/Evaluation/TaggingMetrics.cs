using Comity.Learning.Tagging;

namespace Comity.Learning.Evaluation;

/// <summary>How well tokens are tagged and entities found: their F1, precision and recall over all rows, the share of tokens tagged rightly, and nats a token.</summary>
/// <remarks>
/// Rows are sentences, so that a resample draws whole ones: tags beside one another are not independent. Counts are summed before they are
/// divided (micro averages), as CoNLL's evaluation does.
/// </remarks>
internal sealed class TaggingMetrics : WeightedMetrics
{
    private readonly double[] _sums; // of each row: tokens, then TaggingOutputs

    public TaggingMetrics(ReadOnlySpan<float> labels, ReadOnlySpan<float> outputs)
        : base(labels.Length, MetricNames.Of(TaskKind.Tagging))
    {
        _sums = new double[labels.Length * (1 + TaggingOutputs.Count)];
        for (var i = 0; i < labels.Length; i++)
        {
            var row = _sums.AsSpan(i * (1 + TaggingOutputs.Count));
            row[0] = labels[i];
            for (var k = 0; k < TaggingOutputs.Count; k++) row[1 + k] = outputs[i * TaggingOutputs.Count + k];
        }
    }

    public override void Measure(ReadOnlySpan<int> weights, Span<double> metrics)
    {
        double tokens = 0, cost = 0, right = 0, entities = 0, found = 0, matched = 0;
        for (var i = 0; i < weights.Length; i++)
        {
            var row = _sums.AsSpan(i * (1 + TaggingOutputs.Count), 1 + TaggingOutputs.Count);
            var weight = weights[i];
            tokens += weight * row[0];
            cost += weight * row[1];
            right += weight * row[2];
            entities += weight * row[3];
            found += weight * row[4];
            matched += weight * row[5];
        }
        metrics[0] = 2 * matched / (entities + found);
        metrics[1] = matched / found;
        metrics[2] = matched / entities;
        metrics[3] = right / tokens;
        metrics[4] = cost / tokens;
    }
}
