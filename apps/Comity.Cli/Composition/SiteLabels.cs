using Comity.Data;
using Comity.Data.Quality;
using Comity.Data.Tables;
using Comity.Declarations;
using Comity.Learning;
using Comity.Learning.Training;
using Comity.Tensors.Randomness;

namespace Comity.Cli.Composition;

/// <summary>Labels at one site that its other records contradict. Personal data: for the owner's console, never for a file that a run writes.</summary>
/// <param name="Site">The site.</param>
/// <param name="Audit">What was found; all suspicious rows, however many the study wants listed.</param>
internal sealed record SiteLabels(string Site, LabelAuditResult Audit)
{
    /// <summary>Trains the study's model out of fold at each site on that site's records alone; null where the study asks for no audit.</summary>
    /// <exception cref="StoppedException">Exit code 5: a training diverged.</exception>
    public static IReadOnlyList<SiteLabels>? Of(ComposedStudy study, IReadOnlyList<RecordTable> tables, CancellationToken cancellationToken)
    {
        if (study.Clean.LabelAudit is not { } audit) return null;
        var seed = Seed.Of(study.Study.Seed);
        var trainers = new Trainers(study);
        var sections = new DataSections(study.Contract, study.Preprocess, study.Clean, study.Split);
        return [.. tables.Select(table => new SiteLabels(table.Site, LabelAudit.Run(table, sections, audit with { List = int.MaxValue }, seed, (training, held, form, fold) =>
        {
            var (model, width) = (trainers.Model(form.ToLearning()), form.Width);
            var parameters = new float[model.Layout.Length];
            var stream = seed.For("label-audit", table.Site, fold);
            model.Initialise(parameters, stream.For("initialise").ToRandom());
            var rows = training.ToDataset(width);
            var trained = trainers.Trainer(form.ToLearning(), null).Train(parameters, rows, null, new TrainerRequest { Seed = stream.For("train") }, cancellationToken);
            if (trained.StoppedBy == StopReasons.Diverged) throw Diverged(study, table.Site);
            var outputs = new float[held.Rows.Length * model.Outputs];
            model.Predict(parameters, held.ToDataset(width), outputs);
            return outputs;
        })))];
    }

    /// <summary>A warning for the site, if any label is suspicious: how many, not which.</summary>
    public Problem? Warning(ComposedStudy study) => Audit.Suspicious.Count == 0
        ? null
        : new Problem(Texts.Catalog, "labels-suspicious", Place(study), Site, Audit.Suspicious.Count, Audit.Rows) { Severity = Severity.Warning };

    private static Place Place(ComposedStudy study) => study.Declared.Root["clean"]?.Place ?? study.Declared.Root.Place;

    private static StoppedException Diverged(ComposedStudy study, string site) =>
        new(ExitCode.TrainingStopped, Texts.Problem("label-audit-diverged", Place(study), site));
}
