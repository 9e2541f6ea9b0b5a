using System.Reflection;
using System.Xml.Linq;
using Comity.Testing;

namespace Comity.Conventions.Tests.Rooms;

public sealed class ReferenceTests
{
    private static readonly IReadOnlyDictionary<string, ProjectFile> Projects =
        ProjectFile.Below("src", "apps").ToDictionary(p => p.Name, StringComparer.Ordinal);

    [Fact]
    public void Every_project_of_src_and_apps_stands_in_the_table_and_the_other_way_round() =>
        Assert.Equal(RoomTable.Allowed.Keys, Projects.Keys.Order(StringComparer.Ordinal));

    [Fact]
    public void A_room_references_only_what_the_table_allows()
    {
        var breaches = Projects.Values
            .SelectMany(p => p.References.Except(RoomTable.Allowed[p.Name]).Select(r => $"{p.Path} references {r}; allowed: {string.Join(", ", RoomTable.Allowed[p.Name])}"));
        Findings.None(breaches);
    }

    [Fact]
    public void The_coordinators_closure_holds_nothing_that_could_read_a_record()
    {
        var closure = ProjectFile.Closure("Comity.Coordinator", Projects);
        Assert.Contains("Comity.Federation", closure); // or the closure was not walked
        Assert.Empty(closure.Intersect(RoomTable.BarredFromCoordinator));
    }

    [Fact]
    public void The_built_coordinator_loads_nothing_that_could_read_a_record()
    {
        var walked = new SortedSet<string>(StringComparer.Ordinal);
        var next = new Queue<string>(["comity-coordinator"]);
        while (next.TryDequeue(out var name))
        {
            if (!walked.Add(name)) continue;
            foreach (var reference in Assembly.Load(name).GetReferencedAssemblies())
            {
                if (reference.Name!.StartsWith("Comity.", StringComparison.Ordinal)) next.Enqueue(reference.Name);
            }
        }
        Assert.Empty(walked.Intersect(RoomTable.BarredFromCoordinator));
    }

    [Fact]
    public void No_room_is_named_for_being_shared()
    {
        string[] empty = ["Core", "Common", "Utils", "Abstractions", "Helpers", "Shared", "Services"];
        Assert.DoesNotContain(Projects.Keys, name => name.Split('.').Any(empty.Contains));
    }

    [Fact]
    public void The_solution_holds_every_project()
    {
        var listed = XDocument.Load(Repository.At("Comity.slnx")).Descendants("Project").Select(p => (string)p.Attribute("Path")!);
        var found = ProjectFile.Below("src", "apps", "tests", "bench").Select(p => p.Path);
        Assert.Equal(found.Order(StringComparer.Ordinal), listed.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Every_library_has_tests_of_its_own()
    {
        foreach (var room in RoomTable.Libraries)
            Assert.True(File.Exists(Repository.At($"tests/{room}.Tests/{room}.Tests.csproj")), $"tests/{room}.Tests is missing.");
    }

    [Fact]
    public void Package_versions_stand_in_one_place_and_none_floats()
    {
        var inline = ProjectFile.Below("src", "apps", "tests", "bench")
            .SelectMany(p => XDocument.Load(Repository.At(p.Path)).Descendants("PackageReference")
                .Where(r => r.Attribute("Version") is not null).Select(r => $"{p.Path}: {r}"));
        Findings.None(inline);

        var floating = XDocument.Load(Repository.At("Directory.Packages.props")).Descendants("PackageVersion")
            .Where(v => ((string)v.Attribute("Version")!).Any(c => c is '*' or '[' or '(' or ','));
        Assert.Empty(floating);
    }
}
