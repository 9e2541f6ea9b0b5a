using Comity.Declarations;
using Comity.Tensors.Files;

namespace Comity.Cli.Composition;

/// <summary>Models that the arm <c>combined</c> starts from, where they are files (relative to the study).</summary>
internal static class GivenModels
{
    /// <summary>The vectors by the path written in the study.</summary>
    /// <exception cref="StoppedException">Exit code 3: files that can't be read, all of them.</exception>
    public static IReadOnlyDictionary<string, ReadOnlyMemory<float>> Read(ComposedStudy study)
    {
        var models = new Dictionary<string, ReadOnlyMemory<float>>(StringComparer.Ordinal);
        var problems = new ProblemList();
        foreach (var path in study.Study.Combined.Where(c => !c.FromLocal).SelectMany(c => c.From).Distinct())
        {
            try
            {
                models[path] = Safetensors.Read(Path.Combine(study.Declared.Folder, path)).Parameters;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                problems.Add(Texts.Problem("model-unreadable", Place.InFile(path), e.Message));
            }
        }
        if (problems.HasErrors) throw new StoppedException(ExitCode.InvalidStudy, problems);
        return models;
    }
}
