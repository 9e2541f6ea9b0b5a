using System.Globalization;
using Comity.Declarations;

namespace Comity.Data.Contracts;

/// <summary>Bounds of a number, both included; null: open. Written <c>[18, 120]</c> or <c>[0, null]</c>.</summary>
/// <param name="Low">Smallest value, or null.</param>
/// <param name="High">Largest value, or null.</param>
public sealed record ValueRange(double? Low, double? High) : IDeclaredValue<ValueRange>
{
    /// <inheritdoc/>
    public static string Schema => """{ "type": "array", "items": { "type": ["number", "null"] }, "minItems": 2, "maxItems": 2 }""";

    /// <summary>Whether both bounds are given.</summary>
    public bool IsClosed => Low is not null && High is not null;

    /// <summary>Whether a value lies within the bounds; NaN never does.</summary>
    public bool Contains(double value) => value >= (Low ?? double.NegativeInfinity) && value <= (High ?? double.PositiveInfinity);

    /// <inheritdoc/>
    public static ValueRange? ReadDeclared(DeclaredNode node, ProblemList problems)
    {
        if (node is DeclaredNode.List { Items: [DeclaredNode.Scalar low, DeclaredNode.Scalar high] } && TryBound(low, out var from) && TryBound(high, out var to))
        {
            if (!(from >= to)) return new ValueRange(from, to); // a null bound compares as false
            problems.Add(Messages.Problem("range-reversed", node.Place, from, to));
            return null;
        }
        problems.Add(Messages.Problem("range-form", node.Place));
        return null;
    }

    /// <summary>The bounds as they are written in a study.</summary>
    public override string ToString() => $"[{Text(Low)}, {Text(High)}]";

    private static string Text(double? bound) => bound?.ToString("R", CultureInfo.InvariantCulture) ?? "null";

    private static bool TryBound(DeclaredNode.Scalar scalar, out double? bound)
    {
        bound = null;
        if (scalar.IsNull) return true;
        if (scalar.Quoted || !double.TryParse(scalar.Text, NumberStyles.Float, CultureInfo.InvariantCulture, out var value) || !double.IsFinite(value)) return false;
        bound = value;
        return true;
    }
}
