using Comity.Cli.Composition;
using Comity.Learning.Training;
using Comity.Learning.Training.Optimizers;
using Comity.Tensors.Randomness;

namespace Comity.Cli.Estimates;

/// <summary>One short run with ever larger learning rates: one site's training rows, as one of the study's models trains on them.</summary>
/// <param name="Model">Which models train so: <c>local/*</c>, <c>federated/ID</c>; those that share their training section are named once.</param>
/// <param name="Site">Whose rows.</param>
/// <param name="Declared">The rate in the study file.</param>
/// <param name="Suggested">A tenth of the rate at which the loss was lowest; null: it never fell.</param>
/// <param name="Rates">The rates tried.</param>
/// <param name="Losses">The smoothed training loss at each.</param>
internal sealed record LearningRateTrial(string Model, string Site, double Declared, double? Suggested, IReadOnlyList<double> Rates, IReadOnlyList<double> Losses)
{
    /// <summary>A trial for every site and every way of training.</summary>
    /// <param name="checkedStudy">The study.</param>
    /// <param name="steps">Rates to try.</param>
    /// <param name="begun">Told of each trial before it starts.</param>
    /// <param name="cancellationToken">Checked before each step.</param>
    public static IReadOnlyList<LearningRateTrial> All(CheckedStudy checkedStudy, int steps, Action<string, string> begun, CancellationToken cancellationToken)
    {
        var study = checkedStudy.Study;
        var seed = Seed.Of(study.Study.Seed);
        var records = checkedStudy.Tables.Select(t => new SiteRecords(study, t, seed, new EncodingCache(0))).ToArray();
        var (agreed, _) = StudyEstimate.Agree(study, records);
        var trainers = new Trainers(study);
        var trials = new List<LearningRateTrial>();
        foreach (var ways in Ways(study, trainers))
        {
            foreach (var site in records)
            {
                cancellationToken.ThrowIfCancellationRequested();
                var rows = site.Rows(0, agreed);
                if (rows.Training.Data.Rows == 0) continue; // a site that only judges
                begun(ways.Models, site.Table.Site);
                var model = trainers.Model(rows.Input);
                var parameters = new float[model.Layout.Length];
                model.Initialise(parameters, seed.For("learning-rate").ToRandom());
                var curve = LearningRateFinder.Find(model, ways.Section, parameters, rows.Training.Data, seed.For("learning-rate"), steps: steps, cancellationToken: cancellationToken);
                trials.Add(new LearningRateTrial(ways.Models, site.Table.Site, ways.Section.Optimizer.Rate, curve.Suggested, curve.Rates, curve.Losses));
            }
        }
        return trials;
    }

    // L-BFGS searches its own steps.
    private static IEnumerable<(string Models, TrainingSection Section)> Ways(ComposedStudy study, Trainers trainers) =>
        PlannedModel.All(study, [.. study.Study.Sites.Select(_ => 0)], new Tensors.Parameters.ParameterLayoutBuilder().Build())
            .GroupBy(m => m.Changes ?? "")
            .Select(g => (string.Join(", ", g.Select(m => m.Id)), trainers.Section(g.Key)))
            .Where(w => w.Item2.Optimizer is not LbfgsSection);
}
