using System.Globalization;
using Comity.Federation.Results;

namespace Comity.Insight.Report;

/// <summary>How to run a study again.</summary>
internal static class Reproduction
{
    public static string Command(StudyResults results)
    {
        var file = results.StudyFile ?? results.Study;
        return string.Create(CultureInfo.InvariantCulture, $"comity run {(file.Any(char.IsWhiteSpace) ? $"\"{file}\"" : file)} --seed {results.Seed} --width {results.Environment.VectorBits}");
    }
}
