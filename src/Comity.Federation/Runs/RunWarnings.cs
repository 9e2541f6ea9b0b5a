using System.Globalization;
using Comity.Federation.Results;
using Comity.Federation.Sites;
using Comity.Federation.Stores;
using Comity.Federation.Studies;

namespace Comity.Federation.Runs;

/// <summary>What a reader of the results must know, as codes with arguments.</summary>
/// <remarks>
/// <c>arm-not-run</c> arm, reason · <c>pooled-moves-records</c> · <c>statistics-shared</c>, <c>statistics-masked</c> bytes, parts · <c>update-rejected</c> model, site, reason, rounds ·
/// <c>updates-masked</c>, <c>updates-masked-against-lies</c> sites, threshold · <c>site-missing</c> model, site, rounds · <c>partial-participation</c> model, fewest, sites · <c>epochs-differ</c> model, its epochs, local epochs ·
/// <c>metrics-noised</c> ε, releases · <c>metrics-exact</c> · <c>metrics-summed</c> · <c>metrics-merged</c> · <c>no-validation-rows</c> · <c>no-recommendation</c> · <c>search-undecided</c> model, repeats undecided, repeats · and what sites said of their test rows, once for all repeats and models:
/// <c>one-class</c> site · <c>few-negatives</c> site, fewest rows, most rows · <c>few-of-class</c> site, fewest rows, most rows, class · ….
/// </remarks>
internal static class RunWarnings
{
    public static List<ResultWarning> Collect(
        RunContext run, IReadOnlyList<RepeatStart> starts, IReadOnlyList<ModelRecord> models, IReadOnlyList<EvaluationInfo> evaluations,
        IReadOnlyList<RoundRecord> rounds, string? recommended, IReadOnlyList<CandidateInfo> candidates)
    {
        var study = run.Input.Study;
        var warnings = new List<ResultWarning>();
        void Warn(string code, params IReadOnlyList<string> arguments) => warnings.Add(new ResultWarning(code, arguments));

        if (study.Arms.Contains(Arm.Pooled))
        {
            if (run.Input.Pooled is null) Warn("arm-not-run", "pooled", run.Input.PooledAbsence);
            else if (study.PooledAt is null) Warn("pooled-moves-records");
        }
        if (run.Input.OwnModelsStay.Count > 0)
        {
            if (study.Arms.Contains(Arm.Partner)) Warn("arm-not-run", "partner", "barred-by-policy");
            if (study.Arms.Contains(Arm.Combined) && study.Combined.Any(c => c.FromLocal)) Warn("arm-not-run", "combined", "barred-by-policy");
        }
        var agreed = starts[0].Agreed;
        if (agreed.Parts.Count > 0) Warn(run.Masking is null ? "statistics-shared" : "statistics-masked", Text(StatisticsAgreement.Bytes(agreed)), Text(agreed.Parts.Count));
        if (run.Masking?.Describe(study) is { } masks) Warn(masks.Adversary == "semi-honest" ? "updates-masked" : "updates-masked-against-lies", Text(masks.Cohort), Text(masks.Threshold));
        if (run.Privacy?.Metrics is { } noise) Warn("metrics-noised", noise.Epsilon.ToString("0.####", CultureInfo.InvariantCulture), Text(noise.Releases));
        else if (run.Privacy is not null) Warn("metrics-exact");
        if (evaluations.Any(e => e.Release == "summed")) Warn("metrics-summed");
        if (evaluations.Any(e => e.Release == "merged")) Warn("metrics-merged");
        foreach (var model in rounds.GroupBy(r => r.Info.Model)) Participation(study, [.. model], Warn);
        Epochs(study, models, Warn);
        if (candidates.Count > 0 && candidates.All(c => double.IsNaN(c.ValidationScore)))
        {
            Warn("no-validation-rows");
            if (candidates.Count > 1 && recommended is null) Warn("no-recommendation");
        }
        foreach (var search in models.Select(m => (m.Info, Tried: SettingSearch.Found(run, m.Info.Id, m.Info.Repeat))).Where(s => s.Tried.Count > 0).GroupBy(s => s.Info.Id))
        {
            var blind = search.Count(s => s.Tried.All(t => double.IsNaN(t.ValidationScore)));
            if (blind > 0) Warn("search-undecided", search.Key, Text(blind), Text(search.Count()));
        }
        Judged(evaluations, Warn);
        return warnings;
    }

    // Each model and repeat says it again, with another number of rows: a reader wants it once, with the range.
    private static void Judged(IReadOnlyList<EvaluationInfo> evaluations, Action<string, IReadOnlyList<string>> warn)
    {
        var said = from evaluation in evaluations
                   where evaluation.Split == RowSplit.Test
                   from text in evaluation.Result.Warnings
                   let parts = text.Split(':')
                   let counted = parts.Length > 1 && long.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out _)
                   select (evaluation.Site, Code: parts[0], Rows: counted ? long.Parse(parts[1], CultureInfo.InvariantCulture) : -1, Others: parts[(counted ? 2 : 1)..]);
        foreach (var same in said.GroupBy(w => (w.Site, w.Code, Others: string.Join(':', w.Others))))
        {
            IReadOnlyList<string> range = same.First().Rows < 0 ? [] : [Text(same.Min(w => w.Rows)), Text(same.Max(w => w.Rows))];
            warn(same.Key.Code, [same.Key.Site, .. range, .. same.First().Others.Select(Unescape)]);
        }
    }

    private static string Unescape(string argument) => argument.Replace("%3A", ":", StringComparison.Ordinal).Replace("%25", "%", StringComparison.Ordinal);

    private static void Participation(StudySection study, List<RoundRecord> rounds, Action<string, IReadOnlyList<string>> warn)
    {
        var model = rounds[0].Info.Model;
        foreach (var rejected in rounds.SelectMany(r => r.Info.Rejected).GroupBy(r => (r.Site, r.Reason)))
            warn("update-rejected", [model, rejected.Key.Site, rejected.Key.Reason, Text(rejected.Count())]);
        foreach (var missing in rounds.SelectMany(r => r.Info.Missing).GroupBy(s => s))
            warn("site-missing", [model, missing.Key, Text(missing.Count())]);
        var fewest = rounds.Min(r => r.Info.Contributed.Count);
        if (fewest < study.TrainingSites.Count) warn("partial-participation", [model, Text(fewest), Text(study.TrainingSites.Count)]);
    }

    // Arms are comparable when a record is seen as often in each.
    private static void Epochs(StudySection study, IReadOnlyList<ModelRecord> models, Action<string, IReadOnlyList<string>> warn)
    {
        var local = models.Where(m => m.Info.Arm is "local" or "pooled").Select(m => m.History.Count).DefaultIfEmpty(0).Max();
        if (local == 0 || !study.Arms.Contains(Arm.Federated)) return;
        foreach (var federation in study.AllFederations.Where(f => f.Rounds * f.LocalEpochs != local))
            warn("epochs-differ", [$"federated/{federation.Id}", Text(federation.Rounds * federation.LocalEpochs), Text(local)]);
    }

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}
