using System.Globalization;
using Comity.Cli.Composition;
using Comity.Data.Preprocess;
using Comity.Declarations;
using Comity.Federation.Results;
using Comity.Federation.Runs;
using Comity.Federation.Studies;
using Comity.Insight.Results;
using Comity.Learning;
using Comity.Learning.Models;
using Comity.Tensors.Files;

namespace Comity.Cli.Runs;

/// <summary>A model on disk: <c>model.safetensors</c> (the model section in its header), <c>preprocessing.json</c>, <c>card.md</c>.</summary>
/// <remarks>Of a study with repeats the first one's weights are kept; all repeats' digests stand in results.json.</remarks>
internal sealed record ModelFolder(Model Model, float[] Parameters, Preprocessing Preprocessing)
{
    public const string WeightsFile = "model.safetensors";
    public const string PreprocessingFile = "preprocessing.json";
    public const string CardFile = "card.md";
    /// <summary>Key of the model section in the weights' header.</summary>
    public const string SectionKey = "comity.model";

    /// <summary>Writes a model of a finished run.</summary>
    public static void Write(string path, CheckedStudy study, Simulation simulation, StudyOutcome outcome, ModelInfo model, CultureInfo language)
    {
        Directory.CreateDirectory(path);
        var agreed = outcome.Agreed(model.Repeat);
        InputShape input = 0;
        foreach (var (file, records) in PreprocessingOf(study, simulation, model))
        {
            var preprocessing = records.Preprocessing(model.Repeat, agreed);
            input = preprocessing.Form.ToLearning();
            AtomicFile.Write(Path.Combine(path, file), preprocessing.ToJson());
        }
        Safetensors.Write(Path.Combine(path, WeightsFile), simulation.Trainers.Model(input).Layout, outcome.Weights(model), new Dictionary<string, string>
        {
            [SectionKey] = DeclaredJson.Write(study.Study.Study.Model),
            ["comity.id"] = model.Id,
            ["comity.study"] = outcome.Results.Study,
            ["comity.seed"] = outcome.Results.Seed.ToString(CultureInfo.InvariantCulture),
            ["comity.version"] = outcome.Results.Environment.Version,
            ["comity.weightsSha256"] = model.WeightsSha256,
        });
        AtomicFile.Write(Path.Combine(path, CardFile), Insight.Cards.ModelCard.Render(outcome.Results, model.Id, language));
    }

    /// <summary>Reads a model to apply it.</summary>
    /// <param name="path">The folder.</param>
    /// <param name="site">Site whose preprocessing applies, where it differs by site.</param>
    /// <exception cref="StoppedException">Exit code 3 with what is wrong.</exception>
    public static ModelFolder Read(string path, string? site)
    {
        var file = Path.Combine(path, site is null ? PreprocessingFile : NameFor(site));
        if (site is null && !File.Exists(file) && Sites(path) is { Length: > 0 } sites)
            throw new StoppedException(ExitCode.InvalidStudy, Texts.Problem("predict-needs-site", Place.InFile(path), string.Join(", ", sites), sites[0]));
        try
        {
            var preprocessing = Preprocessing.FromJson(File.ReadAllText(file));
            file = Path.Combine(path, WeightsFile);
            var content = Safetensors.Read(file);
            if (!content.Metadata.TryGetValue(SectionKey, out var text)) throw new FormatException($"__metadata__ lacks {SectionKey}");
            var problems = new ProblemList();
            var section = SectionReader.Read<ModelSection>(DeclaredFile.Parse(text, file, problems)!, problems);
            if (problems.HasErrors || section is null) throw new StoppedException(ExitCode.InvalidStudy, problems);
            var task = ComposedStudy.TaskOf(preprocessing.Contract);
            var model = ModelFactory.Create(section, preprocessing.Form.ToLearning(), task, !task.HasClasses() ? 0 : preprocessing.Classes.Count);
            return new ModelFolder(model, Safetensors.Read(file, model.Layout), preprocessing);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or FormatException or ArgumentException)
        {
            throw new StoppedException(ExitCode.InvalidStudy, Texts.Problem("model-unreadable", Place.InFile(file), e.Message));
        }
    }

    private static IEnumerable<(string File, SiteRecords Records)> PreprocessingOf(CheckedStudy study, Simulation simulation, ModelInfo model)
    {
        var own = simulation.Records.FirstOrDefault(r => model.Id == $"local/{r.Site}" || model.Id.EndsWith("+" + r.Site, StringComparison.Ordinal));
        if (study.Study.Preprocess.Statistics == StatisticsFrom.Federated || own is not null) return [(PreprocessingFile, own ?? simulation.Records[0])];
        return simulation.Records.Select(r => (NameFor(r.Site), r)); // a shared model, but each site scales by its own numbers
    }

    /// <summary>Sites whose own preprocessing lies beside the weights.</summary>
    private static string[] Sites(string path) => !Directory.Exists(path) ? [] :
        [.. Directory.EnumerateFiles(path, NameFor("*")).Select(f => Path.GetFileName(f)["preprocessing.".Length..^".json".Length]).Order(StringComparer.Ordinal)];

    /// <summary>Name of a site's own preprocessing.</summary>
    public static string NameFor(string site) => $"preprocessing.{site}.json";
}
