using System.Text.RegularExpressions;

namespace Comity.Data.Sources;

/// <summary>Puts environment variables in for <c>${NAME}</c>.</summary>
internal static partial class EnvironmentText
{
    /// <summary>The text with its variables filled in, or null and the first name that is not set.</summary>
    public static string? Expand(string text, out string? unset)
    {
        string? missing = null;
        var expanded = Name().Replace(text, match =>
        {
            var value = Environment.GetEnvironmentVariable(match.Groups[1].Value);
            if (value is null) missing ??= match.Groups[1].Value;
            return value ?? "";
        });
        unset = missing;
        return missing is null ? expanded : null;
    }

    [GeneratedRegex(@"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")]
    private static partial Regex Name();
}
