namespace Comity.Learning.Training.Optimizers;

/// <summary>Limited-memory BFGS (Nocedal and Wright 2006, Algorithms 7.4 and 7.5) with a line search for the strong Wolfe conditions (3.5 and 3.6), in double precision.</summary>
internal sealed class Lbfgs
{
    /// <summary>Value at x, shape [n], and its gradient, which is written to <paramref name="gradient"/>.</summary>
    public delegate double Function(ReadOnlySpan<double> x, Span<double> gradient);

    private const double SufficientDecrease = 1e-4;
    private const double Curvature = 0.9;

    // Values come from single precision: differences below this share of them say nothing, slopes still do (Hager and Zhang 2005, section 2).
    private const double Noise = 2e-7;
    private readonly Function _function;
    private readonly int _history;
    private readonly List<(double[] Step, double[] Change, double Product)> _pairs = [];
    private double[] _x;
    private double[] _gradient;
    private double[] _trial;
    private double[] _trialGradient;
    private readonly double[] _direction;

    public Lbfgs(Function function, ReadOnlySpan<double> start, int history)
    {
        (_function, _history) = (function, history);
        _x = start.ToArray();
        (_gradient, _trial, _trialGradient, _direction) = (new double[_x.Length], new double[_x.Length], new double[_x.Length], new double[_x.Length]);
        Value = function(_x, _gradient);
    }

    public ReadOnlySpan<double> X => _x;

    public double Value { get; private set; }

    /// <summary>Largest component of the gradient.</summary>
    public double GradientSize
    {
        get
        {
            var size = 0.0;
            foreach (var g in _gradient) size = Math.Max(size, Math.Abs(g));
            return size;
        }
    }

    /// <summary>One iteration. False: no step of sufficient decrease is left at this precision.</summary>
    public bool Step()
    {
        Direct();
        var slope = Dot(_direction, _gradient);
        if (!(slope < 0))
        {
            // Rounding has spoilt the curvature; start again from the steepest descent.
            _pairs.Clear();
            Direct();
            slope = Dot(_direction, _gradient);
            if (!(slope < 0)) return false;
        }
        var first = _pairs.Count == 0 ? Math.Min(1, 1 / Math.Max(1e-12, GradientSize)) : 1;
        if (!Search(slope, first))
        {
            if (_pairs.Count == 0) return false;
            _pairs.Clear();
            return Step();
        }
        var step = new double[_x.Length];
        var change = new double[_x.Length];
        for (var i = 0; i < step.Length; i++) (step[i], change[i]) = (_trial[i] - _x[i], _trialGradient[i] - _gradient[i]);
        var product = Dot(step, change);
        if (product > 1e-16 * Dot(change, change))
        {
            if (_pairs.Count == _history) _pairs.RemoveAt(0);
            _pairs.Add((step, change, product));
        }
        (_x, _trial) = (_trial, _x);
        (_gradient, _trialGradient) = (_trialGradient, _gradient);
        return true;
    }

    // The two-loop recursion: −H·g.
    private void Direct()
    {
        for (var i = 0; i < _direction.Length; i++) _direction[i] = -_gradient[i];
        Span<double> alphas = stackalloc double[_pairs.Count];
        for (var p = _pairs.Count - 1; p >= 0; p--)
        {
            var (step, change, product) = _pairs[p];
            alphas[p] = Dot(step, _direction) / product;
            AddScaled(-alphas[p], change, _direction);
        }
        if (_pairs.Count > 0)
        {
            var (_, change, product) = _pairs[^1];
            var scale = product / Dot(change, change);
            for (var i = 0; i < _direction.Length; i++) _direction[i] *= scale;
        }
        for (var p = 0; p < _pairs.Count; p++)
        {
            var (step, change, product) = _pairs[p];
            AddScaled(alphas[p] - Dot(change, _direction) / product, step, _direction);
        }
    }

    private bool Search(double slope, double first)
    {
        double value = Value, noise = Noise * Math.Abs(value), previous = 0, previousValue = value, previousSlope = slope, length = first;
        for (var i = 0; i < 30; i++)
        {
            var (trial, trialSlope) = Try(length);
            if (!double.IsFinite(trial) || trial > value + SufficientDecrease * length * slope + noise || (i > 0 && trial >= previousValue + noise))
                return Zoom(value, slope, previous, previousValue, previousSlope, length, trial);
            if (Math.Abs(trialSlope) <= -Curvature * slope) return Accept(trial);
            if (trialSlope >= 0) return Zoom(value, slope, length, trial, trialSlope, previous, previousValue);
            (previous, previousValue, previousSlope) = (length, trial, trialSlope);
            length *= 2;
        }
        return Accept(previousValue);
    }

    private bool Zoom(double value, double slope, double low, double lowValue, double lowSlope, double high, double highValue)
    {
        var noise = Noise * Math.Abs(value);
        for (var i = 0; i < 40; i++)
        {
            // The minimum of the parabola through the low end, its slope and the high end, kept away from both ends.
            var width = high - low;
            var bend = highValue - lowValue - lowSlope * width;
            var length = double.IsFinite(highValue) && bend > 0 ? low - 0.5 * lowSlope * width * width / bend : low + 0.5 * width;
            var (least, most) = (Math.Min(low, high) + 0.1 * Math.Abs(width), Math.Max(low, high) - 0.1 * Math.Abs(width));
            length = Math.Clamp(length, least, most);
            var (trial, trialSlope) = Try(length);
            if (!double.IsFinite(trial) || trial > value + SufficientDecrease * length * slope + noise || trial > lowValue + noise)
            {
                (high, highValue) = (length, trial);
            }
            else
            {
                if (Math.Abs(trialSlope) <= -Curvature * slope) return Accept(trial);
                if (trialSlope * width >= 0) (high, highValue) = (low, lowValue);
                (low, lowValue, lowSlope) = (length, trial, trialSlope);
            }
            if (Math.Abs(high - low) < 1e-12 * Math.Max(1, Math.Abs(low))) break;
        }
        if (low == 0) return false;
        var (last, _) = Try(low);
        return last < value && Accept(last);
    }

    private (double Value, double Slope) Try(double length)
    {
        for (var i = 0; i < _x.Length; i++) _trial[i] = _x[i] + length * _direction[i];
        var value = _function(_trial, _trialGradient);
        return (value, Dot(_trialGradient, _direction));
    }

    private bool Accept(double value)
    {
        Value = value;
        return true;
    }

    private static double Dot(double[] x, double[] y)
    {
        var sum = 0.0;
        for (var i = 0; i < x.Length; i++) sum += x[i] * y[i];
        return sum;
    }

    private static void AddScaled(double factor, double[] x, double[] y)
    {
        for (var i = 0; i < x.Length; i++) y[i] += factor * x[i];
    }
}
