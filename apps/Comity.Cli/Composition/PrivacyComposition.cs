using Comity.Data.Cleaning;
using Comity.Data.Contracts;
using Comity.Data.Preprocess;
using Comity.Data.Splits;
using Comity.Data.Tables;
using Comity.Declarations;
using Comity.Federation.Evidence;
using Comity.Federation.Privacy;
using Comity.Federation.Studies;
using Comity.Learning;
using Comity.Learning.Evaluation;
using Comity.Learning.Models;
using Comity.Learning.Training;
using Comity.Learning.Training.Optimizers;
using Comity.Tensors.Parameters;
using Comity.Tensors.Randomness;

namespace Comity.Cli.Composition;

/// <summary>What does not go together with differential privacy of records, seen over all rooms' sections: each with its reason and what would do instead.</summary>
internal static class PrivacyComposition
{
    /// <summary>Checks what was bound; a part that is null was wrong and has been told of already.</summary>
    public static void Check(DeclaredStudy declared, StudyData? data, ModelSection? model, IEnumerable<(TrainingSection Section, DeclaredNode? At)> trainings, EvaluationSection? evaluation, ProblemList problems)
    {
        var study = declared.Section;
        if (study.Privacy?.Metrics is not null && data is not null) Metrics(study, data, evaluation, declared.Root, problems);
        if (study.Privacy?.DifferentialPrivacy is not { } promised) return;
        var hidesSites = promised.Unit == PrivacyUnit.Site;
        if (!hidesSites)
        {
            foreach (var (section, at) in trainings) Training(section, at ?? declared.Root, problems);
        }
        if (data is null) return;
        if (model is not null && !problems.HasErrors && Normalises(model, data)) problems.Add(Texts.Problem("dp-batch-norm", PlaceOf(study.Model, "norm")));
        if (hidesSites) CheckSites(declared, promised, problems);
        if (hidesSites) return; // what records a site trains on, and how, is its own affair: the sum of updates is noised
        Contract(data, declared, problems);
        Preprocess(data, declared, problems);
        if (data.Clean.Duplicates == Duplicates.Drop || data.Clean.Smoothing.Count > 0)
            problems.Add(Texts.Problem("dp-cleaning", PlaceOf(study.Clean ?? declared.Root, data.Clean.Smoothing.Count > 0 ? "smoothing" : "duplicates")));
    }

    /// <summary>Warns where δ is too large for a site's rows to mean anything.</summary>
    public static void CheckRows(ComposedStudy study, IReadOnlyList<RecordTable> tables, ProblemList problems)
    {
        if (study.Study.Privacy?.DifferentialPrivacy is not { Unit: PrivacyUnit.Record } section) return;
        var place = (study.Declared.Root["privacy"] as DeclaredNode.Map)?["differentialPrivacy"] is { } at ? PlaceOf(at, "delta") : study.Declared.Root.Place;
        foreach (var table in tables)
        {
            var rows = Splitter.Split(table, study.Split, Seed.Of(study.Study.Seed), 0).Training.Length;
            if (section.Delta * rows >= 1)
                problems.Add(new Problem(Texts.Catalog, "delta-above-one-in-rows", place, section.Delta, table.Site, rows, 1.0 / rows) { Severity = Severity.Warning });
        }
    }

    // The unit is a site: of n sites, δ = 1 / n allows one of them to be given away whole.
    private static void CheckSites(DeclaredStudy declared, DifferentialPrivacySection promised, ProblemList problems)
    {
        var sites = declared.Section.TrainingSites.Count;
        if (sites == 0 || promised.Delta * sites < 1) return;
        var place = (declared.Root["privacy"] as DeclaredNode.Map)?["differentialPrivacy"] is { } at ? PlaceOf(at, "delta") : declared.Root.Place;
        problems.Add(new Problem(Texts.Catalog, "delta-above-one-in-sites", place, promised.Delta, sites, 1.0 / sites) { Severity = Severity.Warning });
    }

    // Metrics from noised counts: which there are, and that the one that decides is among them.
    private static void Metrics(StudySection study, StudyData data, EvaluationSection? evaluation, DeclaredNode.Map root, ProblemList problems)
    {
        var task = ComposedStudy.TaskOf(data.Contract);
        var names = CountedMetrics.NamesOf(TaskNames.Of(task));
        var place = PlaceOf(root["privacy"] ?? root, "metrics");
        if (names.Count == 0) problems.Add(Texts.Problem("metrics-without-counts", place));
        else if (evaluation?.PrimaryFor(task) is { } primary && !names.Contains(primary)) problems.Add(Texts.Problem("metrics-primary", study.Evaluation is { } at ? PlaceOf(at, "primary") : place, primary, string.Join(", ", names)));
    }

    // Whatever the kind of model, its layout tells: running statistics exist for batch normalisation only.
    private static bool Normalises(ModelSection model, StudyData data) =>
        ModelMaking.Plan(model, default, data, [])?.Layout.Entries.Any(e => e.Role == ParameterRole.BatchNormStatistic) == true;

    private static void Training(TrainingSection section, DeclaredNode at, ProblemList problems)
    {
        if (section.Optimizer is LbfgsSection) problems.Add(Texts.Problem("dp-lbfgs", PlaceOf(at, "optimizer")));
        if (section.EarlyStopping is not null) problems.Add(Texts.Problem("dp-early-stopping", PlaceOf(at, "earlyStopping"), "earlyStopping"));
        if (section.AverageDecay is not null) problems.Add(Texts.Problem("dp-average", PlaceOf(at, "averageDecay")));
        if (section.StepsPerEpoch is not null) problems.Add(Texts.Problem("dp-steps", PlaceOf(at, "stepsPerEpoch")));
        if (section.Augment.Count > 0) problems.Add(Texts.Problem("dp-augment", PlaceOf(at, "augment")));
        if (section.TargetLoss is not null) problems.Add(Texts.Problem("dp-early-stopping", PlaceOf(at, "targetLoss"), "targetLoss"));
        if (!section.ClassWeights.IsNone) problems.Add(Texts.Problem("dp-class-weights", PlaceOf(at, "classWeights")));
        if (section.ClipNorm is not null) problems.Add(Texts.Problem("dp-clip-norm", PlaceOf(at, "clipNorm")));
    }

    // Every statistic needs a bound that no record can pass, known before any record is read.
    private static void Contract(StudyData data, DeclaredStudy declared, ProblemList problems)
    {
        var at = declared.Section.Contract;
        if (data.Contract.Series is not null) problems.Add(Texts.Problem("dp-windows", PlaceOf(at, "series")));
        foreach (var (feature, index) in data.Contract.Features.Select((f, i) => (f, i)))
        {
            var place = at is DeclaredNode.Map map && map["features"] is DeclaredNode.List list && index < list.Items.Count ? list.Items[index].Place : at.Place;
            if (feature.Kind == FeatureKind.Number && feature.Range is not { IsClosed: true }) problems.Add(Texts.Problem("dp-no-range", place, feature.Column));
            if (feature.Kind == FeatureKind.Category && feature.Values.Count == 0) problems.Add(Texts.Problem("dp-no-values", place, feature.Column));
        }
        if (data.Contract.Label.Kind == LabelKind.Number && data.Contract.Label.Range is not { IsClosed: true })
            problems.Add(Texts.Problem("dp-no-range", PlaceOf(at, "label"), data.Contract.Label.Column));
    }

    private static void Preprocess(StudyData data, DeclaredStudy declared, ProblemList problems)
    {
        var (preprocess, at) = (data.Preprocess, declared.Section.Preprocess ?? declared.Root);
        if (preprocess.Statistics == StatisticsFrom.Site) problems.Add(Texts.Problem("dp-site-statistics", PlaceOf(at, "statistics")));
        if (data.Contract.Features.Any(f => preprocess.MissingFor(f.Column) == MissingPolicy.DropRow)) problems.Add(Texts.Problem("dp-drop-row", PlaceOf(at, "missing")));
        if (preprocess.Selection is not null && data.Contract.Label.Kind == LabelKind.Number) problems.Add(Texts.Problem("dp-selection", PlaceOf(at, "selection")));
    }

    private static Place PlaceOf(DeclaredNode at, string key) => (at as DeclaredNode.Map)?[key]?.Place ?? at.Place;
}
