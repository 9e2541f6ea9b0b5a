using System.Globalization;
using Comity.Data.Contracts;

namespace Comity.Serving.Feedback;

/// <summary>What a user may write as the true label: the class's name, or the value that the contract's rule reads.</summary>
internal static class LabelWords
{
    /// <summary>The label in the model's words; null: it is none.</summary>
    public static string? Read(ContractSection contract, IReadOnlyList<string> classes, string text)
    {
        var label = contract.Label;
        if (classes.Count == 0)
            return float.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var value) && float.IsFinite(value) && label.Range?.Contains(value) != false ? value.ToString("R", CultureInfo.InvariantCulture) : null;
        if (classes.Contains(text)) return text;
        if (label.Positive is not { } rule) return null;
        if (rule.Operator is not null) return double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && double.IsFinite(number) ? classes[rule.IsPositive(number) ? 1 : 0] : null;
        if (rule.Values.Contains(text)) return classes[1];
        // Where the contract names no negative values all others are negative in records; in feedback a misspelt one must not become a label.
        return label.Negative.Contains(text) || (label.Negative.Count == 0 && rule.Values.Any(v => text == v switch { "1" => "0", "true" => "false", "yes" => "no", _ => null })) ? classes[0] : null;
    }

    /// <summary>What is expected, in words.</summary>
    public static string Expected(ContractSection contract, IReadOnlyList<string> classes) =>
        classes.Count == 0 ? contract.Label.Range?.ToString() ?? "0.0" : string.Join(", ", classes);
}
