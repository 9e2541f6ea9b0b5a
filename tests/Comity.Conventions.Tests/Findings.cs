namespace Comity.Conventions.Tests;

/// <summary>A convention fails with every breach spelled out, so that all are put right at once.</summary>
internal static class Findings
{
    public static void None(IEnumerable<string> findings)
    {
        var all = findings.Distinct().ToList();
        if (all.Count > 0) Assert.Fail($"{all.Count} to put right:\n  {string.Join("\n  ", all)}");
    }
}
