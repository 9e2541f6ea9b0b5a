using System.Text.Json.Nodes;

namespace Comity.Serving.Tests.Hosting;

/// <summary>What the Open Inference Protocol 2 requires of every answer, as a table: members, their types, and which must be there.</summary>
/// <remarks>
/// Written down from the protocol's text (inference_rest.md, 2023). <c>bench/foreign/open_inference.py</c> holds a running server against the published
/// description and against clients of others; its result stands in <c>bench/results/amd-epyc-zen3/serving.md</c>.
/// </remarks>
public sealed class ProtocolTableTests
{
    private sealed record Member(string Name, string Type, bool Required = true);

    private static readonly Member[] Tensor = [new("name", "string"), new("datatype", "string"), new("shape", "integers")];
    private static readonly Member[] Server = [new("name", "string"), new("version", "string"), new("extensions", "strings")];
    private static readonly Member[] Model = [new("name", "string"), new("platform", "string"), new("versions", "strings", false), new("inputs", "objects", false), new("outputs", "objects", false)];
    private static readonly Member[] Answer = [new("model_name", "string"), new("outputs", "objects"), new("model_version", "string", false), new("id", "string", false), new("parameters", "object", false)];
    private static readonly string[] Datatypes = ["BOOL", "UINT8", "UINT16", "UINT32", "UINT64", "INT8", "INT16", "INT32", "INT64", "FP16", "FP32", "FP64", "BYTES"];

    [Fact]
    public async Task Metadata_and_answers_have_the_members_that_the_protocol_requires()
    {
        await using var server = await RunningServer.StartAsync();
        async Task<JsonNode> Get(string path) => JsonNode.Parse(await server.Client.GetStringAsync(path))!;

        Check(Server, await Get("/v2"));
        Check(Server, await Get("/v2/"));
        foreach (var path in new[] { "/v2/models/ward", "/v2/models/ward/versions/1.0.0" })
        {
            var metadata = await Get(path);
            Check(Model, metadata);
            foreach (var tensor in metadata["inputs"]!.AsArray().Concat(metadata["outputs"]!.AsArray()))
            {
                Check(Tensor, tensor!);
                Assert.Contains((string)tensor!["datatype"]!, Datatypes);
            }
        }
        foreach (var path in new[] { "/v2/health/live", "/v2/health/ready", "/v2/models/ward/ready", "/v2/models/ward/versions/1.0.0/ready" })
        {
            using var response = await server.Client.GetAsync(path);
            Assert.Equal(200, (int)response.StatusCode);
        }

        // As the metadata describe them, column by column; every output that they name, and the one that comes unasked.
        var described = await Get("/v2/models/ward");
        var inputs = string.Join(", ", described["inputs"]!.AsArray().Select(t => $$"""{"name": "{{t!["name"]}}", "datatype": "{{t["datatype"]}}", "shape": [2, 1], "data": [{{((string)t["datatype"]! == "BYTES" ? "\"b\", \"c\"" : "40, 50")}}]}"""));
        var outputs = string.Join(", ", described["outputs"]!.AsArray().Select(t => $$"""{"name": "{{t!["name"]}}"}"""));
        foreach (var request in new[] { $$"""{"id": "42", "inputs": [{{inputs}}]}""", $$"""{"id": "42", "inputs": [{{inputs}}], "outputs": [{{outputs}}]}""" })
        {
            var answer = await server.AnswerAsync("/v2/models/ward/versions/1.0.0/infer", request);
            Check(Answer, answer);
            Assert.Equal(("42", "ward", "1.0.0"), ((string)answer["id"]!, (string)answer["model_name"]!, (string)answer["model_version"]!));
            foreach (var output in answer["outputs"]!.AsArray())
            {
                Check([.. Tensor, new Member("data", "array")], output!);
                Assert.Equal(output!["shape"]!.AsArray().Aggregate(1, (p, n) => p * (int)n!), Flat(output["data"]!.AsArray()));
            }
        }
    }

    [Theory]
    [InlineData("/v2/models/ward/infer", "{}", 400)]
    [InlineData("/v2/models/ward/infer", "{", 400)]
    [InlineData("/v2/models/ward/versions/9.9.9/infer", "{}", 404)]
    [InlineData("/v2/models/nobody/infer", "{}", 404)]
    public async Task An_error_is_a_text_named_error(string path, string body, int status)
    {
        await using var server = await RunningServer.StartAsync();

        var (found, error) = await server.RefusedAsync(path, body);

        Assert.Equal(status, found);
        Check([new Member("error", "string")], error);
    }

    [Fact]
    public async Task The_served_description_names_the_required_members_of_each_answer()
    {
        await using var server = await RunningServer.StartAsync();
        var document = JsonNode.Parse(await server.Client.GetStringAsync("/openapi.json"))!;

        foreach (var (schema, members) in new[] { ("server", Server), ("model", Model), ("inferResponse", Answer) })
            foreach (var member in members) Assert.NotNull(document["components"]!["schemas"]![schema]!["properties"]![member.Name]);
        Assert.NotNull(document["paths"]!["/v2/models/ward/versions/{version}/infer"]!["post"]);
    }

    private static int Flat(JsonArray data) => data.Sum(n => n is JsonArray inner ? Flat(inner) : 1);

    private static void Check(IEnumerable<Member> members, JsonNode found)
    {
        foreach (var (name, type, required) in members)
        {
            var value = found[name];
            if (value is null)
            {
                Assert.False(required, $"'{name}' is missing in {found.ToJsonString()}");
                continue;
            }
            var fits = type switch
            {
                "string" => value.GetValueKind() == System.Text.Json.JsonValueKind.String,
                "strings" => value is JsonArray texts && texts.All(t => t?.GetValueKind() == System.Text.Json.JsonValueKind.String),
                "integers" => value is JsonArray sizes && sizes.All(s => s is JsonValue n && n.TryGetValue<long>(out _)),
                "objects" => value is JsonArray items && items.All(i => i is JsonObject),
                "object" => value is JsonObject,
                _ => value is JsonArray,
            };
            Assert.True(fits, $"'{name}' is no {type} in {found.ToJsonString()}");
        }
    }
}
