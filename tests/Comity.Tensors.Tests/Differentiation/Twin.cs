namespace Comity.Tensors.Tests.Differentiation;

/// <summary>The slow twin of the engine: matrices of doubles, loops, nothing fused.</summary>
internal sealed record Twin(int Rows, int Columns, double[] Values)
{
    public double this[int i, int j] => Values[i * Columns + j];

    public static Twin Make(int rows, int columns, Func<int, int, double> f)
    {
        var values = new double[rows * columns];
        for (var i = 0; i < rows; i++)
        {
            for (var j = 0; j < columns; j++) values[i * columns + j] = f(i, j);
        }
        return new Twin(rows, columns, values);
    }

    public static Twin Of(double value) => new(1, 1, [value]);

    public Twin Map(Func<double, double> f) => Make(Rows, Columns, (i, j) => f(this[i, j]));

    public Twin Zip(Twin other, Func<double, double, double> f) => Make(Rows, Columns, (i, j) => f(this[i, j], other[i, j]));

    public Twin Transposed => Make(Columns, Rows, (i, j) => this[j, i]);

    public Twin Times(Twin other) => Make(Rows, other.Columns, (i, j) => Enumerable.Range(0, Columns).Sum(k => this[i, k] * other[k, j]));

    public Twin PlusRow(Twin row) => Make(Rows, Columns, (i, j) => this[i, j] + row.Values[j]);

    public double RowMean(int i) => Enumerable.Range(0, Columns).Average(j => this[i, j]);

    public Twin Softmax
    {
        get
        {
            var sums = Enumerable.Range(0, Rows).Select(i => Enumerable.Range(0, Columns).Sum(k => Math.Exp(this[i, k]))).ToArray();
            return Make(Rows, Columns, (i, j) => Math.Exp(this[i, j]) / sums[i]);
        }
    }

    public Twin LayerNorm(Twin scale, Twin shift)
    {
        var means = Enumerable.Range(0, Rows).Select(RowMean).ToArray();
        var variances = Enumerable.Range(0, Rows).Select(i => Enumerable.Range(0, Columns).Average(k => (this[i, k] - means[i]) * (this[i, k] - means[i]))).ToArray();
        return Make(Rows, Columns, (i, j) => scale.Values[j] * (this[i, j] - means[i]) / Math.Sqrt(variances[i] + 1e-5) + shift.Values[j]);
    }

    public Twin BatchNorm(Twin scale, Twin shift) => Transposed.LayerNorm(new Twin(1, Rows, Enumerable.Repeat(1.0, Rows).ToArray()), new Twin(1, Rows, new double[Rows])).Transposed
        .Affine(scale, shift);

    public Twin Affine(Twin scale, Twin shift) => Make(Rows, Columns, (i, j) => scale.Values[j] * this[i, j] + shift.Values[j]);

    public static double Apply(Activation activation, double x) => activation switch
    {
        Activation.Relu => Math.Max(0, x),
        Activation.LeakyRelu => x > 0 ? x : 0.01 * x,
        Activation.Elu => x > 0 ? x : Math.Exp(x) - 1,
        Activation.Gelu => x * NormalShare(x),
        Activation.Sigmoid => 1 / (1 + Math.Exp(-x)),
        Activation.Tanh => Math.Tanh(x),
        _ => x,
    };

    // Φ(x) by the series of Marsaglia 2004.
    private static double NormalShare(double x)
    {
        double sum = x, term = x;
        for (var n = 3; n < 200; n += 2)
        {
            term *= x * x / n;
            sum += term;
        }
        return 0.5 + sum * Math.Exp(-0.5 * x * x) / Math.Sqrt(2 * Math.PI);
    }
}
