using Comity.Federation.Results;
using Comity.Federation.Sites;
using Comity.Tensors.Randomness;

namespace Comity.Insight.Tests;

/// <summary>
/// Results of studies as they really come out: scores are drawn around a strength per model and site, so charts get overlapping
/// intervals, undefined cells and thin evidence. Only what matters to a test is given.
/// </summary>
internal sealed class SampleStudy(string name)
{
    private static readonly string[] Features = ["age", "sex", "cp", "trestbps", "chol", "fbs", "restecg", "thalach", "exang", "oldpeak", "slope", "ca", "thal"];
    private readonly List<Hospital> _sites = [];
    private readonly List<MarketInfo> _markets = [];
    private readonly List<string> _federations = [];
    private readonly List<ResultWarning> _warnings = [];
    private int _repeats = 1;
    private bool _pooled = true;
    private bool _personalised;
    private string _combined = "";

    private sealed record Hospital(string Id, string Market, int Rows, double Prevalence, double Alone, double Travel, double Common);

    /// <summary>The four hospitals of the heart-disease study in three countries, eight repeats.</summary>
    public static SampleStudy FourHospitals() => new SampleStudy("heart-disease")
        .WithMarket("us", "US", "United States").WithMarket("hu", "HU", "Hungary").WithMarket("ch", "CH", "Switzerland")
        .WithSite("cleveland", "us", 303, 0.46, alone: 0.885, travel: 0.80, common: 0.893)
        .WithSite("hungary", "hu", 294, 0.36, alone: 0.882, travel: 0.79, common: 0.901)
        .WithSite("switzerland", "ch", 123, 0.935, alone: 0.62, travel: 0.61, common: 0.71)
        .WithSite("long-beach", "us", 200, 0.745, alone: 0.70, travel: 0.735, common: 0.745)
        .WithFederations("fedavg", "fedadam", "scaffold").WithPersonalised().WithRepeats(8);

    /// <summary>A clinic at home and one abroad, one repeat.</summary>
    public static SampleStudy TwoClinics() => new SampleStudy("two-clinics")
        .WithMarket("home", "US", "Home").WithMarket("abroad", "CN", "Abroad")
        .WithSite("local", "home", 2000, 0.42, alone: 0.902, travel: 0.731, common: 0.896)
        .WithSite("international", "abroad", 2000, 0.31, alone: 0.893, travel: 0.742, common: 0.889)
        .WithCombined("fine-tuned").WithoutPooled();

    /// <summary>Many sites in three markets, one federation.</summary>
    public static SampleStudy ManySites(int count)
    {
        var study = new SampleStudy("many-sites").WithMarket("us", "US", "United States").WithMarket("hu", "HU").WithMarket("ch", "CH").WithFederations("fedavg").WithoutPooled();
        for (var i = 0; i < count; i++)
            study.WithSite($"site-{i:0000}", study._markets[i % 3].Id, 60 + (i * 37 % 90), 0.2 + (i % 13 * 0.05), 0.72 + (i % 7 * 0.01), 0.70, 0.78 + (i % 11 * 0.01));
        return study;
    }

    public SampleStudy WithMarket(string id, string jurisdiction, string? name = null) { _markets.Add(new(id, jurisdiction, name)); return this; }

    public SampleStudy WithSite(string id, string market, int rows, double prevalence = 0.4, double alone = 0.8, double travel = 0.7, double common = 0.85)
    {
        _sites.Add(new(id, market, rows, prevalence, alone, travel, common));
        return this;
    }

    public SampleStudy WithFederations(params string[] names) { _federations.AddRange(names); return this; }

    public SampleStudy WithCombined(string name) { _combined = name; return this; }

    public SampleStudy WithoutPooled() { _pooled = false; return this; }

    public SampleStudy WithPersonalised() { _personalised = true; return this; }

    public SampleStudy WithRepeats(int repeats) { _repeats = repeats; return this; }

    public SampleStudy WithWarning(string code, params string[] arguments) { _warnings.Add(new(code, arguments)); return this; }

    public StudyResults Build()
    {
        var evaluation = Evaluations().ToList();
        var recommended = _federations.Count > 0 ? $"federated/{_federations[0]}" : $"combined/{_combined}";
        return new StudyResults
        {
            Study = name,
            Seed = 7,
            Environment = new("0.1.0", "X64", 256, ".NET 10.0.1"),
            StudySha256 = Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(name))),
            StudyFile = $"examples/{name}",
            Label = "num",
            Task = "binary",
            Classes = ["absent", "present"],
            PrimaryMetric = "rocAuc",
            Repeats = _repeats,
            Markets = _markets,
            Sites = [.. _sites.Select(Site)],
            Models = [.. Enumerable.Range(0, _repeats).SelectMany(r => ModelIds().Select(m => Model(m, r)))],
            Evaluation = evaluation,
            Summary = [.. Summaries(evaluation)],
            Benefit = [.. Benefits(evaluation, recommended)],
            History = [.. Histories()],
            Contributors = [.. Rounds()],
            Searches = [.. Tried()],
            Recommended = recommended,
            Candidates = [.. _federations.Select((f, i) => new CandidateInfo($"federated/{f}", "rocAuc", 0.897 - (i * 0.004), 0.41 + (i * 0.01)))],
            Warnings = _warnings,
        };
    }

    private IEnumerable<TriedSetting> Tried() =>
        from model in new[] { "pooled", $"local/{_sites[0].Id}", $"local/{_sites[^1].Id}" }
        from repeat in Enumerable.Range(0, _repeats)
        from rate in new[] { "0.01", "0.1", "10" }
        select new TriedSetting(model, repeat, $"learningRate {rate}", "logLoss", rate == "10" ? double.NaN : 0.4 + (0.01 * rate.Length), rate == "10" ? double.NaN : 0.4, rate == "0.1", 0, 0, 1.5);

    private IEnumerable<string> ModelIds()
    {
        foreach (var site in _sites) yield return "local/" + site.Id;
        if (_pooled) yield return "pooled";
        foreach (var federation in _federations) yield return "federated/" + federation;
        if (_personalised) foreach (var site in _sites) yield return $"federated/{_federations[0]}+{site.Id}";
        if (_combined.Length > 0) yield return "combined/" + _combined;
    }

    private static int TestRows(Hospital site) => (int)Math.Round(site.Rows * 0.34);

    private static SeededRandom RandomFor(params object[] names) => Seed.Of(7).For("sample", string.Join('|', names)).ToRandom();

    private static double Normal(SeededRandom random) => random.NextGaussian();

    private SiteInfo Site(Hospital site)
    {
        var test = TestRows(site);
        var validation = (int)(site.Rows * 0.13);
        var positives = (int)Math.Round(site.Rows * site.Prevalence);
        return new(site.Id, site.Market, site.Rows, site.Rows - test - validation, validation, test, [site.Rows - positives, positives],
            [.. Features.Take(_sites.Count > 50 ? 5 : 13).Select((f, i) => Quality(site, f, i))]);
    }

    private static ColumnQuality Quality(Hospital site, string feature, int index)
    {
        var random = RandomFor("quality", site.Id, feature);
        var number = feature is "age" or "trestbps" or "chol" or "thalach" or "oldpeak";
        var missing = index >= 10 && site.Rows < 303 ? 0.5 + (0.49 * random.NextDouble()) : random.NextDouble() < 0.3 ? 0.06 * random.NextDouble() : 0;
        return new(feature, number ? "number" : "category", missing, number ? 50 + (10 * Normal(random)) : null, number ? 9 : null, Math.Abs(0.18 * Normal(random)));
    }

    private ModelInfo Model(string id, int repeat)
    {
        var arm = id.Split('/')[0];
        var federated = arm == "federated";
        var trainedOn = arm == "local" ? [id["local/".Length..]] : _sites.Select(s => s.Id).ToList();
        var bytes = arm switch { "local" => 0L, "pooled" => 1_800_000, "combined" => 40_000, _ => 50L * 2 * 4 * 2689 * _sites.Count };
        return new(id, arm, trainedOn, 2689, federated ? 50 : 0, bytes, federated ? 1.9 : 0.6, null, "no-counter",
            Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(id + repeat))), repeat);
    }

    private double Strength(string model, Hospital site) => model.Split('/')[0] switch
    {
        "local" => model == "local/" + site.Id ? site.Alone : site.Travel,
        "pooled" => site.Common + 0.004,
        "combined" => site.Common,
        _ => site.Common + (model.Contains('+', StringComparison.Ordinal) ? 0.003 : model.EndsWith("adam", StringComparison.Ordinal) ? -0.006 : model.EndsWith("scaffold", StringComparison.Ordinal) ? -0.002 : 0),
    };

    private IEnumerable<EvaluationInfo> Evaluations()
    {
        for (var repeat = 0; repeat < _repeats; repeat++)
        {
            foreach (var model in ModelIds())
            {
                foreach (var site in _sites)
                {
                    // A site does not get the model that was personalised for another; with many sites nobody fetches all local models.
                    if (model.Contains('+', StringComparison.Ordinal) && !model.EndsWith("+" + site.Id, StringComparison.Ordinal)) continue;
                    if (_sites.Count > 50 && model.StartsWith("local/", StringComparison.Ordinal) && model != "local/" + site.Id) continue;
                    yield return Evaluation(model, site.Id, site, repeat);
                }
                if (model.Contains('+', StringComparison.Ordinal) || (_sites.Count > 50 && model.StartsWith("local/", StringComparison.Ordinal))) continue;
                var union = new Hospital("*", "*", _sites.Sum(s => s.Rows), _sites.Sum(s => s.Prevalence * s.Rows) / _sites.Sum(s => s.Rows), 0, 0, 0);
                yield return Evaluation(model, "*", union, repeat, _sites.Sum(s => Strength(model, s) * s.Rows) / union.Rows);
            }
        }
    }

    private EvaluationInfo Evaluation(string model, string id, Hospital site, int repeat, double? strength = null)
    {
        var random = RandomFor("evaluation", model, id, repeat);
        var rows = TestRows(site);
        var negatives = Math.Clamp((int)Math.Round((1 - site.Prevalence) * rows) - (repeat % 2), 0, rows);
        var error = 0.35 / Math.Sqrt(Math.Max(1, Math.Min(negatives, rows - negatives)));
        var auc = Math.Clamp((strength ?? Strength(model, site)) + (0.5 * error * Normal(random)), 0.4, 0.995);
        var metrics = Metrics(auc, error, random);
        if (negatives == 0) metrics["rocAuc"] = new(double.NaN, double.NaN, double.NaN);
        return new()
        {
            Model = model,
            Repeat = repeat,
            Site = id,
            Split = RowSplit.Test,
            Result = new()
            {
                Rows = rows,
                Metrics = metrics,
                ClassCounts = [negatives, rows - negatives],
                Confusion = [[(int)(negatives * 0.8), negatives - (int)(negatives * 0.8)], [(rows - negatives) / 5, rows - negatives - ((rows - negatives) / 5)]],
                Roc = repeat > 0 ? [] : [.. Enumerable.Range(0, 41).Select(i => i / 40.0).Select(x => new CurvePoint(x, Math.Pow(x, (1 - auc) / auc), rows))],
                Calibration = repeat > 0 ? [] : [.. Enumerable.Range(0, 10).Select(i => (i + 0.5) / 10).Select(x => new CurvePoint(x, Math.Clamp(x + (0.07 * Normal(random)), 0, 1), 2 + (int)(rows * 0.1 * (0.4 + random.NextDouble()))))],
                Groups = id == "*" || _sites.Count > 50
                    ? [new("sex", "0", rows / 4, Metrics(auc - 0.02, error * 1.8, random)), new("sex", "1", rows - (rows / 4), Metrics(auc, error * 1.1, random))]
                    : [],
                Fairness = id == "*" || _sites.Count > 50
                    ? [new("sex", rows, rows / 4, new Dictionary<string, Estimate> { ["demographicParityDifference"] = new(0.125, 0.05, 0.2), ["equalOpportunityDifference"] = new(0.375, 0.25, 0.5) },
                        new Dictionary<string, int> { ["demographicParityDifference"] = rows / 4, ["equalOpportunityDifference"] = 7 })]
                    : [],
                Warnings = negatives is > 0 and < 10 ? [$"few-negatives:{negatives}"] : [],
            },
        };
    }

    private static Dictionary<string, Estimate> Metrics(double auc, double error, SeededRandom random)
    {
        return new()
        {
            ["accuracy"] = Around(Math.Clamp(auc - 0.075 + (0.01 * Normal(random)), 0, 1), error),
            ["rocAuc"] = Around(auc, error),
            ["logLoss"] = Around(Math.Max(0.05, 1.32 - auc), error * 1.5, 5),
            ["brier"] = Around(Math.Clamp(0.55 - (0.45 * auc), 0.01, 1), error / 2),
        };

        static Estimate Around(double value, double error, double top = 1) => new(value, Math.Max(0, value - (1.96 * error)), Math.Min(top, value + (1.96 * error)));
    }

    private IEnumerable<SummaryInfo> Summaries(IEnumerable<EvaluationInfo> evaluation) =>
        from one in evaluation
        group one.Result by (one.Model, one.Site) into judged
        from metric in judged.First().Metrics.Keys
        let values = judged.Select(r => r.Metrics[metric]).Where(e => !double.IsNaN(e.Value)).ToList()
        let mean = values.Count == 0 ? double.NaN : values.Average(v => v.Value)
        select new SummaryInfo(
            judged.Key.Model, judged.Key.Site, metric, mean,
            values.Count < 2 ? double.NaN : Math.Sqrt(values.Sum(v => (v.Value - mean) * (v.Value - mean)) / (values.Count - 1)),
            values.Count == 0 ? double.NaN : _repeats == 1 ? values[0].Low : values.Min(v => v.Value),
            values.Count == 0 ? double.NaN : _repeats == 1 ? values[0].High : values.Max(v => v.Value),
            values.Count, judged.First().Rows);

    private IEnumerable<BenefitInfo> Benefits(List<EvaluationInfo> evaluation, string recommended)
    {
        var means = Summaries(evaluation).ToDictionary(s => (s.Model, s.Site, s.Metric));
        foreach (var candidate in ModelIds().Where(m => !m.StartsWith("local/", StringComparison.Ordinal) && !m.Contains('+', StringComparison.Ordinal)))
        {
            if (_sites.Count > 50 && candidate != recommended) continue;
            foreach (var metric in (string[])["rocAuc", "accuracy", "logLoss"])
            {
                foreach (var market in _markets)
                    yield return Benefit(means, candidate, metric, market.Id, null, [.. _sites.Where(s => s.Market == market.Id)], _markets.Count);
                foreach (var site in _sites)
                    yield return Benefit(means, candidate, metric, site.Market, site.Id, [site], _sites.Count);
            }
        }
    }

    private BenefitInfo Benefit(
        Dictionary<(string, string, string), SummaryInfo> means, string candidate, string metric, string market, string? site, List<Hospital> sites, int comparisons)
    {
        var rows = sites.Sum(TestRows);
        var difference = sites.Sum(s => TestRows(s) * (means[(candidate, s.Id, metric)].Mean - means[("local/" + s.Id, s.Id, metric)].Mean)) / rows;
        var error = 0.14 / Math.Sqrt(Math.Max(1, sites.Sum(s => TestRows(s) * Math.Min(s.Prevalence, 1 - s.Prevalence))));
        var z = Math.Abs(difference) / error;
        var p = Math.Min(1, 2 * Math.Exp((-0.717 * z) - (0.416 * z * z)) / 2);
        return new(market, site, sites.Count == 1 ? "local/" + sites[0].Id : "local/*", candidate, metric, difference, difference - (1.96 * error), difference + (1.96 * error),
            Math.Min(1, p * comparisons), p, _repeats > 1 ? "corrected-resampled-t" : metric == "rocAuc" ? "delong" : "bootstrap", 2.8 * error, rows);
    }

    private IEnumerable<HistoryInfo> Histories()
    {
        foreach (var model in ModelIds().Where(m => !m.Contains('+', StringComparison.Ordinal) && (_sites.Count < 50 || !m.StartsWith("local/", StringComparison.Ordinal))))
        {
            for (var repeat = 0; repeat < _repeats; repeat++)
            {
                var random = RandomFor("history", model, repeat);
                var pace = model.Contains("adam", StringComparison.Ordinal) ? 4 : model.Contains("avg", StringComparison.Ordinal) ? 9 : 7.0;
                for (var round = 1; round <= 50; round++)
                {
                    var loss = 0.36 + (0.34 * Math.Exp(-round / pace)) + (0.006 * Normal(random));
                    yield return new(model, repeat, round, loss, new Dictionary<string, double> { ["rocAuc"] = 0.9 - (0.35 * Math.Exp(-round / pace)) + (0.004 * Normal(random)) });
                }
            }
        }
    }

    private IEnumerable<RoundInfo> Rounds() =>
        from federation in _federations
        from repeat in Enumerable.Range(0, _repeats)
        from round in Enumerable.Range(1, _sites.Count > 50 ? 20 : 50)
        let rejected = federation == "fedadam" && round == 3 ? new[] { new RejectedUpdate(_sites[^1].Id, "not-finite") } : []
        let missing = round == 5 ? new[] { _sites[0].Id } : []
        select new RoundInfo($"federated/{federation}", repeat, round,
            [.. _sites.Select(s => s.Id).Except(missing).Except(rejected.Select(r => r.Site))], rejected, missing);
}
