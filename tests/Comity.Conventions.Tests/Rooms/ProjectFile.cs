using System.Xml.Linq;
using Comity.Testing;

namespace Comity.Conventions.Tests.Rooms;

/// <summary>A project file as written: its name and what it references.</summary>
internal sealed record ProjectFile(string Name, string Path, IReadOnlyList<string> References, IReadOnlyList<string> Packages)
{
    public static IReadOnlyList<ProjectFile> Below(params string[] folders) =>
        [.. folders.SelectMany(f => Repository.Files(f, "*.csproj")).Select(Read)];

    /// <summary>Everything that a project references, directly or not.</summary>
    public static IReadOnlySet<string> Closure(string name, IReadOnlyDictionary<string, ProjectFile> projects)
    {
        var seen = new SortedSet<string>(StringComparer.Ordinal);
        var next = new Queue<string>(projects[name].References);
        while (next.TryDequeue(out var reference))
        {
            if (!seen.Add(reference)) continue;
            foreach (var further in projects[reference].References) next.Enqueue(further);
        }
        return seen;
    }

    private static ProjectFile Read(string path)
    {
        var xml = XDocument.Load(path);
        return new ProjectFile(
            System.IO.Path.GetFileNameWithoutExtension(path),
            Repository.Relative(path),
            [.. Includes(xml, "ProjectReference").Select(i => System.IO.Path.GetFileNameWithoutExtension(i.Replace('\\', '/')))],
            [.. Includes(xml, "PackageReference")]);
    }

    private static IEnumerable<string> Includes(XDocument xml, string element) =>
        xml.Descendants(element).Select(e => (string?)e.Attribute("Include")).OfType<string>();
}
