using System.Globalization;

namespace Comity.Conventions.Tests.PublicApi;

/// <summary>A constant as C# writes it, whatever the machine's culture.</summary>
internal static class Literal
{
    public static string Of(object? value, Type? type = null) => value switch
    {
        null => type is { IsValueType: true } && Nullable.GetUnderlyingType(type) is null ? "default" : "null",
        string text => $"\"{text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal)}\"",
        bool yes => yes ? "true" : "false",
        char c => $"'{c}'",
        Enum member => $"{member.GetType().Name}.{member}",
        float x => x.ToString("R", CultureInfo.InvariantCulture) + "f",
        IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
        _ => value.ToString() ?? "",
    };
}
