using System.Text.Json.Nodes;
using Comity.Data.Contracts;
using Comity.Serving.Inference;

namespace Comity.Serving.Hosting;

/// <summary>The server's OpenAPI 3.1 description, with the columns of the models that are in service.</summary>
internal static class OpenApiDocument
{
    public static JsonObject Of(ModelRegistry registry, ServerOptions options)
    {
        var paths = new JsonObject
        {
            ["/v2"] = Get("Server metadata", "server"),
            ["/v2/health/live"] = Get("Whether the server runs", "live"),
            ["/v2/health/ready"] = Get("Whether every model can answer", "live", unavailable: true),
            ["/feedback"] = Post("Says what became of an answer; stored before it is acknowledged, and once", "feedback", "feedbackStored"),
            ["/feedback/{id}"] = new JsonObject
            {
                ["delete"] = Operation("Erases what was said of an answer", null, "erased", [Parameter("id")]),
            },
        };
        var schemas = Schemas();
        foreach (var route in registry.Routes.Values)
        {
            var (name, model) = (route.Stable.Name, route.Stable.Model);
            if (model.Records is not null)
            {
                schemas[$"record-{name}"] = Record(model);
                paths[$"/predict/{name}"] = Post($"Predicts {model.Preprocessing.Contract.Label.Column} from records by column names", $"record-{name}", "prediction", text: true);
                if (registry.Routes.Count == 1) paths["/predict"] = paths[$"/predict/{name}"]!.DeepClone();
            }
            paths[$"/v2/models/{name}"] = Get("Model metadata", "model");
            paths[$"/v2/models/{name}/ready"] = Get("Whether the model can answer", "ready");
            paths[$"/v2/models/{name}/infer"] = Post("Inference by the Open Inference Protocol 2", "inferRequest", "inferResponse");
            paths[$"/v2/models/{name}/versions/{{version}}/infer"] = new JsonObject { ["post"] = Operation("Inference by one version", "inferRequest", "inferResponse", [Parameter("version")]) };
        }
        var document = new JsonObject
        {
            ["openapi"] = "3.1.0",
            ["info"] = new JsonObject { ["title"] = $"Comity, market {options.Market}", ["version"] = options.ToolVersion, ["license"] = new JsonObject { ["name"] = "Apache 2.0", ["identifier"] = "Apache-2.0" } },
            ["paths"] = paths,
            ["components"] = new JsonObject { ["schemas"] = schemas },
        };
        if (options.Tokens is not null)
        {
            document["components"]!["securitySchemes"] = new JsonObject { ["bearer"] = new JsonObject { ["type"] = "http", ["scheme"] = "bearer" } };
            document["security"] = new JsonArray(new JsonObject { ["bearer"] = new JsonArray() });
        }
        return document;
    }

    private static JsonObject Record(ServedModel model)
    {
        var properties = new JsonObject();
        foreach (var field in model.Records!.Fields)
        {
            var schema = new JsonObject();
            switch (field.Kind)
            {
                case FeatureKind.Number:
                    schema["type"] = Types("number", "null");
                    if (field.Range is { } range)
                    {
                        // Not 'minimum': a value outside is answered too, and said to be outside.
                        schema["description"] = $"{range} {field.Unit}".TrimEnd();
                    }
                    else if (field.Unit is not null) schema["description"] = field.Unit;
                    break;
                case FeatureKind.Date:
                    schema["type"] = Types("string", "null");
                    schema["description"] = field.Format ?? "ISO 8601";
                    break;
                case FeatureKind.Text:
                    schema["type"] = Types("string", "null");
                    break;
                case FeatureKind.Image or FeatureKind.Audio:
                    schema["type"] = Types("string", "null");
                    schema["contentEncoding"] = "base64";
                    schema["contentMediaType"] = field.Kind == FeatureKind.Image ? "image/png" : "audio/wav";
                    break;
                default:
                    schema["type"] = Types("string", "number", "boolean", "null");
                    schema["description"] = string.Join(", ", field.Levels);
                    break;
            }
            properties[field.Column] = schema;
        }
        foreach (var sensitive in model.Preprocessing.Contract.Sensitive.Where(s => model.Records.Find(s.Column) < 0)) properties[sensitive.Column] = new JsonObject { ["type"] = Types("string", "number", "null") };
        return new JsonObject { ["type"] = "object", ["properties"] = properties, ["additionalProperties"] = false };
    }

    private static JsonObject Schemas()
    {
        var strings = new JsonObject { ["type"] = "array", ["items"] = new JsonObject { ["type"] = "string" } };
        JsonObject Object(params (string Name, JsonNode Schema)[] properties)
        {
            var all = new JsonObject();
            foreach (var (name, schema) in properties) all[name] = schema;
            return new JsonObject { ["type"] = "object", ["properties"] = all };
        }
        JsonObject Text() => new() { ["type"] = "string" };
        JsonObject Number() => new() { ["type"] = "number" };
        JsonObject Tensor() => Object(
            ("name", Text()), ("datatype", Text()), ("shape", new JsonObject { ["type"] = "array", ["items"] = new JsonObject { ["type"] = "integer" } }), ("parameters", new JsonObject { ["type"] = "object" }), ("data", new JsonObject { ["type"] = "array" }));
        JsonObject Tensors() => new() { ["type"] = "array", ["items"] = Tensor() };
        return new JsonObject
        {
            ["server"] = Object(("name", Text()), ("version", Text()), ("extensions", strings.DeepClone())),
            ["live"] = Object(("live", new JsonObject { ["type"] = "boolean" })),
            ["ready"] = Object(("name", Text()), ("ready", new JsonObject { ["type"] = "boolean" })),
            ["model"] = Object(("name", Text()), ("versions", strings.DeepClone()), ("platform", Text()), ("inputs", Tensors()), ("outputs", Tensors())),
            ["inferRequest"] = Object(("id", Text()), ("parameters", new JsonObject { ["type"] = "object" }), ("inputs", Tensors()), ("outputs", Tensors())),
            ["inferResponse"] = Object(("model_name", Text()), ("model_version", Text()), ("id", Text()), ("parameters", new JsonObject { ["type"] = "object" }), ("outputs", Tensors())),
            ["prediction"] = Object(
                ("id", Text()), ("model", Text()), ("version", Text()), ("label", Text()), ("certainty", Number()), ("prediction", Number()),
                ("probabilities", new JsonObject { ["type"] = "object", ["additionalProperties"] = Number() }), ("missing", strings.DeepClone()), ("outOfRange", strings.DeepClone()), ("unseen", strings.DeepClone())),
            ["feedback"] = Object(("id", Text()), ("label", new JsonObject { ["type"] = Types("string", "number", "boolean") }), ("rating", new JsonObject { ["type"] = "integer", ["minimum"] = 1, ["maximum"] = 5 }), ("comment", Text())),
            ["feedbackStored"] = Object(("stored", new JsonObject { ["type"] = "integer" }), ("known", new JsonObject { ["type"] = "integer" })),
            ["erased"] = Object(("erased", new JsonObject { ["type"] = "integer" })),
            ["error"] = Object(
                ("error", Text()), ("code", Text()), ("problems", new JsonObject { ["type"] = "array", ["items"] = Object(("code", Text()), ("field", Text()), ("found", Text()), ("expected", Text()), ("remedy", Text())) })),
        };
    }

    private static JsonArray Types(params string[] types) => [.. types.Select(t => JsonValue.Create(t))];

    private static JsonObject Parameter(string name) => new() { ["name"] = name, ["in"] = "path", ["required"] = true, ["schema"] = new JsonObject { ["type"] = "string" } };

    private static JsonObject Get(string summary, string schema, bool unavailable = false)
    {
        var operation = Operation(summary, null, schema, []);
        if (unavailable) operation["responses"]!["503"] = Content("Not ready", schema);
        return new JsonObject { ["get"] = operation };
    }

    private static JsonObject Post(string summary, string request, string response, bool text = false)
    {
        var operation = Operation(summary, request, response, []);
        if (text) operation["requestBody"]!["content"]!["text/csv"] = new JsonObject { ["schema"] = new JsonObject { ["type"] = "string" } };
        return new JsonObject { ["post"] = operation };
    }

    private static JsonObject Operation(string summary, string? request, string response, JsonObject[] parameters)
    {
        var operation = new JsonObject { ["summary"] = summary, ["responses"] = new JsonObject { ["200"] = Content("Done", response), ["4XX"] = Content("What is wrong with the request", "error") } };
        if (parameters.Length > 0) operation["parameters"] = new JsonArray([.. parameters]);
        if (request is not null)
            operation["requestBody"] = new JsonObject { ["required"] = true, ["content"] = new JsonObject { ["application/json"] = new JsonObject { ["schema"] = Reference(request) } } };
        return operation;
    }

    private static JsonObject Content(string description, string schema) =>
        new() { ["description"] = description, ["content"] = new JsonObject { ["application/json"] = new JsonObject { ["schema"] = Reference(schema) } } };

    private static JsonObject Reference(string schema) => new() { ["$ref"] = $"#/components/schemas/{schema}" };
}
