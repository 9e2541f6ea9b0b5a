using Comity.Declarations;
using Comity.Federation.Results;
using Comity.Federation.Runs;
using Comity.Federation.Studies;

namespace Comity.Federation.Tests;

/// <summary>A temporary run folder and the inputs of studies that run in it.</summary>
internal sealed class RunFolder : IDisposable
{
    // Runs flush thousands of small writes, and no test here cuts the power: memory will do for a disk where there is enough of it.
    private const string InMemory = "/dev/shm";

    private readonly DirectoryInfo _root = Directory.Exists(InMemory) && new DriveInfo(InMemory).AvailableFreeSpace > 1L << 30
        ? Directory.CreateDirectory(System.IO.Path.Combine(InMemory, "comity-run-" + Guid.NewGuid().ToString("N")))
        : Directory.CreateTempSubdirectory("comity-run-");

    public string Path => _root.FullName;

    public string New(string name) => System.IO.Path.Combine(Path, name);

    public static StudySection Study(string rest, int sites = 4, string? head = null)
    {
        var list = string.Join(", ", Enumerable.Range(0, sites).Select(i => $"{{ id: s{i}, market: {(i % 2 == 0 ? "us" : "ch")} }}"));
        var text = (head ?? "study: test\nseed: 7\n") + $"""
            contract: {'{'}{'}'}
            model: linear
            markets: [{'{'} id: us, jurisdiction: US {'}'}, {'{'} id: ch, jurisdiction: CH {'}'}]
            sites: [{list}]

            """ + rest;
        var problems = new ProblemList();
        var study = StudyReader.Bind(DeclaredFile.Parse(text, "study.yaml", problems)!, problems);
        Assert.Empty(problems);
        return study!;
    }

    public static List<LeastSquaresSite> Sites(int count, int rows = 60) => [.. Enumerable.Range(0, count).Select(i => new LeastSquaresSite($"s{i}", rows + (10 * i), i * 0.3))];

    public StudyRunInput Input(string rest, int sites = 4, string folder = "run") => Input(Study(rest, sites), Sites(sites), folder);

    public StudyRunInput Input(StudySection study, IReadOnlyList<LeastSquaresSite> sites, string folder = "run") => new()
    {
        Study = study, StudySha256 = "abc", Model = new LeastSquaresModel(), Sites = sites, Pooled = LeastSquaresSite.Pool(sites), RunFolder = New(folder),
        PrimaryMetric = "mse", Environment = new RunEnvironment("0.1.0", "X64", 256, ".NET 10"),
    };

    public static Dictionary<string, string> Digests(StudyResults results) =>
        results.Models.ToDictionary(m => $"{m.Id}#{m.Repeat}", m => m.WeightsSha256);

    public void Dispose() => _root.Delete(recursive: true);
}
