namespace Comity.Serving.Drift;

/// <summary>Tests of whether two samples come from the same source.</summary>
internal static class Statistics
{
    /// <summary>p of a two-sample Kolmogorov–Smirnov distance.</summary>
    /// <remarks>The series of Kolmogorov (1933) with the finite-sample correction of Stephens (1970). Of distances read at a few cut points only it is too large, never too small.</remarks>
    public static double KolmogorovP(double distance, double first, double second)
    {
        var size = Math.Sqrt(first * second / (first + second));
        var x = (size + 0.12 + (0.11 / size)) * distance;
        if (x < 0.2) return 1; // the series converges slowly there, to 1 within 1e-12
        double sum = 0, sign = 1;
        for (var k = 1; k <= 100; k++)
        {
            var term = Math.Exp(-2 * x * x * k * k);
            sum += sign * term;
            sign = -sign;
            if (term < 1e-16) break;
        }
        return Math.Clamp(2 * sum, 0, 1);
    }

    /// <summary>p of a chi-square statistic: the upper regularised incomplete gamma function Q(df/2, x/2).</summary>
    /// <remarks>Series and continued fraction as in Abramowitz and Stegun 6.5.29 and 6.5.31.</remarks>
    public static double ChiSquareP(double statistic, int degrees)
    {
        if (degrees < 1 || !(statistic > 0)) return 1;
        double a = degrees / 2.0, x = statistic / 2;
        var scale = Math.Exp((a * Math.Log(x)) - x - LogGamma(a));
        if (x < a + 1)
        {
            double term = 1 / a, sum = term;
            for (var n = 1; n < 1000 && term > sum * 1e-16; n++)
            {
                term *= x / (a + n);
                sum += term;
            }
            return Math.Clamp(1 - (sum * scale), 0, 1);
        }
        // Lentz's algorithm for the continued fraction.
        double b = x + 1 - a, c = 1e300, d = 1 / b, h = d;
        for (var n = 1; n < 1000; n++)
        {
            var an = -n * (n - a);
            b += 2;
            d = 1 / ((an * d) + b);
            c = b + (an / c);
            var step = c * d;
            h *= step;
            if (Math.Abs(step - 1) < 1e-15) break;
        }
        return Math.Clamp(scale * h, 0, 1);
    }

    /// <summary>Two-sided p of Fisher's exact test (1922): a of n against b of m, all tables no likelier than this one.</summary>
    public static double FisherP(int a, int n, int b, int m)
    {
        var total = a + b;
        double Log(int k) => LogChoose(n, k) + LogChoose(m, total - k);
        var (low, high) = (Math.Max(0, total - m), Math.Min(total, n));
        var all = LogChoose(n + m, total);
        var own = Log(a);
        double p = 0;
        for (var k = low; k <= high; k++)
        {
            var log = Log(k);
            if (log <= own + 1e-9) p += Math.Exp(log - all);
        }
        return Math.Min(1, p);
    }

    /// <summary>p of homogeneity of two rows of counts, small bins pooled until both expect at least five.</summary>
    public static double HomogeneityP(IReadOnlyList<double> first, IReadOnlyList<double> second)
    {
        double n = first.Sum(), m = second.Sum();
        if (n == 0 || m == 0) return 1;
        var share = Math.Min(n, m) / (n + m);
        var bins = new List<(double A, double B)>();
        (double A, double B) small = (0, 0);
        for (var i = 0; i < first.Count; i++)
        {
            if ((first[i] + second[i]) * share >= 5) bins.Add((first[i], second[i]));
            else small = (small.A + first[i], small.B + second[i]);
        }
        if (small.A + small.B > 0)
        {
            if ((small.A + small.B) * share >= 5 || bins.Count == 0)
            {
                bins.Add(small);
            }
            else
            {
                var least = Enumerable.Range(0, bins.Count).MinBy(i => bins[i].A + bins[i].B);
                bins[least] = (bins[least].A + small.A, bins[least].B + small.B);
            }
        }
        double statistic = 0;
        foreach (var (a, b) in bins)
        {
            var (expectedA, expectedB) = ((a + b) * n / (n + m), (a + b) * m / (n + m));
            statistic += ((a - expectedA) * (a - expectedA) / expectedA) + ((b - expectedB) * (b - expectedB) / expectedB);
        }
        return ChiSquareP(statistic, bins.Count - 1);
    }

    /// <summary>ln Γ(x) for x &gt; 0 (Lanczos 1964, g = 7, nine terms), within 1e-13.</summary>
    public static double LogGamma(double x)
    {
        ReadOnlySpan<double> terms =
        [
            0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059,
            12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
        ];
        if (x < 0.5) return Math.Log(Math.PI / Math.Abs(Math.Sin(Math.PI * x))) - LogGamma(1 - x);
        x -= 1;
        var sum = terms[0];
        for (var i = 1; i < terms.Length; i++) sum += terms[i] / (x + i);
        var t = x + 7.5;
        return (0.5 * Math.Log(2 * Math.PI)) + ((x + 0.5) * Math.Log(t)) - t + Math.Log(sum);
    }

    private static double LogChoose(int n, int k) => LogGamma(n + 1.0) - LogGamma(k + 1.0) - LogGamma(n - k + 1.0);
}
