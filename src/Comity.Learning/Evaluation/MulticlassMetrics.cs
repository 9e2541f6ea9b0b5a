namespace Comity.Learning.Evaluation;

/// <summary>Metrics of three or more classes; the class of the largest probability is the prediction (the first of equals).</summary>
/// <remarks>
/// ROC AUC and PR AUC are the plain means over the classes of 'this class against the rest', over those classes that have rows
/// within and without. Brier is Brier's own (1950): squares summed over the classes, so in [0, 2]. ECE and MCE judge the
/// largest probability (Guo et al. 2017, arXiv:1706.04599).
/// </remarks>
internal sealed class MulticlassMetrics : WeightedMetrics
{
    private readonly int _classes, _bins;
    private readonly int[] _cell; // truth · k + prediction, by row
    private readonly int[] _bin;
    private readonly double[] _confidence, _loss, _square;
    private readonly int[] _right;
    private readonly (int[] Row, int[] End)[] _ranked; // by class
    private readonly int[] _truth;
    private readonly long[] _confusion;
    private readonly double[] _gap;
    private readonly long[] _binRows;

    public MulticlassMetrics(int classes, ReadOnlySpan<float> labels, ReadOnlySpan<float> outputs, EvaluationSection section)
        : base(labels.Length, MetricNames.Of(TaskKind.Multiclass))
    {
        var n = labels.Length;
        (_classes, _bins) = (classes, section.CalibrationBins);
        (_cell, _right, _truth) = (new int[n], new int[n], new int[n]);
        (_confidence, _loss, _square) = (new double[n], new double[n], new double[n]);
        var top = new float[n];
        for (var i = 0; i < n; i++)
        {
            var p = outputs.Slice(i * classes, classes);
            var truth = (int)labels[i];
            var predicted = Predicted(p);
            _truth[i] = truth;
            _cell[i] = truth * classes + predicted;
            _right[i] = truth == predicted ? 1 : 0;
            _confidence[i] = top[i] = p[predicted];
            _loss[i] = ProbabilityLoss.Of(p, truth);
            for (var c = 0; c < classes; c++) _square[i] += Square(p[c] - (c == truth ? 1.0 : 0.0));
        }
        _bin = CalibrationBins.Assign(top, _bins, section.CalibrationBinning);
        _ranked = new (int[], int[])[classes];
        var score = new float[n];
        for (var c = 0; c < classes; c++)
        {
            for (var i = 0; i < n; i++) score[i] = outputs[i * classes + c];
            _ranked[c] = RankedRows.Falling(score);
        }
        (_confusion, _gap, _binRows) = (new long[classes * classes], new double[_bins], new long[_bins]);
    }

    public override int Passes => 1 + _classes;

    /// <summary>The class of the largest probability, the first of equals.</summary>
    public static int Predicted(ReadOnlySpan<float> probabilities)
    {
        var best = 0;
        for (var c = 1; c < probabilities.Length; c++)
        {
            if (probabilities[c] > probabilities[best]) best = c;
        }
        return best;
    }

    public override void Measure(ReadOnlySpan<int> weights, Span<double> metrics)
    {
        Array.Clear(_confusion);
        Array.Clear(_gap);
        Array.Clear(_binRows);
        double loss = 0, square = 0;
        for (var i = 0; i < weights.Length; i++)
        {
            var weight = weights[i];
            _confusion[_cell[i]] += weight;
            loss += weight * _loss[i];
            square += weight * _square[i];
            _gap[_bin[i]] += weight * (_confidence[i] - _right[i]);
            _binRows[_bin[i]] += weight;
        }
        double n = 0, gapSum = 0, gapWorst = 0;
        for (var b = 0; b < _bins; b++)
        {
            if (_binRows[b] == 0) continue;
            n += _binRows[b];
            gapSum += Math.Abs(_gap[b]);
            gapWorst = Math.Max(gapWorst, Math.Abs(_gap[b]) / _binRows[b]);
        }
        double area = 0, precision = 0;
        var judged = 0;
        for (var c = 0; c < _classes; c++)
        {
            var (classArea, classPrecision) = AgainstRest(c, weights);
            if (double.IsNaN(classArea)) continue;
            area += classArea;
            precision += classPrecision;
            judged++;
        }
        var scores = ClassScores.Of(_confusion, _classes);
        metrics[0] = scores.Accuracy;
        metrics[1] = scores.MajorityShare;
        metrics[2] = scores.BalancedAccuracy;
        metrics[3] = scores.PrecisionMacro;
        metrics[4] = scores.RecallMacro;
        metrics[5] = scores.F1Macro;
        metrics[6] = scores.PrecisionWeighted;
        metrics[7] = scores.RecallWeighted;
        metrics[8] = scores.F1Weighted;
        metrics[9] = area / judged;
        metrics[10] = precision / judged;
        metrics[11] = loss / n;
        metrics[12] = square / n;
        metrics[13] = gapSum / n;
        metrics[14] = n > 0 ? gapWorst : double.NaN;
    }

    private (double Area, double Precision) AgainstRest(int c, ReadOnlySpan<int> weights)
    {
        var (rows, ends) = _ranked[c];
        long above = 0, aboveOthers = 0, twiceArea = 0;
        var precisionSum = 0.0;
        var at = 0;
        foreach (var end in ends)
        {
            int count = 0, positive = 0;
            for (; at < end; at++)
            {
                var row = rows[at];
                var weight = weights[row];
                count += weight;
                positive += _truth[row] == c ? weight : 0;
            }
            var others = count - positive;
            twiceArea += others * (2 * above + positive);
            above += positive;
            aboveOthers += others;
            if (positive != 0) precisionSum += positive * ((double)above / (above + aboveOthers));
        }
        return above == 0 || aboveOthers == 0
            ? (double.NaN, double.NaN)
            : (twiceArea / (2.0 * above * aboveOthers), precisionSum / above);
    }

    private static double Square(double x) => x * x;
}
