namespace Comity.Tensors.Tests.Differentiation;

/// <summary>Slow twins of the layers over sequences, written from their definitions.</summary>
internal static class SequenceTwin
{
    public static Twin RmsNorm(Twin x, Twin scale) =>
        Twin.Make(x.Rows, x.Columns, (i, j) => scale.Values[j] * x[i, j] / Math.Sqrt(Enumerable.Range(0, x.Columns).Average(k => x[i, k] * x[i, k]) + 1e-5));

    public static Twin SwiGlu(Twin x) => Twin.Make(x.Rows, x.Columns / 2, (i, j) => x[i, j] / (1 + Math.Exp(-x[i, j])) * x[i, j + x.Columns / 2]);

    /// <param name="qkv">Rows: batch, then steps.</param>
    /// <param name="batch">Sequences.</param>
    /// <param name="heads">Heads.</param>
    /// <param name="causal">Whether later steps are hidden.</param>
    /// <param name="lengths">Lengths; null: all.</param>
    /// <param name="turns">Whether positions are rotary, with base 100.</param>
    public static Twin Attention(Twin qkv, int batch, int heads, bool causal, int[]? lengths = null, bool turns = false)
    {
        int steps = qkv.Rows / batch, width = qkv.Columns / 3, d = width / heads;
        double At(int part, int b, int t, int h, int j)
        {
            double X(int column) => qkv[b * steps + t, part * width + h * d + column];
            if (!turns || part == 2) return X(j);
            var pair = j % (d / 2);
            var angle = Angle(t, pair, d);
            return j < d / 2 ? X(j) * Math.Cos(angle) - X(j + d / 2) * Math.Sin(angle) : X(j - d / 2) * Math.Sin(angle) + X(j) * Math.Cos(angle);
        }
        var values = new double[qkv.Rows * width];
        for (var b = 0; b < batch; b++)
        {
            var length = lengths?[b] ?? steps;
            for (var h = 0; h < heads; h++)
            {
                for (var t = 0; t < length; t++)
                {
                    var seen = causal ? t + 1 : length;
                    var scores = Enumerable.Range(0, seen).Select(s => Math.Exp(Enumerable.Range(0, d).Sum(j => At(0, b, t, h, j) * At(1, b, s, h, j)) / Math.Sqrt(d))).ToArray();
                    var sum = scores.Sum();
                    for (var j = 0; j < d; j++) values[(b * steps + t) * width + h * d + j] = Enumerable.Range(0, seen).Sum(s => scores[s] / sum * At(2, b, s, h, j));
                }
            }
        }
        return new Twin(qkv.Rows, width, values);
    }

    public static float[] Turns(int steps, int d)
    {
        var turns = new float[steps * d];
        for (var t = 0; t < steps; t++)
        {
            for (var j = 0; j < d / 2; j++) (turns[t * d + j], turns[t * d + d / 2 + j]) = ((float)Math.Cos(Angle(t, j, d)), (float)Math.Sin(Angle(t, j, d)));
        }
        return turns;
    }

    private static double Angle(int t, int pair, int d) => t * Math.Pow(100, -2.0 * pair / d);

    /// <param name="kind">The cell.</param>
    /// <param name="x">Rows: steps, then batch.</param>
    /// <param name="w">[H, gates·H].</param>
    /// <param name="bias">[gates·H] or null.</param>
    /// <param name="steps">Steps.</param>
    /// <param name="reverse">From the last to the first.</param>
    /// <param name="lengths">Lengths; null: all.</param>
    public static Twin Recurrent(RecurrentKind kind, Twin x, Twin w, Twin? bias, int steps, bool reverse, int[]? lengths)
    {
        int batch = x.Rows / steps, n = w.Rows;
        var values = new double[x.Rows * n];
        for (var b = 0; b < batch; b++)
        {
            double[] h = new double[n], c = new double[n];
            for (var s = 0; s < steps; s++)
            {
                var t = reverse ? steps - 1 - s : s;
                if (t < (lengths?[b] ?? steps))
                {
                    double[] before = h;
                    double X(int gate, int j) => x[t * batch + b, gate * n + j];
                    double P(int gate, int j) => Enumerable.Range(0, n).Sum(k => before[k] * w[k, gate * n + j]) + (bias?.Values[gate * n + j] ?? 0);
                    double Sigmoid(double v) => 1 / (1 + Math.Exp(-v));
                    h = new double[n];
                    for (var j = 0; j < n; j++)
                    {
                        if (kind == RecurrentKind.Rnn) h[j] = Math.Tanh(X(0, j) + P(0, j));
                        else if (kind == RecurrentKind.Gru)
                        {
                            double r = Sigmoid(X(0, j) + P(0, j)), z = Sigmoid(X(1, j) + P(1, j));
                            h[j] = (1 - z) * Math.Tanh(X(2, j) + r * P(2, j)) + z * before[j];
                        }
                        else
                        {
                            c[j] = Sigmoid(X(1, j) + P(1, j)) * c[j] + Sigmoid(X(0, j) + P(0, j)) * Math.Tanh(X(2, j) + P(2, j));
                            h[j] = Sigmoid(X(3, j) + P(3, j)) * Math.Tanh(c[j]);
                        }
                    }
                }
                for (var j = 0; j < n; j++) values[(t * batch + b) * n + j] = h[j];
            }
        }
        return new Twin(x.Rows, n, values);
    }

    /// <summary>From rows by a and then b to rows by b and then a.</summary>
    public static Twin Swap(Twin x, int a) => Twin.Make(x.Rows, x.Columns, (i, j) => x[i % a * (x.Rows / a) + i / a, j]);

    public static Twin StepMean(Twin x, int batch, int[]? lengths) => Twin.Make(batch, x.Columns, (b, j) =>
        Enumerable.Range(0, lengths?[b] ?? x.Rows / batch).Average(t => x[b * (x.Rows / batch) + t, j]));
}
