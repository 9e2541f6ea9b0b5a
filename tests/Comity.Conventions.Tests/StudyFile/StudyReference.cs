using System.Collections;
using System.Globalization;
using System.Reflection;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Runtime.CompilerServices;
using Comity.Conventions.Tests.Rooms;
using Comity.Declarations;
using Comity.Federation.Studies;

namespace Comity.Conventions.Tests.StudyFile;

/// <summary>Writes the reference of the study file from the records that bind it, so that page and program cannot differ.</summary>
internal sealed class StudyReference
{
    /// <summary>Which record stands behind a section that Federation leaves unread.</summary>
    public static IReadOnlyDictionary<string, string> Owners { get; } = new Dictionary<string, string>(StringComparer.Ordinal)
    {
        ["contract"] = "ContractSection",
        ["split"] = "SplitSection",
        ["clean"] = "CleanSection",
        ["preprocess"] = "PreprocessSection",
        ["model"] = "ModelSection",
        ["training"] = "TrainingSection",
        ["evaluation"] = "EvaluationSection",
        ["synthetic"] = "SyntheticSection",
        ["sites[].source"] = "SourceSection",
    };

    private readonly StringBuilder _text = new();
    private readonly HashSet<Type> _written = [];
    private readonly Queue<(string Path, Type Type)> _waiting = new();

    private StudyReference() { }

    public static string Write()
    {
        var page = new StudyReference();
        page._waiting.Enqueue(("", typeof(StudySection)));
        while (page._waiting.TryDequeue(out var next)) page.Section(next.Path, next.Type);
        return page._text.ToString();
    }

    /// <summary>The record of an owned section, or null while no room reads it.</summary>
    public static Type? OwnerOf(string path) => Owners.TryGetValue(path, out var name)
        ? RoomTable.Libraries.SelectMany(l => Assembly.Load(l).GetExportedTypes()).SingleOrDefault(t => t.Name == name)
        : null;

    private void Section(string path, Type type)
    {
        if (!_written.Add(type)) return;
        _text.Append(CultureInfo.InvariantCulture, $"\n### {(path.Length == 0 ? "The file" : $"`{path}`")}\n");
        if (type.GetCustomAttribute<DocAttribute>() is { } doc) _text.Append(CultureInfo.InvariantCulture, $"\n{doc.Text}\n");
        var kinds = type.GetCustomAttributes<KindAttribute>(inherit: false).ToList();
        if (kinds.Count == 0)
        {
            Keys(path, type);
            return;
        }
        var bare = kinds.Where(k => !Properties(k.Type).Any(IsRequired)).Select(k => $"`{k.Name}`").ToList();
        _text.Append("\nChosen by `kind`.");
        if (bare.Count > 0) _text.Append(CultureInfo.InvariantCulture, $" The name alone is enough for {string.Join(", ", bare)}.");
        _text.Append('\n');
        foreach (var kind in kinds)
        {
            _text.Append(CultureInfo.InvariantCulture, $"\n**`kind: {kind.Name}`**");
            if (kind.Type.GetCustomAttribute<DocAttribute>() is { } about) _text.Append(CultureInfo.InvariantCulture, $" – {about.Text}");
            _text.Append('\n');
            if (Properties(kind.Type).Any()) Keys(path, kind.Type);
        }
    }

    private void Keys(string path, Type type)
    {
        _text.Append("\n| key | value | default | meaning |\n|---|---|---|---|\n");
        var defaults = type.IsAbstract ? null : Activator.CreateInstance(type, nonPublic: true);
        foreach (var property in Properties(type))
        {
            var key = JsonNamingPolicy.CamelCase.ConvertName(property.Name);
            var at = path.Length == 0 ? key : $"{path}.{key}";
            var preset = IsRequired(property) ? "required" : Default(defaults is null ? null : property.GetValue(defaults), property.PropertyType);
            var meaning = property.GetCustomAttribute<DocAttribute>()?.Text ?? "";
            _text.Append(CultureInfo.InvariantCulture, $"| `{key}` | {Value(property.PropertyType, at)}{Bounds(property)} | {preset} | {meaning.Replace("|", "\\|", StringComparison.Ordinal)} |\n");
        }
    }

    private string Value(Type type, string path)
    {
        type = Nullable.GetUnderlyingType(type) ?? type;
        if (type == typeof(DeclaredNode))
        {
            if (OwnerOf(path) is { } owner) return Later(owner, path);
            return path.EndsWith(".training", StringComparison.Ordinal) ? "keys of `training`" : "a section";
        }
        if (type.GetInterfaces().Any(i => i.IsGenericType && i.GetGenericTypeDefinition() == typeof(IDeclaredValue<>)))
            return Forms(JsonNode.Parse((string)type.GetProperty("Schema", BindingFlags.Public | BindingFlags.Static)!.GetValue(null)!)!);
        if (type.IsGenericType && type.GetGenericArguments() is [var item] && typeof(IEnumerable).IsAssignableFrom(type)) return "list: " + Value(item, path + "[]");
        if (type.IsGenericType && type.GetGenericArguments() is [_, var value]) return "map: " + Value(value, path + "{}");
        if (type.IsEnum) return string.Join(", ", Enum.GetNames(type).Select(n => $"`{JsonNamingPolicy.KebabCaseLower.ConvertName(n)}`"));
        if (type == typeof(bool)) return "`true`, `false`";
        if (type == typeof(int) || type == typeof(long) || type == typeof(ulong)) return "integer";
        if (type == typeof(double) || type == typeof(float)) return "number";
        if (type == typeof(DateOnly)) return "date";
        return type == typeof(string) ? "text" : Later(type, path);
    }

    private string Later(Type type, string path)
    {
        _waiting.Enqueue((path, type));
        var kinds = type.GetCustomAttributes<KindAttribute>(inherit: false).Select(k => $"`{k.Name}`").ToList();
        return kinds.Count > 0 ? "kind: " + string.Join(", ", kinds) : "section";
    }

    private static string Forms(JsonNode schema)
    {
        if (schema["anyOf"] is JsonArray any) return string.Join(" or ", any.Select(a => Forms(a!)));
        if (schema["oneOf"] is JsonArray one) return string.Join(" or ", one.Select(a => Forms(a!)));
        if (schema["const"] is { } constant) return $"`{constant}`";
        if (schema["enum"] is JsonArray choices) return string.Join(", ", choices.Select(c => $"`{c}`"));
        if (schema["description"] is { } description) return description.ToString().Replace("|", "\\|", StringComparison.Ordinal);
        if (schema["type"] is JsonArray) return "text";
        return schema["type"]?.ToString() switch
        {
            "array" => schema["items"] is { } items ? $"list: {Forms(items)}" : "list",
            "string" => "text",
            "object" => "map",
            { } other => other,
            null => "any",
        };
    }

    private static string Bounds(PropertyInfo property)
    {
        if (property.GetCustomAttribute<WithinAttribute>() is not { } within) return "";
        var low = double.IsNegativeInfinity(within.Low) ? null : $"{(within.AboveLow ? ">" : "≥")} {Number(within.Low)}";
        var high = within.High >= float.MaxValue ? null : $"{(within.BelowHigh ? "<" : "≤")} {Number(within.High)}";
        var both = string.Join(", ", new[] { low, high }.OfType<string>());
        return both.Length == 0 ? "" : " " + both;
    }

    private static string Number(double x) => x.ToString("0.############", CultureInfo.InvariantCulture);

    private static string Default(object? value, Type declared) => value switch
    {
        null => "–",
        bool yes => yes ? "`true`" : "`false`",
        Enum choice => $"`{JsonNamingPolicy.KebabCaseLower.ConvertName(choice.ToString())}`",
        string text => $"`{text}`",
        IEnumerable list => list.Cast<object>().Select(i => Default(i, i.GetType())).ToList() is { Count: > 0 } items ? string.Join(", ", items) : "none",
        IFormattable number => $"`{number.ToString(null, CultureInfo.InvariantCulture)}`",
        _ when declared.GetCustomAttributes<KindAttribute>(false).FirstOrDefault(k => k.Type == value.GetType()) is { } kind => $"`{kind.Name}`",
        _ when value.GetType().GetInterfaces().Any(i => i.IsGenericType && i.GetGenericTypeDefinition() == typeof(IDeclaredValue<>)) && Plain(value) is { } plain => $"`{plain}`",
        _ => "its defaults",
    };

    // Only a type that prints itself as it is written in the file has a readable default.
    private static string? Plain(object value) => value.ToString() is { } text && !text.Contains('{', StringComparison.Ordinal) && !text.Contains("Comity.", StringComparison.Ordinal) ? text : null;

    private static IEnumerable<PropertyInfo> Properties(Type type) => type.GetProperties(BindingFlags.Public | BindingFlags.Instance)
        .Where(p => p.CanWrite && p.GetIndexParameters().Length == 0).OrderBy(p => p.MetadataToken);

    private static bool IsRequired(PropertyInfo property) => property.IsDefined(typeof(RequiredMemberAttribute));
}
