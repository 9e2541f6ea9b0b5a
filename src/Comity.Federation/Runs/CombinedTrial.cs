using Comity.Declarations;
using Comity.Federation.Aggregation;
using Comity.Federation.Spool;
using Comity.Federation.Studies;

namespace Comity.Federation.Runs;

/// <summary>A model that starts from given ones: averages them, then trains together from there.</summary>
internal static class CombinedTrial
{
    /// <summary>Id of a combined model.</summary>
    public static string IdOf(CombinedSection section) => $"combined/{section.Id}";

    /// <summary>Runs the trial; the sites' own models are finished.</summary>
    public static Task RunAsync(RunContext run, RepeatStart start, CombinedSection section, CancellationToken cancellationToken)
    {
        var sites = run.TrainingSites.Select(s => s.Site).ToList();
        var parameters = start.Model.Layout.Length;
        var federation = section.AsFederation();
        var trial = new FederatedTrial(run, start, federation, IdOf(section), "combined")
        {
            First = () => Average(run, start, section),
            TotalRounds = section.By.RoundsOrNone,
            // Each site's own model goes out once to be averaged.
            BytesBefore = section.FromLocal ? 4L * parameters * sites.Count : 0,
            TeacherOf = section.By is CombineByDistillation ? (site, round) => () => Teacher(run, start, section, sites, site, round) : null,
        };
        return trial.RunAsync(cancellationToken);
    }

    private static float[] Average(RunContext run, RepeatStart start, CombinedSection section)
    {
        var length = start.Model.Layout.Length;
        using var models = new VectorFileSet();
        if (section.FromLocal)
        {
            foreach (var site in run.TrainingSites)
            {
                var own = run.Store.Model($"local/{site.Site}", start.Repeat)!;
                models.Add(site.Site, own.Rows, run.Store.Vault.Read(run.Store.Fetch(run.Store.WeightsPath(own.Info.Id, start.Repeat))), length);
            }
        }
        else
        {
            foreach (var path in section.From) models.Add(path, 1, Given(run, path, length));
        }
        var updates = new RoundUpdates(models, [.. Enumerable.Range(0, models.Count).Select(i => (double)models.Header(i).Rows)], length);
        var average = new float[length];
        // From zero, the mean difference is the mean.
        ServerStrategy.Create(new Strategies.FedAvgSection()).Apply(updates, start.Segments, average, [], models.Count);
        return average;
    }

    // In each round a site learns from another given model, so that in n − 1 rounds it has met them all.
    private static ReadOnlyMemory<float> Teacher(RunContext run, RepeatStart start, CombinedSection section, List<string> sites, string site, int round)
    {
        var position = sites.IndexOf(site);
        if (!section.FromLocal) return Given(run, section.From[(position + round - 1) % section.From.Count], start.Model.Layout.Length);
        var other = sites[(position + 1 + ((round - 1) % (sites.Count - 1))) % sites.Count];
        return run.Store.Weights(run.Store.Model($"local/{other}", start.Repeat)!.Info);
    }

    private static ReadOnlyMemory<float> Given(RunContext run, string path, int length)
    {
        var place = Place.InFile(path);
        if (!run.Input.GivenModels.TryGetValue(path, out var vector)) throw new InvalidDeclarationException([Messages.Problem("given-model-missing", place, path)]);
        return vector.Length == length ? vector : throw new InvalidDeclarationException([Messages.Problem("given-model-length", place, path, vector.Length, length)]);
    }
}
