using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Schema;
using Comity.Federation.Results;

namespace Comity.Insight.Results;

/// <summary>The JSON Schema (2020-12) of <c>results.json</c>, shipped inside the library.</summary>
public static class ResultsSchema
{
    /// <summary>The schema as shipped.</summary>
    public static string Text()
    {
        using var stream = typeof(ResultsSchema).Assembly.GetManifestResourceStream("results.schema.json")
            ?? throw new InvalidOperationException("The schema is not embedded in this build.");
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }

    /// <summary>The schema as the types demand it; a test keeps the shipped text equal to it.</summary>
    /// <param name="describe">The documentation of a type's property, or null.</param>
    internal static string Generate(Func<Type, string, string?> describe)
    {
        var options = new JsonSchemaExporterOptions
        {
            TreatNullObliviousAsNonNullable = true,
            TransformSchemaNode = (context, schema) => Transform(context, schema, describe),
        };
        var schema = (JsonObject)ResultsJson.SchemaOptions.GetJsonSchemaAsNode(typeof(StudyResults), options);
        schema.Insert(0, "$schema", "https://json-schema.org/draft/2020-12/schema");
        schema.Insert(1, "title", "Comity study results, format 1");
        return schema.ToJsonString(new JsonSerializerOptions(ResultsJson.SchemaOptions) { IndentSize = 2 }) + "\n";
    }

    private static JsonNode Transform(JsonSchemaExporterContext context, JsonNode schema, Func<Type, string, string?> describe)
    {
        var type = context.TypeInfo.Type;
        if (type == typeof(double) || type == typeof(double?))
            schema = new JsonObject { ["anyOf"] = new JsonArray(new JsonObject { ["type"] = new JsonArray("number", "null") }, new JsonObject { ["enum"] = new JsonArray("Infinity", "-Infinity") }) };
        if (context.PropertyInfo is { } property && schema is JsonObject known
            && describe(property.DeclaringType, property.Name) is { } text)
            known.Insert(0, "description", text);
        return schema;
    }
}
