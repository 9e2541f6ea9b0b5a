using Comity.Federation.Evidence;
using Comity.Federation.Results;
using Comity.Federation.Sites;
using Comity.Federation.Stores;
using Comity.Federation.Studies;

namespace Comity.Federation.Runs;

/// <summary>Puts the results together from what the store holds.</summary>
internal static class Outcome
{
    public static StudyResults Assemble(RunContext run, IReadOnlyList<RepeatStart> starts, IReadOnlyList<ModelRecord> models)
    {
        var (input, study, store) = (run.Input, run.Input.Study, run.Store);
        var evaluations = models.SelectMany(m => store.Evaluations(m.Info.Id, m.Info.Repeat)).ToList();
        var rounds = models.Where(m => m.Owner is null && m.Info.Rounds > 0).SelectMany(m => store.Rounds(m.Info.Id, m.Info.Repeat)).ToList();
        var candidates = models.Where(Judging.IsCandidate).Select(m => m.Info.Id).Distinct(StringComparer.Ordinal).ToList();
        var validation = evaluations.Where(e => e.Split == RowSplit.Validation).ToList();
        var (recommended, scored) = Recommendation.Choose(candidates, validation, input.PrimaryMetric);
        var sites = Sites(run, models, evaluations);
        return new StudyResults
        {
            Study = study.Study, Seed = study.Seed, Environment = input.Environment, StudySha256 = input.StudySha256,
            StudyFile = input.StudyFile, Label = input.Label,
            Task = starts[0].Model.Task, Classes = starts[0].Model.Classes, PrimaryMetric = input.PrimaryMetric, Repeats = study.Repeats,
            Markets = [.. study.Markets.Select(m => new MarketInfo(m.Id, m.Jurisdiction, m.Name))],
            Sites = sites,
            Models = [.. models.Select(m => m.Info)],
            Evaluation = evaluations,
            Summary = SummaryTable.Build(evaluations),
            Benefit = Benefit(run, models, sites),
            History = [.. run.Privacy?.Metrics is null ? models.SelectMany(m => m.History) : [], .. rounds.Select(r => r.History)],
            Contributors = [.. rounds.Select(r => r.Info)],
            Searches = [.. models.SelectMany(m => SettingSearch.Found(run, m.Info.Id, m.Info.Repeat))],
            Privacy = run.Privacy?.Settle() ?? [],
            SecureAggregation = run.Masking?.Describe(study),
            Recommended = recommended,
            Candidates = scored,
            Warnings = RunWarnings.Collect(run, starts, models, evaluations, rounds, recommended, scored),
        };
    }

    private static List<BenefitInfo> Benefit(RunContext run, IReadOnlyList<ModelRecord> models, List<SiteInfo> sites)
    {
        var families = Comparing.Families(models).ToList();
        var repeats = Enumerable.Range(0, run.Input.Study.Repeats).Select(repeat => (IReadOnlyDictionary<string, IReadOnlyList<ComparisonRecord>>)families
            .Where(f => f.Repeat == repeat && run.Store.Comparisons(f.Family, repeat) is not null)
            .ToDictionary(f => f.Family, f => (IReadOnlyList<ComparisonRecord>)run.Store.Comparisons(f.Family, repeat)!)).ToList();
        return BenefitTable.Build(run.Input.Study, repeats, sites.ToDictionary(s => s.Id, s => s.TrainingRows));
    }

    // Where counts are told with noise, a simulation tells what a federation would: nothing exact stands beside them.
    private static List<SiteInfo> Sites(RunContext run, IReadOnlyList<ModelRecord> models, List<EvaluationInfo> evaluations)
    {
        var noised = run.Privacy?.Metrics is not null;
        var described = (noised ? [] : run.Input.Described).ToDictionary(s => s.Id, StringComparer.Ordinal);
        return [.. run.Input.Study.Sites.Select(site =>
        {
            if (described.TryGetValue(site.Id, out var known)) return known;
            var training = models.FirstOrDefault(m => m.Owner == site.Id && m.Rows > 0)?.Rows ?? run.Privacy?.Plan.Sites[site.Id].Rows ?? 0;
            var validation = evaluations.FirstOrDefault(e => e.Site == site.Id && e.Split == RowSplit.Validation && e.Repeat == 0)?.Result.Rows ?? 0;
            var test = evaluations.FirstOrDefault(e => e.Site == site.Id && e.Split == RowSplit.Test && e.Repeat == 0)?.Result;
            return new SiteInfo(site.Id, site.Market, training + validation + (test?.Rows ?? 0), training, validation, test?.Rows ?? 0, test?.ClassCounts ?? [], []) { Release = noised ? "noised" : "exact" };
        })];
    }
}
