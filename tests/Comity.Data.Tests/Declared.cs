using Comity.Declarations;

namespace Comity.Data.Tests;

/// <summary>Reads sections as a study file would hold them.</summary>
internal static class Declared
{
    public static T Read<T>(string yaml) where T : class
    {
        var (section, problems) = Try<T>(yaml);
        problems.ThrowIfErrors();
        return section!;
    }

    public static (T? Section, ProblemList Problems) Try<T>(string yaml) where T : class
    {
        var problems = new ProblemList();
        var map = DeclaredFile.Parse(yaml, "study.yaml", problems);
        return (map is null ? null : SectionReader.Read<T>(map, problems), problems);
    }
}
