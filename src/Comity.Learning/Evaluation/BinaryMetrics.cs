namespace Comity.Learning.Evaluation;

/// <summary>Metrics of two classes; the second is the positive one.</summary>
/// <remarks>
/// Rows are sorted by falling score once; ROC AUC is then Mann and Whitney's statistic with ties counted half, and PR AUC is
/// average precision, Σ (R_i − R_{i−1}) P_i over the distinct scores, both from running sums. Brier is the mean of (p − y)²;
/// ECE and MCE (Naeini et al. 2015; Guo et al. 2017) compare the mean probability of the positive class with its observed
/// share, by bins fixed on the original rows. What has an empty denominator is NaN.
/// </remarks>
internal sealed class BinaryMetrics : WeightedMetrics
{
    private readonly int[] _row; // by falling score
    private readonly int[] _mask; // all bits set where the row in _row is positive
    private readonly int[] _end; // end of each run of equal scores
    private readonly int[] _bin; // of each run, and −1 behind the last
    private readonly double[] _score; // of each run
    private readonly int _called; // runs called positive
    private readonly double[] _loss; // by row
    private readonly double[] _square;

    public BinaryMetrics(ReadOnlySpan<float> labels, ReadOnlySpan<float> outputs, EvaluationSection section)
        : base(labels.Length, MetricNames.Of(TaskKind.Binary))
    {
        var n = labels.Length;
        var score = new float[n];
        for (var i = 0; i < n; i++) score[i] = outputs[2 * i + 1];
        var bins = CalibrationBins.Assign(score, section.CalibrationBins, section.CalibrationBinning);
        (_loss, _square) = (new double[n], new double[n]);
        for (var i = 0; i < n; i++)
        {
            _loss[i] = ProbabilityLoss.OfPositive(score[i], labels[i] > 0);
            _square[i] = ((double)score[i] - labels[i]) * ((double)score[i] - labels[i]);
        }
        (_row, _end) = RankedRows.Falling(score);
        _mask = new int[n];
        for (var i = 0; i < n; i++) _mask[i] = labels[_row[i]] > 0 ? -1 : 0;
        (_bin, _score) = (new int[_end.Length + 1], new double[_end.Length]);
        _bin[^1] = -1;
        for (var run = 0; run < _end.Length; run++)
        {
            var row = _row[_end[run] - 1];
            (_bin[run], _score[run]) = (bins[row], score[row]);
            if (score[row] >= section.Threshold) _called = run + 1;
        }
    }

    public override void Measure(ReadOnlySpan<int> weights, Span<double> metrics)
    {
        // Fields once into locals: the loops then keep them in registers.
        ReadOnlySpan<double> losses = _loss.AsSpan(0, weights.Length), squares = _square.AsSpan(0, weights.Length);
        double loss = 0, square = 0;
        for (var i = 0; i < weights.Length; i++)
        {
            double weight = weights[i];
            loss += weight * losses[i];
            square += weight * squares[i];
        }

        ReadOnlySpan<int> rows = _row, masks = _mask.AsSpan(0, rows.Length);
        ReadOnlySpan<int> ends = _end, bins = _bin;
        ReadOnlySpan<double> scores = _score.AsSpan(0, ends.Length);
        var called = _called - 1;
        long above = 0, aboveNegative = 0, twiceArea = 0; // positives and negatives so far
        long hits = 0, alarms = 0; // true and false positives at the threshold
        double precisionSum = 0, gapSum = 0, gapWorst = 0, binProbability = 0;
        long binRows = 0, binPositive = 0;
        var at = 0;
        for (var run = 0; run < ends.Length; run++)
        {
            int count = 0, positive = 0;
            for (var end = ends[run]; at < end; at++)
            {
                var weight = weights[rows[at]];
                count += weight;
                positive += weight & masks[at];
            }
            var negative = count - positive;
            twiceArea += negative * (2 * above + positive);
            above += positive;
            aboveNegative += negative;
            // No branch: whether a resample holds a positive row here is a coin toss that no processor predicts.
            precisionSum += positive * ((double)above / Math.Max(1, above + aboveNegative));
            binRows += count;
            binPositive += positive;
            binProbability += count * scores[run];
            if (run == called) (hits, alarms) = (above, aboveNegative);
            if (bins[run + 1] == bins[run]) continue;
            if (binRows > 0)
            {
                var gap = Math.Abs(binProbability - binPositive);
                gapSum += gap;
                gapWorst = Math.Max(gapWorst, gap / binRows);
            }
            (binRows, binPositive, binProbability) = (0, 0, 0);
        }

        var (positives, negatives) = (above, aboveNegative);
        double n = positives + negatives;
        ReadOnlySpan<long> confusion = [negatives - alarms, alarms, positives - hits, hits];
        var classScores = ClassScores.Of(confusion, 2);
        metrics[0] = classScores.Accuracy;
        metrics[1] = classScores.MajorityShare;
        metrics[2] = classScores.BalancedAccuracy;
        metrics[3] = (double)hits / (hits + alarms);
        metrics[4] = hits / (double)positives;
        metrics[5] = (negatives - alarms) / (double)negatives;
        metrics[6] = 2.0 * hits / (positives + hits + alarms);
        metrics[7] = classScores.PrecisionMacro;
        metrics[8] = classScores.RecallMacro;
        metrics[9] = classScores.F1Macro;
        metrics[10] = classScores.PrecisionWeighted;
        metrics[11] = classScores.RecallWeighted;
        metrics[12] = classScores.F1Weighted;
        metrics[13] = twiceArea / (2.0 * positives * negatives);
        metrics[14] = negatives > 0 ? precisionSum / positives : double.NaN; // against nothing, any ranking is perfect
        metrics[15] = loss / n;
        metrics[16] = square / n;
        metrics[17] = gapSum / n;
        metrics[18] = n > 0 ? gapWorst : double.NaN;
    }
}
