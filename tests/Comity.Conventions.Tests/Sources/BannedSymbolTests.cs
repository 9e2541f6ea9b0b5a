using System.Text.RegularExpressions;
using Comity.Testing;

namespace Comity.Conventions.Tests.Sources;

/// <summary>Nothing ambient: clocks, randomness and state are arguments. Scanned is the source of src and apps, comments left out.</summary>
public sealed class BannedSymbolTests
{
    private sealed record Ban(string Symbol, string Pattern, string Instead, bool LibrariesOnly = false);

    /// <summary>A use that is meant, with the reason.</summary>
    private sealed record Exemption(string File, string Symbol, string Reason);

    private static readonly Ban[] Bans =
    [
        new("DateTime.Now", @"\bDateTime(Offset)?\.(Now|UtcNow|Today)\b", "take a TimeProvider"),
        new("Stopwatch", @"\bStopwatch\.(StartNew|GetTimestamp)\b|new\s+Stopwatch\b", "take a TimeProvider (GetTimestamp, GetElapsedTime)"),
        new("Environment.TickCount", @"\bEnvironment\.TickCount", "take a TimeProvider"),
        new("Random", @"\bRandom\.Shared\b|\bnew\s+(System\.)?Random\s*\(", "derive a Seed by name"),
        new("Guid.NewGuid", @"\bGuid\.(NewGuid|CreateVersion7)\b", "derive an id from what it names"),
        new("Thread.Sleep", @"\bThread\.Sleep\b", "await Task.Delay with a TimeProvider"),
        new("Console", @"\bConsole\.", "return a value; the CLI prints", LibrariesOnly: true),
        new("sync over async", @"\.GetAwaiter\(\)\.GetResult\(\)", "await"),
    ];

    private static readonly Exemption[] Exemptions =
    [
    ];

    [Fact]
    public void Nothing_ambient_is_read()
    {
        var findings = new List<string>();
        foreach (var file in Sources("src").Concat(Sources("apps")))
        {
            var name = Repository.Relative(file);
            foreach (var (line, number) in SourceText.CodeLines(file))
            {
                foreach (var ban in Bans.Where(b => !b.LibrariesOnly || name.StartsWith("src/", StringComparison.Ordinal)))
                {
                    if (Regex.IsMatch(line, ban.Pattern) && !Exemptions.Any(e => e.File == name && e.Symbol == ban.Symbol))
                        findings.Add($"{name}:{number}: {ban.Symbol}; {ban.Instead}");
                }
            }
        }
        Findings.None(findings);
    }

    [Fact]
    public void Every_exemption_is_still_needed()
    {
        Assert.All(Exemptions, e =>
        {
            var ban = Assert.Single(Bans, b => b.Symbol == e.Symbol);
            Assert.NotEmpty(e.Reason);
            Assert.Contains(SourceText.CodeLines(Repository.At(e.File)), l => Regex.IsMatch(l.Text, ban.Pattern));
        });
    }

    private static IEnumerable<string> Sources(string folder) =>
        Repository.Files(folder, "*.cs").Concat(Repository.Files(folder, "*.razor"));
}
