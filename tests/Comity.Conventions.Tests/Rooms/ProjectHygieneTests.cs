using System.Text.RegularExpressions;
using Comity.Testing;

namespace Comity.Conventions.Tests.Rooms;

/// <summary>A clone must build anywhere: nothing in it may name the machine it was written on or a registry.</summary>
public sealed partial class ProjectHygieneTests
{
    [Fact]
    public void Project_files_name_no_machine_path_and_no_registry()
    {
        string[] patterns = ["*.csproj", "*.props", "*.targets", "*.slnx", "*.json", "*.config", "*.yml", "*.yaml", "*.sh", "*.md", "*.editorconfig"];
        var findings = patterns.SelectMany(p => Repository.Files(".", p)).Append(Repository.At(".ci/run"))
            .Where(f => !Repository.Relative(f).StartsWith("bench/results/", StringComparison.Ordinal))
            .SelectMany(f => File.ReadLines(f).Select((line, i) => (Place: $"{Repository.Relative(f)}:{i + 1}", Line: line)))
            .Where(x => Foreign().IsMatch(x.Line))
            .Select(x => $"{x.Place}: {x.Line.Trim()}");
        Findings.None(findings);
    }

    [GeneratedRegex(@"(^|[\s""'=(])/(work|home|Users|root)/|[A-Za-z]:\\Users|nuget\.(org)|npm[j]s\.(org|com)|pypi\.(org)|NuGet\.(config)", RegexOptions.IgnoreCase)]
    private static partial Regex Foreign();
}
