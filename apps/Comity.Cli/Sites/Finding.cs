using Comity.Declarations;

namespace Comity.Cli.Sites;

/// <summary>What one check of <c>comity site doctor</c> found.</summary>
/// <param name="Check">Name of the check, as a key of the texts.</param>
/// <param name="Says">What was found, for people.</param>
/// <param name="Problems">What is wrong or worth knowing; empty: it is well.</param>
internal sealed record Finding(string Check, string Says, params IReadOnlyList<Problem> Problems)
{
    public bool IsWell => Problems.All(p => p.Severity == Severity.Warning);
}
