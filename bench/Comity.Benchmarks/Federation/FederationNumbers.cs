using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using Comity.Declarations;
using Comity.Federation.Results;
using Comity.Federation.Runs;
using Comity.Federation.Studies;

namespace Comity.Benchmarks.Federation;

/// <summary>What rounds cost besides training: time with many sites, and memory as sites are added.</summary>
public static class FederationNumbers
{
    private static readonly string[] Strategies = ["fedavg", "fedadam", "scaffold", "median", "{ kind: krum, faulty: 10 }"];

    /// <summary>Runs the named tables (<c>sites</c>, <c>memory</c>, or <c>memory</c> and one strategy), or all.</summary>
    public static int Run(string[] args)
    {
        if (args is ["one", var strategy, var sites, var parameters, var rounds]) return One(strategy, Whole(sites), Whole(parameters), Whole(rounds));
        if (args.Length == 0 || args.Contains("sites")) Sites();
        if (args.Length == 0 || args.Contains("memory")) Memory(args is ["memory", var only] ? [only] : Strategies);
        return 0;
    }

    private static void Sites()
    {
        Console.WriteLine("| sites | parameters | rounds | strategy | seconds | peak MiB |");
        Console.WriteLine("|---:|---:|---:|---|---:|---:|");
        foreach (var (sites, parameters, rounds, strategy) in new[] { (1000, 2000, 20, "fedavg"), (1000, 2000, 20, "scaffold"), (1000, 2000, 20, "median") })
        {
            var (seconds, peak) = Child(strategy, sites, parameters, rounds);
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| {sites} | {parameters} | {rounds} | {strategy} | {seconds:F2} | {peak / 1048576.0:F0} |"));
        }
    }

    private static void Memory(string[] strategies)
    {
        const int parameters = 1_000_000;
        Console.WriteLine();
        Console.WriteLine("| strategy | peak MiB, 2 sites (Krum: 25) | peak MiB, 200 sites | growth in models of 1 M parameters |");
        Console.WriteLine("|---|---:|---:|---:|");
        foreach (var strategy in strategies)
        {
            // Krum needs 23 sites to survive 10; the others start from two as well.
            var (_, few) = Child(strategy, strategy.Contains("krum", StringComparison.Ordinal) ? 25 : 2, parameters, 2);
            var (_, many) = Child(strategy, 200, parameters, 2);
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| {strategy} | {few / 1048576.0:F0} | {many / 1048576.0:F0} | {(many - few) / (4.0 * parameters):F1} |"));
        }
    }

    // A process of its own: the peak of a process never falls.
    private static (double Seconds, long Peak) Child(string strategy, int sites, int parameters, int rounds)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!) { RedirectStandardOutput = true };
        if (Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet") start.ArgumentList.Add(typeof(FederationNumbers).Assembly.Location);
        // The runtime as the program sets it (Comity.Cli.csproj); numbers are hexadecimal here.
        start.Environment["DOTNET_TieredPGO"] = "0";
        (start.Environment["DOTNET_gcConcurrent"], start.Environment["DOTNET_GCConserveMemory"], start.Environment["DOTNET_GCGen0MaxBudget"]) = ("0", "9", "100000");
        foreach (var argument in new[] { "federation", "one", strategy, Text(sites), Text(parameters), Text(rounds) }) start.ArgumentList.Add(argument);
        using var child = Process.Start(start)!;
        var words = child.StandardOutput.ReadToEnd().Split(' ');
        child.WaitForExit();
        if (child.ExitCode != 0) throw new InvalidOperationException($"{strategy} with {sites} sites ended with {child.ExitCode}.");
        return (double.Parse(words[0], CultureInfo.InvariantCulture), long.Parse(words[1], CultureInfo.InvariantCulture));
    }

    private static int One(string strategy, int sites, int parameters, int rounds)
    {
        var list = string.Join(", ", Enumerable.Range(0, sites).Select(i => $"{{ id: s{i}, market: us }}"));
        var problems = new ProblemList();
        var study = SectionReader.Read<StudySection>(DeclaredFile.Parse($"""
            study: bench
            contract: {"{}"}
            model: none
            markets: {"{ id: us, jurisdiction: US }"}
            sites: [{list}]
            arms: federated
            federation: {"{"} rounds: {rounds}, strategy: {strategy} {"}"}
            """, "bench.yaml", problems)!, problems);
        problems.ThrowIfErrors();
        var folder = Directory.CreateTempSubdirectory("comity-bench-");
        try
        {
            var clock = Stopwatch.StartNew();
            using (var outcome = StudyRun.RunAsync(new StudyRunInput
            {
                Study = study!, StudySha256 = "", Model = new ZeroModel(parameters), Sites = [.. Enumerable.Range(0, sites).Select(i => new QuadraticSite($"s{i}", i, 60))],
                RunFolder = folder.FullName, Jobs = Environment.ProcessorCount, PrimaryMetric = "mse",
                Environment = new RunEnvironment("bench", RuntimeInformation.ProcessArchitecture.ToString(), 0, RuntimeInformation.FrameworkDescription),
            }, CancellationToken.None).GetAwaiter().GetResult())
            {
                using var self = Process.GetCurrentProcess();
                Console.Write(string.Create(CultureInfo.InvariantCulture, $"{clock.Elapsed.TotalSeconds:R} {self.PeakWorkingSet64} {outcome.Results.Models[0].WeightsSha256}"));
            }
            return 0;
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static int Whole(string text) => int.Parse(text, CultureInfo.InvariantCulture);

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
