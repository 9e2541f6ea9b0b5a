using System.Globalization;
using Comity.Declarations;

namespace Comity.Federation.Studies;

/// <summary>How many of the sites asked must answer: <c>all</c> or a number.</summary>
/// <param name="Count">The number; null: all of the cohort.</param>
public sealed record Quorum(int? Count) : IDeclaredValue<Quorum>
{
    /// <summary>Every site asked must answer.</summary>
    public static Quorum All { get; } = new((int?)null);

    /// <inheritdoc/>
    public static string Schema => """{ "anyOf": [ { "const": "all" }, { "type": "integer", "minimum": 1 } ] }""";

    /// <summary>The number for a cohort of the given size.</summary>
    public int Of(int cohort) => Count ?? cohort;

    /// <inheritdoc/>
    public static Quorum? ReadDeclared(DeclaredNode node, ProblemList problems)
    {
        if (node is DeclaredNode.Scalar { Text: "all" }) return All;
        if (node is DeclaredNode.Scalar s && int.TryParse(s.Text, NumberStyles.None, CultureInfo.InvariantCulture, out var n) && n > 0) return new Quorum(n);
        problems.Add(Messages.Problem("quorum-form", node.Place));
        return null;
    }

    /// <inheritdoc/>
    public override string ToString() => Count?.ToString(CultureInfo.InvariantCulture) ?? "all";
}
