using System.Globalization;

namespace Comity.Benchmarks.Study;

/// <summary>The numbers a whole study must reach: accuracy on real hospitals, time, memory, scale.</summary>
/// <remarks>
/// <c>dotnet run -c Release --project bench/Comity.Benchmarks -- study [two-clinics|heart-disease|many-sites|large-model]…</c>,
/// from the repository's root. Heart disease needs <c>COMITY_DATA</c>.
/// </remarks>
internal static class StudyNumbers
{
    public static int Run(string[] args)
    {
        var all = new Dictionary<string, Func<string, IEnumerable<Demand>>>
        {
            ["two-clinics"] = TwoClinics,
            ["heart-disease"] = HeartDisease,
            ["many-sites"] = ManySites,
            ["large-model"] = LargeModel,
        };
        var chosen = args.Length == 0 ? all.Keys.ToArray() : args;
        var holds = true;
        foreach (var name in chosen)
        {
            if (!all.TryGetValue(name, out var measure))
            {
                Console.Error.WriteLine($"Unknown study '{name}'. Known: {string.Join(", ", all.Keys)}.");
                return 2;
            }
            var folder = Directory.CreateTempSubdirectory("comity-bench-").FullName;
            try
            {
                var demands = measure(folder).ToList();
                Console.WriteLine($"\n## {name}\n\n{Demand.Table(demands)}");
                holds &= demands.All(d => d.Holds);
            }
            finally
            {
                Directory.Delete(folder, recursive: true);
            }
        }
        return holds ? 0 : 1;
    }

    private static IEnumerable<Demand> TwoClinics(string folder)
    {
        var run = MeasuredRun.Of("run", "examples/two-clinics", "--out", Path.Combine(folder, "run")).OrThrow();
        yield return Demand.AtMost("wall time", 10, run.Seconds, " s");
        yield return Demand.AtMost("first line of progress after", 1, run.FirstLineSeconds, " s");
        yield return Demand.AtMost("peak memory", 300, run.PeakMiB, " MiB");
    }

    private static IEnumerable<Demand> HeartDisease(string folder)
    {
        var outFolder = Path.Combine(folder, "run");
        MeasuredRun.Of("run", "examples/heart-disease", "--out", outFolder).OrThrow();
        var results = new RunResults(outFolder);
        var recommended = results.Recommended ?? throw new InvalidOperationException("No federation was recommended.");
        yield return Demand.AtLeast($"accuracy of the recommended {recommended}, union of test rows", 0.81, results.Mean(recommended, "*", "accuracy"));
        yield return Demand.AtLeast($"ROC AUC of the recommended {recommended}, union of test rows", 0.885, results.Mean(recommended, "*", "rocAuc"));

        // Mean over the sites' own test rows, for the own models and for each personalised federation.
        double Own(string metric) => results.Sites.Average(site => results.Mean($"local/{site}", site, metric));
        double Personalised(string federation, string metric) => results.Sites.Average(site => results.Mean($"{federation}+{site}", site, metric));
        var federations = results.Models.Where(m => m.Contains('+', StringComparison.Ordinal)).Select(m => m[..m.IndexOf('+', StringComparison.Ordinal)]).Distinct();
        var best = federations.MaxBy(f => Personalised(f, "accuracy")) ?? throw new InvalidOperationException("No personalised federation was run.");
        yield return Demand.AtMost($"accuracy lost at home by {best}+site against the own models", 0.01, Own("accuracy") - Personalised(best, "accuracy"));
        yield return Demand.AtMost($"log loss at home of {best}+site minus that of the own models", 0, Personalised(best, "logLoss") - Own("logLoss"));
    }

    private static IEnumerable<Demand> ManySites(string folder)
    {
        var study = SyntheticStudy.Write(folder, sites: 1000, rows: 60, hidden: "[16]", rounds: 20);
        var run = MeasuredRun.Of("run", study, "--arms", "federated", "--out", Path.Combine(folder, "run")).OrThrow();
        yield return Demand.AtMost("1,000 sites × 60 rows, 20 rounds, evaluation and outputs: wall time", 15, run.Seconds, " s");
        yield return Demand.AtMost("peak memory", 1024, run.PeakMiB, " MiB");
    }

    private static IEnumerable<Demand> LargeModel(string folder)
    {
        double Peak(string strategy, int sites, int rounds, int turn)
        {
            var below = Directory.CreateDirectory(Path.Combine(folder, string.Create(CultureInfo.InvariantCulture, $"{strategy}-{sites}-{turn}"))).FullName;
            // 8 inputs: 8·1000 + 1000 + 1000·990 + 990 + 990 + 1 ≈ 1.0 M parameters.
            var study = SyntheticStudy.Write(below, sites, rows: 40, hidden: "[1000, 990]", rounds, strategy);
            return MeasuredRun.Of("run", study, "--arms", "federated", "--jobs", "1", "--out", Path.Combine(below, "run")).OrThrow().PeakMiB;
        }
        const double modelMiB = 1_001_000 * 4 / 1024.0 / 1024;
        // The whole process, from reading the study to the last file: what 200 sites cost over 2 in the same two rounds. A peak varies by
        // some MiB with when the runtime compiles and collects, hence the median of three.
        double Median(string strategy, int sites)
        {
            double[] peaks = [.. Enumerable.Range(0, 3).Select(turn => Peak(strategy, sites, 2, turn)).Order()];
            return peaks[1];
        }
        foreach (var strategy in new[] { "fedavg", "fedadam", "scaffold", "median" })
        {
            var (few, many) = (Median(strategy, 2), Median(strategy, 200));
            yield return Demand.AtMost($"{strategy}: peak memory with 200 sites ({many:0} MiB) over that with 2 ({few:0} MiB), two rounds each, in models of {modelMiB:0.0} MiB", 3, (many - few) / modelMiB);
        }
    }
}
