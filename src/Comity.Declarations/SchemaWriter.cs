using System.Reflection;
using System.Text.Json.Nodes;

namespace Comity.Declarations;

/// <summary>Writes the JSON Schema (draft 7, the one that editors know for YAML) of declared sections.</summary>
public static class SchemaWriter
{
    /// <summary>The schema of a record.</summary>
    /// <param name="root">The record of the whole file.</param>
    /// <param name="owners">Which record stands behind a path (such as <c>training</c> or <c>sites[].source</c>) whose property is an unread <see cref="DeclaredNode"/>.</param>
    public static JsonObject Write(Type root, IReadOnlyDictionary<string, Type> owners)
    {
        var schema = (JsonObject)Of(root, "", owners);
        schema.Insert(0, "$schema", "http://json-schema.org/draft-07/schema#");
        return schema;
    }

    private static JsonNode Of(Type type, string path, IReadOnlyDictionary<string, Type> owners)
    {
        type = Nullable.GetUnderlyingType(type) ?? type;
        if (type == typeof(DeclaredNode)) return owners.TryGetValue(path, out var owner) ? Of(owner, path, owners) : new JsonObject();
        if (DeclaredTypes.ReadOwnForm(type) is not null) return JsonNode.Parse(DeclaredTypes.OwnSchema(type))!;
        if (DeclaredTypes.Kinds(type) is { Count: > 0 } kinds) return OfKinds(kinds, path, owners);
        if (DeclaredTypes.ItemOfList(type) is { } item)
        {
            var one = Of(item, path + "[]", owners);
            return new JsonObject { ["anyOf"] = new JsonArray(new JsonObject { ["type"] = "array", ["items"] = one.DeepClone() }, one) };
        }
        if (DeclaredTypes.ValueOfDictionary(type) is { } value)
            return new JsonObject { ["type"] = "object", ["additionalProperties"] = Of(value, path + "{}", owners) };
        if (type.IsEnum) return new JsonObject { ["enum"] = new JsonArray([.. DeclaredTypes.Choices(type).Select(c => (JsonNode)c)]) };
        if (type == typeof(bool)) return new JsonObject { ["type"] = "boolean" };
        if (DeclaredTypes.IsInteger(type)) return new JsonObject { ["type"] = "integer" };
        if (DeclaredTypes.IsReal(type)) return new JsonObject { ["type"] = "number" };
        // YAML writes a text without quotes, so an editor sees 1 and true where a text is meant.
        if (type == typeof(string) || type == typeof(DateOnly)) return new JsonObject { ["type"] = new JsonArray("string", "number", "boolean") };
        return OfRecord(type, path, owners, kind: null);
    }

    private static JsonObject OfKinds(IReadOnlyDictionary<string, Type> kinds, string path, IReadOnlyDictionary<string, Type> owners)
    {
        var forms = new JsonArray();
        var bare = new JsonArray();
        foreach (var (name, type) in kinds)
        {
            forms.Add(OfRecord(type, path, owners, name));
            if (!DeclaredTypes.Keys(type).Values.Any(DeclaredTypes.IsRequired)) bare.Add(name);
        }
        if (bare.Count > 0) forms.Add(new JsonObject { ["enum"] = bare });
        return new JsonObject { ["anyOf"] = forms };
    }

    private static JsonObject OfRecord(Type type, string path, IReadOnlyDictionary<string, Type> owners, string? kind)
    {
        var properties = new JsonObject();
        var required = new JsonArray();
        if (kind is not null)
        {
            properties["kind"] = new JsonObject { ["enum"] = new JsonArray(kind) }; // not const: validators of draft 4 know only enum
            required.Add("kind");
        }
        foreach (var (key, property) in DeclaredTypes.Keys(type))
        {
            var schema = Of(property.PropertyType, path.Length == 0 ? key : $"{path}.{key}", owners);
            if (schema is JsonObject known)
            {
                if (property.GetCustomAttribute<DocAttribute>() is { } doc) known["description"] = doc.Text;
                if (property.GetCustomAttribute<WithinAttribute>() is { } within) AddBounds(known, within);
            }
            properties[key] = schema;
            if (DeclaredTypes.IsRequired(property)) required.Add(key);
        }
        var result = new JsonObject { ["type"] = "object", ["additionalProperties"] = false, ["properties"] = properties };
        if (type.GetCustomAttribute<DocAttribute>() is { } text) result["description"] = text.Text;
        if (required.Count > 0) result["required"] = required;
        return type.IsDefined(typeof(SwitchAttribute)) ? new JsonObject { ["anyOf"] = new JsonArray(new JsonObject { ["type"] = "boolean" }, result) } : result;
    }

    private static void AddBounds(JsonObject schema, WithinAttribute within)
    {
        // The ends of the number type are no bounds, and some validators can't read them.
        if (double.Abs(within.Low) < double.MaxValue) schema[within.AboveLow ? "exclusiveMinimum" : "minimum"] = within.Low;
        if (double.Abs(within.High) < double.MaxValue) schema[within.BelowHigh ? "exclusiveMaximum" : "maximum"] = within.High;
    }
}
