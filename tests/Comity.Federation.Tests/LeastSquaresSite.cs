using System.Text.Json;
using Comity.Federation.Sites;
using Comity.Tensors.Parameters;
using Comity.Tensors.Randomness;

namespace Comity.Federation.Tests;

/// <summary>A real, small site: linear regression by gradient descent on generated rows, y = x·slope + 1 + noise.</summary>
internal sealed class LeastSquaresSite : ISiteWork
{
    public const int Features = 3;
    private readonly double[][] _x;
    private readonly double[] _y;
    private readonly int _training, _validation;

    public LeastSquaresSite(string site, int rows = 60, double shift = 0, ulong seed = 7)
    {
        Site = site;
        var random = Seed.Of(seed).For("rows", site).ToRandom();
        _x = new double[rows][];
        _y = new double[rows];
        for (var i = 0; i < rows; i++)
        {
            _x[i] = [random.NextGaussian() + shift, random.NextGaussian(), random.NextGaussian(), 1];
            _y[i] = _x[i][0] - (2 * _x[i][1]) + ((0.5 + shift) * _x[i][2]) + 1 + (0.1 * random.NextGaussian());
        }
        (_training, _validation) = (rows * 6 / 10, rows * 2 / 10);
    }

    private LeastSquaresSite(string site, IReadOnlyList<LeastSquaresSite> together)
    {
        Site = site;
        IEnumerable<T> Part<T>(Func<LeastSquaresSite, T[]> of, Func<LeastSquaresSite, (int From, int To)> range) => together.SelectMany(s => of(s)[range(s).From..range(s).To]);
        (int, int) Train(LeastSquaresSite s) => (0, s._training);
        (int, int) Validate(LeastSquaresSite s) => (s._training, s._training + s._validation);
        (int, int) Test(LeastSquaresSite s) => (s._training + s._validation, s._y.Length);
        _x = [.. Part(s => s._x, Train), .. Part(s => s._x, Validate), .. Part(s => s._x, Test)];
        _y = [.. Part(s => s._y, Train), .. Part(s => s._y, Validate), .. Part(s => s._y, Test)];
        (_training, _validation) = (together.Sum(s => s._training), together.Sum(s => s._validation));
    }

    public string Site { get; }

    /// <summary>Learning rate of the site's trainer; a huge one diverges as real training does.</summary>
    public double LearningRate { get; init; } = 0.05;

    /// <summary>Words that the site has met and shares; none by default.</summary>
    public IReadOnlyList<string> Words { get; init; } = [];

    /// <summary>What the site says besides of its rows, by repeat.</summary>
    public Func<int, IReadOnlyList<string>> Says { get; init; } = _ => [];

    /// <summary>Overrides that reached the trainer.</summary>
    public List<string?> OverridesSeen { get; } = [];

    /// <summary>What was judged, in any order.</summary>
    public List<(string Model, RowSplit Split)> Judged { get; } = [];

    public int TrainCalls { get; private set; }

    public static ParameterLayout Layout { get; } = new([new("weight", [Features], 0), new("bias", [1], Features, ParameterRole.Bias)]);

    public static LeastSquaresSite Pool(IReadOnlyList<LeastSquaresSite> sites) => new("*", sites);

    public ValueTask<Statistics> CollectAsync(StatisticsTask task, CancellationToken cancellationToken) => new(new Statistics(
    [
        new StatisticPart("y/sum", MergeRule.Sum, [_y.Take(_training).Sum(), _training], []),
        .. Words.Count == 0 ? [] : new[] { new StatisticPart("words", MergeRule.Union, [], Words) },
    ]));

    public ValueTask<TrainingResult> TrainAsync(TrainingTask task, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        lock (OverridesSeen)
        {
            TrainCalls++;
            OverridesSeen.Add(task.TrainingOverrides);
        }
        var rate = RateIn(task.TrainingOverrides) ?? LearningRate;
        var w = task.Parameters.ToArray();
        var anchor = task.Anchor.IsEmpty ? task.Parameters : task.Anchor;
        var losses = new List<double>();
        var validation = new List<double>();
        var epochs = task.Epochs ?? 20;
        // Momentum, where it is to last: a vector, and a last one with the steps so far.
        var velocity = task.OptimizerState.Count > 0 ? task.OptimizerState[0].ToArray() : new float[w.Length];
        var taken = task.OptimizerState.Count > 0 ? task.OptimizerState[1].Span[0] : 0;
        var momentum = task.KeepOptimizerState is null ? 0 : 0.5f;
        for (var epoch = 0; epoch < epochs; epoch++)
        {
            var gradient = new double[w.Length];
            var loss = 0.0;
            for (var i = 0; i < _training; i++)
            {
                var error = Predict(w, _x[i]) - _y[i];
                if (!task.Teacher.IsEmpty) error = (error + Predict(w, _x[i]) - Predict(task.Teacher.Span, _x[i])) / 2;
                loss += error * error / _training;
                for (var j = 0; j < w.Length; j++) gradient[j] += 2 * error * _x[i][j] / _training;
            }
            for (var j = 0; j < w.Length; j++)
            {
                var g = gradient[j] + (task.Proximal * (w[j] - anchor.Span[j])) + (task.GradientCorrection.IsEmpty ? 0 : task.GradientCorrection.Span[j]);
                velocity[j] = (float)((momentum * velocity[j]) + g);
                w[j] = (float)(w[j] - (rate * (momentum > 0 ? velocity[j] : g)));
            }
            losses.Add(loss);
            validation.Add(MeanSquare(w, RowSplit.Validation).Mse);
            task.Progress?.Invoke(new TrainingProgress(epoch + 1, epochs, loss));
        }
        return new(new TrainingResult
        {
            OptimizerState = task.KeepOptimizerState is { } lend ? [Filled(lend(w.Length), velocity), Filled(lend(1), [taken + epochs])] : [],
            Parameters = w, Rows = _training, Steps = epochs, LearningRateSum = epochs * rate, NormalizedSteps = epochs, LossByEpoch = losses, ValidationLossByEpoch = validation,
        });
    }

    private static ReadOnlyMemory<float> Filled(Memory<float> lent, ReadOnlySpan<float> values)
    {
        values.CopyTo(lent.Span);
        return lent;
    }

    public ValueTask<Statistics> CountAsync(CountTask task, CancellationToken cancellationToken)
    {
        var (from, to) = Range(task.Judged.Split);
        var (scores, errors) = (new double[40], new double[4]);
        for (var i = from; i < to; i++)
        {
            var (truth, predicted) = (_y[i], Predict(task.Judged.Parameters.Span, _x[i]));
            scores[(truth > 1 ? 20 : 0) + Math.Clamp((int)Math.Floor(predicted - 1 + 10), 0, 19)]++; // the sign of y − 1, as two classes
            var error = predicted - truth;
            errors[0]++;
            errors[1] += error * error;
            errors[2] += error * error * error * error;
            errors[3] += Math.Abs(error);
        }
        return new(new Statistics(task.CountsOnly
            ? [new StatisticPart("scores", MergeRule.Sum, scores, []) { Whole = true, Bound = new RecordBound([.. Enumerable.Repeat(1.0, 40)], 1) }]
            : [new StatisticPart("errors", MergeRule.Sum, errors, [])]));
    }

    public ValueTask<EvaluationResult> EvaluateAsync(EvaluationTask task, CancellationToken cancellationToken)
    {
        lock (Judged) Judged.Add((task.Model, task.Split));
        var (mse, rows) = MeanSquare(task.Parameters.Span, task.Split);
        var parameters = task.Parameters;
        var (from, to) = Range(task.Split);
        return new(new EvaluationResult
        {
            Rows = rows, Metrics = new Dictionary<string, Estimate> { ["mse"] = new(mse, mse * 0.9, mse * 1.1) }, Warnings = [.. rows < 20 ? ["few-rows:" + rows] : Array.Empty<string>(), .. Says(task.Repeat)],
            Predictions = task.WithPredictions ? [.. Enumerable.Range(from, to - from).Select(i => new Prediction(i, "y", [(float)Predict(parameters.Span, _x[i])]))] : [],
        });
    }

    public ValueTask<ComparisonResult> CompareAsync(ComparisonTask task, CancellationToken cancellationToken)
    {
        var (from, to) = Range(RowSplit.Test);
        var differences = new double[to - from];
        for (var i = from; i < to; i++)
            differences[i - from] = Math.Pow(Predict(task.CandidateParameters.Span, _x[i]) - _y[i], 2) - Math.Pow(Predict(task.BaselineParameters.Span, _x[i]) - _y[i], 2);
        var mean = differences.Average();
        var error = Math.Sqrt(differences.Sum(d => (d - mean) * (d - mean)) / (differences.Length - 1) / differences.Length);
        var p = error > 0 ? Math.Exp(-Math.Abs(mean / error)) : 1;
        return new(new ComparisonResult(differences.Length, [new PairedDifference("mse", mean, mean - (2 * error), mean + (2 * error), error, p, "bootstrap", 2.8 * error)]));
    }

    private static double? RateIn(string? overrides) =>
        overrides is not null && JsonDocument.Parse(overrides).RootElement.TryGetProperty("optimizer", out var optimizer) && optimizer.TryGetProperty("learningRate", out var rate) ? rate.GetDouble() : null;

    public static double Predict(ReadOnlySpan<float> w, double[] x)
    {
        var sum = 0.0;
        for (var j = 0; j < w.Length; j++) sum += w[j] * x[j];
        return sum;
    }

    private (int From, int To) Range(RowSplit split) => split switch
    {
        RowSplit.Training => (0, _training),
        RowSplit.Validation => (_training, _training + _validation),
        _ => (_training + _validation, _y.Length),
    };

    private (double Mse, int Rows) MeanSquare(ReadOnlySpan<float> w, RowSplit split)
    {
        var (from, to) = Range(split);
        var sum = 0.0;
        for (var i = from; i < to; i++) sum += Math.Pow(Predict(w, _x[i]) - _y[i], 2);
        return (sum / (to - from), to - from);
    }
}

/// <summary>First weights of the small linear model.</summary>
internal sealed class LeastSquaresModel(IReadOnlyList<string>? steps = null) : IModelSource
{
    public IReadOnlyList<string> StatisticsSteps => steps ?? ["moments"];

    public ValueTask<ModelStart> StartAsync(int repeat, Statistics agreed, CancellationToken cancellationToken)
    {
        var random = Seed.Of(3).For("start", repeat).ToRandom();
        var w = new float[LeastSquaresSite.Layout.Length];
        for (var i = 0; i < w.Length; i++) w[i] = (float)random.NextGaussian() * 0.1f;
        return new(new ModelStart(LeastSquaresSite.Layout, w, "regression", []));
    }
}
