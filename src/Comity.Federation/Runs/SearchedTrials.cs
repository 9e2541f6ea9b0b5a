using Comity.Federation.Searches;
using Comity.Federation.Sites;
using Comity.Federation.Studies;

namespace Comity.Federation.Runs;

/// <summary>Trials whose settings are searched first, where the study asks for that.</summary>
internal static class SearchedTrials
{
    /// <summary>A model trained at one place, which chooses its settings on the validation rows there.</summary>
    public static async Task AloneAsync(
        RunContext run, RepeatStart start, ISiteWork work, string model, string arm, string? owner, IReadOnlyList<string> trainedOn, CancellationToken cancellationToken)
    {
        Task TrainAsync(string id, string? overrides, int? setting, CancellationToken token) => AloneTrial.RunAsync(run, start, work, id, arm, owner, trainedOn, (overrides, setting), token);
        if (run.Input.Study.Search is not { } search)
        {
            await TrainAsync(model, null, null, cancellationToken).ConfigureAwait(false);
            return;
        }
        var settings = SearchSpace.Of(search);
        var overrides = settings.Select(s => s.TrainingOverrides()).ToList();
        var best = await new SettingSearch(run, start, model, search.Metric ?? run.Input.PrimaryMetric, [KeyValuePair.Create(owner ?? Judging.Union, work)])
            .ChooseAsync([.. settings.Select(s => s.ToString())], (i, id, token) => TrainAsync(id, overrides[i], i, token), cancellationToken).ConfigureAwait(false);
        await TrainAsync(model, overrides[best], best, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>A federation, which chooses its settings on the validation rows of all sites.</summary>
    public static async Task FederatedAsync(RunContext run, RepeatStart start, FederationSection section, string model, CancellationToken cancellationToken)
    {
        if (section.Search is not { } search)
        {
            await new FederatedTrial(run, start, section, model, "federated") { DividedAs = section.Id }.RunAsync(cancellationToken).ConfigureAwait(false);
            return;
        }
        if (section.Settings.Count == 0) throw new ArgumentException($"The settings of '{section.Id}' were not bound; read the study with {nameof(StudyReader)}.", nameof(section));
        IReadOnlyList<KeyValuePair<string, ISiteWork>> judges =
        [
            .. run.TrainingSites.Select(s => KeyValuePair.Create(s.Site, s)),
            .. search.JudgedBy == SearchJudges.Union && run.Input.Pooled is { } pooled ? [KeyValuePair.Create(Judging.Union, pooled)] : Array.Empty<KeyValuePair<string, ISiteWork>>(),
        ];
        var best = await new SettingSearch(run, start, model, search.Metric ?? run.Input.PrimaryMetric, judges)
            .ChooseAsync([.. section.Settings.Select(s => s.Setting.ToString())], (i, id, token) =>
            {
                var tried = section.Settings[i].Federation;
                // The choice is the common model's; personal ones are made of the chosen one only.
                return new FederatedTrial(run, start, tried with { Personalise = null, Rounds = search.Rounds ?? tried.Rounds }, id, "federated") { Setting = i, DividedAs = section.Id }.RunAsync(token);
            }, cancellationToken).ConfigureAwait(false);
        await new FederatedTrial(run, start, section.Settings[best].Federation, model, "federated")
        {
            Setting = best,
            DividedAs = section.Id,
            BytesBefore = SettingSearch.Found(run, model, start.Repeat).Sum(t => t.Bytes),
        }.RunAsync(cancellationToken).ConfigureAwait(false);
    }
}
