using System.Globalization;
using System.Runtime.InteropServices;
using Comity.Cli.Composition;
using Comity.Cli.Runs;
using Comity.Data.Preprocess;
using Comity.Declarations;
using Comity.Federation.Results;
using Comity.Federation.Studies;
using Comity.Insight.Report;
using Comity.Insight.Results;
using Comity.Tensors.Files;
using Comity.Tensors.Parameters;
using Comity.Transport.Clients;
using Comity.Transport.Protocol;

namespace Comity.Cli.Network;

/// <summary>Writes what a study at a coordinator found, as a local run would; predictions and the sites' own models stay at home.</summary>
internal static class FetchedResults
{
    private const string Unfinished = "results.json.unfinished";

    /// <summary>Whether an earlier fetch into a folder broke off: all that it holds comes anew.</summary>
    public static bool IsBegun(string folder) => !File.Exists(Path.Combine(folder, "results.json")) && Directory.EnumerateFiles(folder, Unfinished + "*").Any();

    /// <summary>Fetches everything into a folder; results.json comes last, so that its presence says that all is there.</summary>
    public static async Task<StudyResults> WriteAsync(Session session, StudyClient client, string id, string folder, CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(folder);
        var partial = Path.Combine(folder, Unfinished);
        foreach (var earlier in Directory.GetFiles(folder, Unfinished + "*")) File.Delete(earlier); // perhaps of another study
        await client.FetchResultsAsync(id, partial, cancellationToken);
        var results = ResultsFile.Read(partial);
        var artefacts = await client.ArtefactsAsync(id, cancellationToken);
        var study = await StudyAsync(client, id, folder, cancellationToken);
        foreach (var model in artefacts.Models) await WriteModelAsync(session, client, id, folder, model, artefacts, study, results, cancellationToken);
        AtomicFile.Write(Path.Combine(folder, "report.html"), await ReportPage.RenderAsync(results, session.Language));
        File.Move(partial, Path.Combine(folder, "results.json"), overwrite: true);
        return results;
    }

    private static async Task<ComposedStudy> StudyAsync(StudyClient client, string id, string folder, CancellationToken cancellationToken)
    {
        var path = Path.Combine(folder, StudyReader.FileName);
        await client.FetchStudyAsync(id, path, cancellationToken);
        var problems = new ProblemList();
        var (_, study) = StudyComposer.Read(path, problems, federated: true);
        return study ?? throw new StoppedException(ExitCode.InvalidStudy, problems);
    }

    private static async Task WriteModelAsync(
        Session session, StudyClient client, string id, string folder, HeldModel model, StudyArtefacts artefacts, ComposedStudy study, StudyResults results, CancellationToken cancellationToken)
    {
        var path = Path.Combine(folder, "models", model.Id);
        Directory.CreateDirectory(path);
        var weights = Path.Combine(path, "weights.unfinished");
        await client.FetchModelAsync(id, model, weights, cancellationToken);
        var parameters = new float[model.Bytes / sizeof(float)];
        using (var file = File.OpenRead(weights))
        {
            for (var at = 0; at < parameters.Length; at += 1 << 22) file.ReadExactly(MemoryMarshal.AsBytes(parameters.AsSpan(at, Math.Min(1 << 22, parameters.Length - at))));
        }
        File.Delete(weights);
        Safetensors.Write(Path.Combine(path, ModelFolder.WeightsFile), new ParameterLayout(artefacts.Layouts[model.Repeat].Layout), parameters, new Dictionary<string, string>
        {
            [ModelFolder.SectionKey] = DeclaredJson.Write(study.Study.Model),
            ["comity.id"] = model.Id,
            ["comity.study"] = results.Study,
            ["comity.seed"] = results.Seed.ToString(CultureInfo.InvariantCulture),
            ["comity.version"] = results.Environment.Version,
            ["comity.weightsSha256"] = model.WeightsSha256,
        });
        // Where each site scales by its own numbers, these are the site's: it has them at home.
        if (study.Preprocess.Statistics == StatisticsFrom.Federated)
            AtomicFile.Write(Path.Combine(path, ModelFolder.PreprocessingFile), Preprocessing.Fit(study.Contract, study.Preprocess, artefacts.Agreed[model.Repeat].ToData(), study.Clean).ToJson());
        AtomicFile.Write(Path.Combine(path, ModelFolder.CardFile), Insight.Cards.ModelCard.Render(results, model.Id, session.Language));
    }
}
