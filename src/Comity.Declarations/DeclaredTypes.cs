using System.Collections.Concurrent;
using System.Globalization;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text.Json;

namespace Comity.Declarations;

/// <summary>What reflection knows of declarable types; shared by the reader and the schema, so that they can't differ.</summary>
internal static class DeclaredTypes
{
    private static readonly ConcurrentDictionary<Type, IReadOnlyDictionary<string, PropertyInfo>> KeysByType = new();

    public static IReadOnlyDictionary<string, PropertyInfo> Keys(Type type) => KeysByType.GetOrAdd(type, static t =>
        t.GetProperties(BindingFlags.Public | BindingFlags.Instance)
            .Where(p => p.CanWrite && p.GetIndexParameters().Length == 0)
            .OrderBy(p => p.MetadataToken)
            .ToDictionary(p => JsonNamingPolicy.CamelCase.ConvertName(p.Name), StringComparer.Ordinal));

    public static IReadOnlyDictionary<string, Type> Kinds(Type type) =>
        type.GetCustomAttributes<KindAttribute>(inherit: false).ToDictionary(k => k.Name, k => k.Type);

    public static MethodInfo? ReadOwnForm(Type type) =>
        type.GetInterfaces().Any(i => i.IsGenericType && i.GetGenericTypeDefinition() == typeof(IDeclaredValue<>))
            ? type.GetMethod("ReadDeclared", BindingFlags.Public | BindingFlags.Static)
            : null;

    public static string OwnSchema(Type type) =>
        (string)type.GetProperty("Schema", BindingFlags.Public | BindingFlags.Static)!.GetValue(null)!;

    public static Type? ItemOfList(Type type) =>
        type.IsGenericType && (type.GetGenericTypeDefinition() == typeof(IReadOnlyList<>) || type.GetGenericTypeDefinition() == typeof(List<>))
            ? type.GetGenericArguments()[0]
            : null;

    public static Type? ValueOfDictionary(Type type) =>
        type.IsGenericType && type.GetGenericTypeDefinition() == typeof(IReadOnlyDictionary<,>) ? type.GetGenericArguments()[1] : null;

    public static bool IsScalar(Type type) =>
        type == typeof(string) || type == typeof(bool) || type.IsEnum || IsInteger(type) || IsReal(type) || type == typeof(DateOnly);

    public static bool IsInteger(Type type) => type == typeof(int) || type == typeof(long) || type == typeof(ulong);

    public static bool IsReal(Type type) => type == typeof(double) || type == typeof(float);

    public static bool IsRequired(PropertyInfo property) => property.IsDefined(typeof(RequiredMemberAttribute));

    public static bool IsOptional(PropertyInfo property) =>
        Nullable.GetUnderlyingType(property.PropertyType) is not null
        || new NullabilityInfoContext().Create(property).WriteState == NullabilityState.Nullable;

    public static IEnumerable<string> Choices(Type type) =>
        type.IsEnum ? Enum.GetNames(type).Select(JsonNamingPolicy.KebabCaseLower.ConvertName) : [];

    public static bool TryParse(Type type, DeclaredNode.Scalar scalar, out object? value)
    {
        var text = scalar.Text;
        var culture = CultureInfo.InvariantCulture;
        value = null;
        if (type == typeof(string)) value = text;
        else if (type.IsEnum) value = Enum.GetNames(type).Where(n => JsonNamingPolicy.KebabCaseLower.ConvertName(n) == text).Select(n => Enum.Parse(type, n)).FirstOrDefault();
        else if (scalar.Quoted) value = null;
        else if (type == typeof(bool)) value = text switch { "true" or "True" => true, "false" or "False" => false, _ => null };
        else if (type == typeof(int)) value = int.TryParse(text, NumberStyles.AllowLeadingSign, culture, out var i) ? i : null;
        else if (type == typeof(long)) value = long.TryParse(text, NumberStyles.AllowLeadingSign, culture, out var l) ? l : null;
        else if (type == typeof(ulong)) value = ulong.TryParse(text, NumberStyles.None, culture, out var u) ? u : null;
        else if (type == typeof(double)) value = double.TryParse(text, NumberStyles.Float, culture, out var d) && double.IsFinite(d) ? d : null;
        else if (type == typeof(float)) value = float.TryParse(text, NumberStyles.Float, culture, out var f) && float.IsFinite(f) ? f : null;
        else if (type == typeof(DateOnly)) value = DateOnly.TryParseExact(text, "yyyy-MM-dd", culture, DateTimeStyles.None, out var date) ? date : null;
        return value is not null;
    }

    /// <summary>What a node is, as an argument of a message.</summary>
    public static object Describe(DeclaredNode node) => node switch
    {
        DeclaredNode.Map => Messages.Word("map"),
        DeclaredNode.List => Messages.Word("list"),
        DeclaredNode.Scalar { IsNull: true } => Messages.Word("nothing"),
        DeclaredNode.Scalar s => $"'{s.Text}'",
        _ => Messages.Word("nothing"),
    };

    /// <summary>What a type wants, as an argument of a message.</summary>
    public static object Describe(Type type)
    {
        if (Kinds(type) is { Count: > 0 } kinds) return string.Join(", ", kinds.Keys);
        if (type.IsEnum) return string.Join(", ", Choices(type));
        if (type == typeof(bool)) return "true | false";
        if (IsInteger(type)) return Messages.Word("integer");
        if (IsReal(type)) return Messages.Word("number");
        if (type == typeof(DateOnly)) return Messages.Word("date");
        return type == typeof(string) ? Messages.Word("text") : Messages.Word("map");
    }

    public static string Describe(WithinAttribute within)
    {
        var culture = CultureInfo.InvariantCulture;
        var low = double.IsNegativeInfinity(within.Low) ? null : $"{(within.AboveLow ? ">" : "≥")} {within.Low.ToString("R", culture)}";
        var high = double.IsPositiveInfinity(within.High) ? null : $"{(within.BelowHigh ? "<" : "≤")} {within.High.ToString("R", culture)}";
        return string.Join(", ", new[] { low, high }.Where(x => x is not null));
    }
}
