using Comity.Data;
using Comity.Data.Preprocess;
using Comity.Data.Sources;
using Comity.Data.Synthetic;
using Comity.Declarations;
using Comity.Federation.Searches;
using Comity.Federation.Strategies;
using Comity.Federation.Studies;
using Comity.Learning.Evaluation;
using Comity.Learning.Models;
using Comity.Learning.Training;

namespace Comity.Cli.Composition;

/// <summary>Reads a study and has each room bind and check its sections, so that a user sees every problem at once.</summary>
internal static class StudyComposer
{
    /// <summary>Reads the study. Either part is null when something in it is wrong; <paramref name="problems"/> then says what.</summary>
    /// <param name="path">The file or its folder.</param>
    /// <param name="problems">Takes what is wrong.</param>
    /// <param name="federated">Whether the sites say themselves where their records lie, so that the study must not.</param>
    public static (StudyData? Data, ComposedStudy? Study) Read(string path, ProblemList problems, bool federated = false)
    {
        if (StudyReader.Read(path, problems) is not { } declared)
        {
            CheckSectionsAlone(path, problems);
            return (null, null);
        }
        var study = declared.Section;
        var data = federated ? DataElsewhere(declared, problems) : Data(declared, problems);
        var model = Bind<ModelSection>(study.Model, problems);
        var training = BindOr(study.Training, new TrainingSection(), problems);
        var evaluation = BindOr(study.Evaluation, new EvaluationSection(), problems);
        var changed = Overrides(study).Select(node => (Node: node, Section: Changed(study.Training, node, problems))).ToArray();
        CheckSearches(declared, data, problems);
        CheckKeptOptimizers(declared, problems);
        PrivacyComposition.Check(declared, data, model, Trainings(study, training), evaluation, problems);
        if (data is not null) MaskingComposition.Check(declared, data, problems);
        if (data is not null) TaggingComposition.Check(declared, data, problems);
        if (data?.Contract is { } contract && model is not null)
        {
            var task = ComposedStudy.TaskOf(contract);
            model.CheckTask(task, study.Model.Place, problems);
            training?.CheckAgainst(model, task, contract.Label.ClassNames.Count, study.Training as DeclaredNode.Map, problems);
            var input = InputForm.Planned(contract).ToLearning();
            model.CheckInput(input, study.Model.Place, problems);
            ModelMaking.Plan(model, study.Model.Place, data, problems);
            training?.CheckInput(input, study.Training as DeclaredNode.Map, problems);
            foreach (var (node, section) in changed) section?.CheckInput(input, node as DeclaredNode.Map, problems);
            if (study.Evaluation is DeclaredNode.Map at) evaluation?.CheckTask(task, at, problems);
        }
        return (data, data is null || model is null || training is null || evaluation is null ? null : new ComposedStudy(data, model, training, evaluation));
    }

    /// <summary>Checks what each room owns although the study as a whole could not be read: nobody wants its problems one after another.</summary>
    private static void CheckSectionsAlone(string path, ProblemList problems)
    {
        var file = Directory.Exists(path) ? Path.Combine(path, StudyReader.FileName) : path;
        if (DeclaredFile.Read(file, []) is not { } root) return; // said already
        if (root["contract"] is { } contract) DataSections.Read(contract, root["preprocess"], root["clean"], root["split"], problems);
        if (root["model"] is { } model) Bind<ModelSection>(model, problems);
        if (root["training"] is { } training) Bind<TrainingSection>(training, problems);
        if (root["evaluation"] is { } evaluation) Bind<EvaluationSection>(evaluation, problems);
        if (root["synthetic"] is { } synthetic) Bind<SyntheticSection>(synthetic, problems);
        if (root["sites"] is not DeclaredNode.List sites) return;
        foreach (var source in sites.Items.OfType<DeclaredNode.Map>().Select(s => s["source"]).OfType<DeclaredNode>()) Bind<SourceSection>(source, problems);
    }

    /// <summary>The section; null when anything in it is wrong, so that nobody works with half of it.</summary>
    private static T? Bind<T>(DeclaredNode node, ProblemList problems) where T : class
    {
        var own = new ProblemList();
        var section = SectionReader.Read<T>(node, own);
        problems.AddRange(own);
        return own.HasErrors ? null : section;
    }

    /// <summary>The training section with changes. What is wrong with the section itself was said already, and a search's values stand in many combinations.</summary>
    private static TrainingSection? Changed(DeclaredNode? training, DeclaredNode changes, ProblemList problems)
    {
        if (changes is not DeclaredNode.Map map) return Bind<TrainingSection>(changes, problems);
        var own = new ProblemList();
        var section = TrainingSection.ReadChanged(training, map, own);
        problems.AddRange(own.Where(p => !problems.Any(q => q.Code == p.Code && q.Place == p.Place)));
        return own.HasErrors ? null : section;
    }

    private static void CheckSearches(DeclaredStudy declared, StudyData? data, ProblemList problems)
    {
        var study = declared.Section;
        var searches = study.AllFederations.Select(f => f.Search).Append(study.Search).OfType<SearchSection>().ToList();
        if (searches.Count == 0) return;
        var place = (declared.Root["search"] ?? declared.Root["federations"] ?? declared.Root["federation"])!.Place;
        if (data is not null && data.Split.Validation == 0 && data.Split.Column is not { Validation.Count: > 0 }) problems.Add(Texts.Problem("search-without-validation", place));
        if (data is null) return;
        var task = ComposedStudy.TaskOf(data.Contract);
        var known = MetricNames.Of(task);
        foreach (var metric in searches.Select(s => s.Metric).OfType<string>().Distinct(StringComparer.Ordinal).Where(m => !known.Contains(m)))
            problems.Add(Texts.Problem("search-metric", place, metric, string.Join(", ", known)));
    }

    // A site that goes on with its optimiser's state needs an optimiser that has one.
    private static void CheckKeptOptimizers(DeclaredStudy declared, ProblemList problems)
    {
        List<DeclaredNode?> nodes = declared.Root["federation"] is { } first ? [first] : [];
        if (declared.Root["federations"] is DeclaredNode.List list) nodes.AddRange(list.Items);
        else nodes.Add(declared.Root["federations"]);
        foreach (var (federation, node) in declared.Section.AllFederations.Zip(nodes).Where(f => f.First.OptimizerState == OptimizerMemory.Kept))
        {
            var overrides = federation.Training is { } own ? DeclaredJson.Write(own) : null;
            if (TrainingSection.Read(declared.Section.Training, overrides, []) is { Optimizer.HasState: false })
                problems.Add(Texts.Problem("optimizer-keeps-nothing", (node as DeclaredNode.Map)!["optimizerState"]!.Place, federation.Id));
        }
    }

    private static T? BindOr<T>(DeclaredNode? node, T absent, ProblemList problems) where T : class => node is null ? absent : Bind<T>(node, problems);

    private static StudyData? Data(DeclaredStudy declared, ProblemList problems)
    {
        var study = declared.Section;
        var own = new ProblemList();
        var sections = DataSections.Read(study.Contract, study.Preprocess, study.Clean, study.Split, own);
        problems.AddRange(own);
        if (own.HasErrors) sections = null;
        var synthetic = study.Synthetic is null ? null : Bind<SyntheticSection>(study.Synthetic, problems);
        var sources = new List<SourceSection>();
        for (var i = 0; i < study.Sites.Count; i++)
        {
            var (site, place) = (study.Sites[i], PlaceOfSite(declared, i));
            if (site.Source is null)
            {
                problems.Add(Texts.Problem("site-without-source", place, site.Id));
            }
            else if (Bind<SourceSection>(site.Source, problems) is { } source)
            {
                sections?.CheckSource(source, site.Id, site.Source.Place, problems);
                sources.Add(source);
            }
        }
        var whole = sections is not null && sources.Count == study.Sites.Count && (synthetic is null) == (study.Synthetic is null);
        return whole ? new StudyData(declared, sections!, synthetic, sources) : null;
    }

    /// <summary>What federations train with, as far as it could be read.</summary>
    private static IEnumerable<(TrainingSection Section, DeclaredNode? At)> Trainings(StudySection study, TrainingSection? training)
    {
        if (training is not null) yield return (training, study.Training);
        foreach (var own in study.AllFederations.Select(f => f.Training).OfType<DeclaredNode>())
        {
            if (TrainingSection.Read(study.Training, DeclaredJson.Write(own), []) is { } changed && changed != training) yield return (changed, own);
        }
    }

    private static StudyData? DataElsewhere(DeclaredStudy declared, ProblemList problems)
    {
        var (study, own) = (declared.Section, new ProblemList());
        var sections = DataSections.Read(study.Contract, study.Preprocess, study.Clean, study.Split, own);
        foreach (var site in study.Sites.Where(s => s.Source is not null)) own.Add(Texts.Problem("federated-with-source", site.Source!.Place, site.Id));
        if (study.Synthetic is { } synthetic) own.Add(Texts.Problem("federated-with-synthetic", synthetic.Place));
        problems.AddRange(own);
        return sections is null || own.HasErrors ? null : new StudyData(declared, sections, null, []);
    }

    /// <summary>Training sections that a federation or its personalisation changes.</summary>
    private static IEnumerable<DeclaredNode> Overrides(StudySection study)
    {
        foreach (var setting in study.Search is { } search ? SearchSpace.Of(search) : [])
        {
            if (setting.Over(new DeclaredNode.Map(default, []))["training"] is { } tried) yield return tried;
        }
        foreach (var federation in study.AllFederations)
        {
            foreach (var tried in federation.Settings.Select(s => s.Federation.Training).OfType<DeclaredNode>()) yield return tried;
            if (federation.Training is { } own) yield return own;
            if (federation.Personalise is FineTuneSection { Training: { } fine }) yield return fine;
        }
    }

    private static Place PlaceOfSite(DeclaredStudy declared, int index) =>
        declared.Root["sites"] is DeclaredNode.List list && index < list.Items.Count ? list.Items[index].Place : declared.Root.Place;
}
