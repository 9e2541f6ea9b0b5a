using System.Globalization;
using Comity.Declarations;

namespace Comity.Federation.Studies;

/// <summary>How many sites are asked in a round: <c>all</c>, a number, or a fraction below 1 (rounded up).</summary>
/// <param name="Count">A number of sites; null: see <paramref name="Fraction"/>.</param>
/// <param name="Fraction">A share of the sites; null: see <paramref name="Count"/>; both null: all.</param>
public sealed record Cohort(int? Count, double? Fraction) : IDeclaredValue<Cohort>
{
    /// <summary>Every site is asked.</summary>
    public static Cohort All { get; } = new(null, null);

    /// <inheritdoc/>
    public static string Schema => """{ "anyOf": [ { "const": "all" }, { "type": "number", "exclusiveMinimum": 0 } ] }""";

    /// <summary>The number of sites asked out of <paramref name="sites"/>.</summary>
    public int Of(int sites) => Count ?? (Fraction is { } f ? Math.Max(1, (int)Math.Ceiling(f * sites - 1e-9)) : sites);

    /// <inheritdoc/>
    public static Cohort? ReadDeclared(DeclaredNode node, ProblemList problems)
    {
        if (node is DeclaredNode.Scalar { Text: "all" }) return All;
        if (node is DeclaredNode.Scalar s)
        {
            if (int.TryParse(s.Text, NumberStyles.None, CultureInfo.InvariantCulture, out var n) && n > 0) return new Cohort(n, null);
            if (double.TryParse(s.Text, NumberStyles.Float, CultureInfo.InvariantCulture, out var f) && f is > 0 and < 1) return new Cohort(null, f);
        }
        problems.Add(Messages.Problem("cohort-form", node.Place));
        return null;
    }
}
