using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Schema;
using System.Text.RegularExpressions;
using Comity.Transport.Deployments;
using Comity.Transport.Identity;
using Comity.Transport.Protocol;

namespace Comity.Coordinator.Access;

/// <summary><c>/v1</c> as an OpenAPI 3.1 description: the calls and who may make them from the table of access, the messages from the options that read and write them.</summary>
/// <remarks>Made by the platform's schema exporter over <see cref="WireJson.Options"/>: a generator over the routes would see neither what an endpoint reads from its body nor how.</remarks>
internal static partial class OpenApi
{
    private const string Bytes = "application/octet-stream";
    private const string Json = "application/json";

    // What goes in and out, where it is not empty. A message that is an object of a documented file, or the caller's own, is not described twice.
    private static readonly Dictionary<string, (object? In, object? Out)> Messages = new(StringComparer.Ordinal)
    {
        ["GET /healthz"] = (null, Json),
        ["GET /readyz"] = (null, Json),
        ["GET /v1/openapi.json"] = (null, Json),
        ["GET /v1/protocol"] = (null, typeof(ProtocolInfo)),
        ["GET /v1/hello"] = (null, typeof(CoordinatorHello)),
        ["POST /v1/enrolments"] = (typeof(EnrolmentRequest), typeof(EnrolmentAnswer)),
        ["GET /v1/enrolments/{fingerprint}"] = (null, typeof(EnrolmentAnswer)),
        ["GET /v1/me"] = (null, typeof(CallerInfo)),
        ["POST /v1/me/certificate"] = (null, typeof(EnrolmentAnswer)),
        ["POST /v1/bandwidth"] = (Bytes, null),
        ["GET /v1/bandwidth"] = (null, Bytes),
        ["POST /v1/studies"] = (typeof(StudySubmission), typeof(StudyView)),
        ["GET /v1/studies"] = (null, typeof(StudyListing)),
        ["GET /v1/studies/{study}"] = (null, typeof(StudyView)),
        ["GET /v1/studies/{study}/file"] = (null, "application/yaml"),
        ["POST /v1/studies/{study}/cancel"] = (null, typeof(StudyView)),
        ["POST /v1/studies/{study}/resume"] = (null, typeof(StudyView)),
        ["POST /v1/studies/{study}/withdraw"] = (Json, typeof(WithdrawalReply)),
        ["GET /v1/studies/{study}/results"] = (null, Json),
        ["GET /v1/studies/{study}/artefacts"] = (null, typeof(StudyArtefacts)),
        ["GET /v1/studies/{study}/models/{number:int}"] = (null, Bytes),
        ["POST /v1/work"] = (typeof(WorkRequest), typeof(WorkReply)),
        ["POST /v1/progress"] = (typeof(ProgressReport), typeof(ProgressReply)),
        ["GET /v1/tasks/{key}/bodies/{digest}/manifest"] = (null, typeof(ManifestMessage)),
        ["GET /v1/tasks/{key}/bodies/{digest}"] = (null, Bytes),
        ["POST /v1/tasks/{key}/upload"] = (typeof(ManifestMessage), typeof(UploadState)),
        ["PUT /v1/tasks/{key}/upload/{digest}/{chunk:int}"] = (Bytes, null),
        ["POST /v1/tasks/{key}/answer"] = (typeof(SiteAnswer), typeof(AnswerReply)),
        ["GET /v1/deployments/orders"] = (null, typeof(OrderListing)),
        ["GET /v1/deployments/orders/{name}"] = (null, Json),
        ["PUT /v1/deployments/orders/{name}"] = (Json, null),
        ["GET /v1/deployments/releases"] = (null, typeof(ReleaseListing)),
        ["GET /v1/deployments/releases/{sha256}"] = (null, Bytes),
        ["PUT /v1/deployments/releases/{sha256}"] = (Bytes, null),
        ["PUT /v1/deployments/nodes/me"] = (Json, null),
        ["GET /v1/deployments/nodes"] = (null, typeof(NodeListing)),
        ["GET /v1/members"] = (null, Json),
    };

    private static readonly Dictionary<string, string[]> Queries = new(StringComparer.Ordinal)
    {
        ["GET /v1/hello"] = ["nonce"], ["GET /v1/bandwidth"] = ["bytes"], ["GET /v1/studies/{study}"] = ["after", "wait"], ["GET /v1/tasks/{key}/bodies/{digest}"] = ["from"],
        ["GET /v1/deployments/orders"] = ["after", "wait"],
    };

    /// <summary>The description, indented, with a newline at its end.</summary>
    /// <exception cref="KeyNotFoundException">A call of the table has no messages here.</exception>
    public static string Text { get; } = Describe().ToJsonString(new JsonSerializerOptions { WriteIndented = true, Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping }).Replace("\r\n", "\n", StringComparison.Ordinal) + "\n";

    private static JsonObject Describe()
    {
        var (paths, schemas) = (new JsonObject(), new JsonObject());
        foreach (var rule in AccessTable.Rules)
        {
            var path = Constraint().Replace(rule.Route, "{$1}");
            if (!paths.ContainsKey(path)) paths[path] = new JsonObject();
            paths[path]!.AsObject()[rule.Method.ToLowerInvariant()] = Operation(rule, path, schemas);
        }
        schemas["Problem"] = Schema(typeof(ToldProblem));
        return new JsonObject
        {
            ["openapi"] = "3.1.1",
            ["info"] = new JsonObject
            {
                ["title"] = "Comity coordinator", ["version"] = $"{ProtocolVersion.Newest}",
                ["description"] = "What sites, people and their tools call. How the calls follow each other: docs/protocol.md. Who may call what: docs/access.md.",
            },
            ["paths"] = paths,
            ["components"] = new JsonObject
            {
                ["schemas"] = new JsonObject(schemas.OrderBy(s => s.Key, StringComparer.Ordinal).Select(s => KeyValuePair.Create(s.Key, (JsonNode?)s.Value!.DeepClone()))),
                ["securitySchemes"] = new JsonObject
                {
                    ["token"] = new JsonObject { ["type"] = "http", ["scheme"] = "bearer", ["description"] = "People and their tools: comity_ID_SECRET." },
                    ["signature"] = new JsonObject { ["type"] = "apiKey", ["in"] = "header", ["name"] = "Signature", ["description"] = "Sites and serving nodes: every call is signed by the member's key (RFC 9421), whether or not TLS shows a client certificate." },
                    ["certificate"] = new JsonObject { ["type"] = "mutualTLS" },
                },
            },
        };
    }

    private static JsonObject Operation(AccessRule rule, string path, JsonObject schemas)
    {
        var call = $"{rule.Method} {rule.Route}";
        var (takes, gives) = Messages[call];
        var operation = new JsonObject { ["summary"] = rule.Purpose, ["x-roles"] = new JsonArray([.. rule.Roles.Order().Select(r => (JsonNode)r.ToString().ToLowerInvariant())]) };
        var parameters = Parameter().Matches(path).Select(m => Named(m.Groups[1].Value, "path")).Concat(Queries.GetValueOrDefault(call, []).Select(q => Named(q, "query"))).ToArray();
        if (parameters.Length > 0) operation["parameters"] = new JsonArray(parameters);
        if (takes is not null) operation["requestBody"] = new JsonObject { ["required"] = true, ["content"] = Content(takes, schemas) };
        var done = new JsonObject { ["description"] = rule.Purpose };
        if (gives is not null) done["content"] = Content(gives, schemas);
        operation["responses"] = new JsonObject
        {
            [gives is null ? "204" : "200"] = done,
            ["default"] = new JsonObject
            {
                ["description"] = "Refused by name: code, where, found, expected and remedy, in English and Simplified Chinese.",
                ["content"] = new JsonObject { [Json] = new JsonObject { ["schema"] = Reference("Problem") } },
            },
        };
        operation["security"] = rule.Anyone ? new JsonArray() : new JsonArray([.. Ways(rule).Select(w => (JsonNode)new JsonObject { [w] = new JsonArray() })]);
        return operation;
    }

    private static IEnumerable<string> Ways(AccessRule rule)
    {
        if (rule.Roles.Any(r => r is not (CallerRole.Site or CallerRole.Server))) yield return "token";
        if (rule.Roles.Any(r => r is CallerRole.Site or CallerRole.Server)) yield return "signature";
    }

    private static JsonNode Named(string name, string place)
    {
        var number = name is "number" or "chunk" or "after" or "wait" or "from" or "bytes";
        return new JsonObject { ["name"] = name, ["in"] = place, ["required"] = place == "path" || name is "nonce" or "bytes", ["schema"] = new JsonObject { ["type"] = number ? "integer" : "string" } };
    }

    private static JsonObject Content(object message, JsonObject schemas)
    {
        if (message is not Type type) return new JsonObject { [(string)message] = new JsonObject() };
        if (!schemas.ContainsKey(type.Name)) schemas[type.Name] = Schema(type);
        return new JsonObject { [Json] = new JsonObject { ["schema"] = Reference(type.Name) } };
    }

    private static JsonObject Reference(string name) => new() { ["$ref"] = $"#/components/schemas/{name}" };

    private static JsonNode Schema(Type type) => WireJson.Options.GetJsonSchemaAsNode(type, new() { TreatNullObliviousAsNonNullable = true });

    [GeneratedRegex(@"\{(\w+):\w+\}")]
    private static partial Regex Constraint();

    [GeneratedRegex(@"\{(\w+)\}")]
    private static partial Regex Parameter();
}
