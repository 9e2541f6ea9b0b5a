using System.Globalization;
using Comity.Declarations;

namespace Comity.Data.Contracts;

/// <summary>Which label values are positive: a comparison (<c>"> 0"</c>), a value, or a list of values.</summary>
public sealed record LabelRule : IDeclaredValue<LabelRule>
{
    private static readonly string[] Operators = [">=", "<=", "!=", ">", "<", "="];

    /// <summary>The comparison's operator, or null where values are listed.</summary>
    public string? Operator { get; init; }

    /// <summary>What is compared with.</summary>
    public double Threshold { get; init; }

    /// <summary>The positive values, where listed.</summary>
    public IReadOnlyList<string> Values { get; init; } = [];

    /// <inheritdoc/>
    public static string Schema => """
        { "anyOf": [ { "type": ["string", "number", "boolean"] }, { "type": "array", "items": { "type": ["string", "number", "boolean"] }, "minItems": 1 } ] }
        """;

    /// <summary>The rule as people read it: <c>> 0</c>, or the values.</summary>
    public string Text => Operator is null ? string.Join('|', Values) : $"{Operator} {Threshold.ToString("R", CultureInfo.InvariantCulture)}";

    /// <summary>Whether a number is positive by the comparison.</summary>
    public bool IsPositive(double value) => Operator switch
    {
        ">" => value > Threshold,
        ">=" => value >= Threshold,
        "<" => value < Threshold,
        "<=" => value <= Threshold,
        "=" => value == Threshold,
        "!=" => value != Threshold,
        _ => throw new InvalidOperationException("This rule lists values; it compares no numbers."),
    };

    /// <summary>Reads the short form. A text such as <c>>50K</c> is a value, since 50K is no number.</summary>
    public static LabelRule Parse(string text)
    {
        foreach (var sign in Operators)
        {
            if (text.StartsWith(sign, StringComparison.Ordinal)
                && double.TryParse(text.AsSpan(sign.Length).Trim(), NumberStyles.Float, CultureInfo.InvariantCulture, out var threshold)
                && double.IsFinite(threshold))
                return new LabelRule { Operator = sign, Threshold = threshold };
        }
        return new LabelRule { Values = [text] };
    }

    /// <inheritdoc/>
    public static LabelRule? ReadDeclared(DeclaredNode node, ProblemList problems)
    {
        switch (node)
        {
            case DeclaredNode.Scalar { IsNull: false } scalar:
                return Parse(scalar.Text);
            case DeclaredNode.List { Items.Count: > 0 } list when list.Items.All(i => i is DeclaredNode.Scalar { IsNull: false }):
                return new LabelRule { Values = [.. list.Items.Select(i => ((DeclaredNode.Scalar)i).Text)] };
            default:
                problems.Add(Messages.Problem("label-rule-form", node.Place));
                return null;
        }
    }
}
