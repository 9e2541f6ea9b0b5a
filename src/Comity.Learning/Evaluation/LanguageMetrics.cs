namespace Comity.Learning.Evaluation;

/// <summary>How well a text is foretold: bits for each character, and perplexity, the number of equally likely characters that would be as hard.</summary>
/// <remarks>
/// Rows are pieces of text, so that a resample draws whole pieces: characters beside one another are not independent. Costs are summed
/// before they are divided, so that short pieces count for what they hold.
/// </remarks>
internal sealed class LanguageMetrics : WeightedMetrics
{
    private readonly double[] _characters, _nats;

    public LanguageMetrics(ReadOnlySpan<float> labels, ReadOnlySpan<float> outputs)
        : base(labels.Length, MetricNames.Of(TaskKind.NextToken))
    {
        (_characters, _nats) = (new double[labels.Length], new double[labels.Length]);
        for (var i = 0; i < labels.Length; i++) (_characters[i], _nats[i]) = (labels[i], outputs[i]);
    }

    public override void Measure(ReadOnlySpan<int> weights, Span<double> metrics)
    {
        double characters = 0, nats = 0;
        for (var i = 0; i < weights.Length; i++)
        {
            characters += weights[i] * _characters[i];
            nats += weights[i] * _nats[i];
        }
        metrics[0] = nats / characters / Math.Log(2);
        metrics[1] = Math.Exp(nats / characters);
    }
}
