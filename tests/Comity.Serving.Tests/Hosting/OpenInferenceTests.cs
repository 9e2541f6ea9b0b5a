using System.Net.Http.Json;
using System.Text.Json.Nodes;
using NJsonSchema;

namespace Comity.Serving.Tests.Hosting;

/// <summary>
/// Answers against the grammar of the Open Inference Protocol's specification, judged by a validator of JSON Schema. The objects are those of inference_rest.md
/// (github.com/kserve/open-inference-protocol at 011728e), each with its required keys; bench/foreign holds the server against the published OpenAPI file and a foreign client.
/// </summary>
public sealed class OpenInferenceTests
{
    private const string Grammar = """
        {
          "live_server_response": { "type": "object", "required": ["live"], "properties": { "live": { "type": "boolean" } } },
          "ready_model_response": { "type": "object", "required": ["name", "ready"], "properties": { "name": { "type": "string" }, "ready": { "type": "boolean" } } },
          "metadata_server_response": { "type": "object", "required": ["name", "version", "extensions"],
            "properties": { "name": { "type": "string" }, "version": { "type": "string" }, "extensions": { "type": "array", "items": { "type": "string" } } } },
          "metadata_tensor": { "type": "object", "required": ["name", "datatype", "shape"],
            "properties": { "name": { "type": "string" }, "datatype": { "$ref": "#/definitions/datatype" }, "shape": { "type": "array", "items": { "type": "integer", "minimum": -1 } } } },
          "metadata_model_response": { "type": "object", "required": ["name", "platform", "inputs", "outputs"],
            "properties": { "name": { "type": "string" }, "versions": { "type": "array", "items": { "type": "string" } }, "platform": { "type": "string" },
              "inputs": { "type": "array", "minItems": 1, "items": { "$ref": "#/definitions/metadata_tensor" } },
              "outputs": { "type": "array", "minItems": 1, "items": { "$ref": "#/definitions/metadata_tensor" } } } },
          "datatype": { "type": "string", "enum": ["BOOL", "UINT8", "UINT16", "UINT32", "UINT64", "INT8", "INT16", "INT32", "INT64", "FP16", "FP32", "FP64", "BYTES"] },
          "response_output": { "type": "object", "required": ["name", "shape", "datatype", "data"],
            "properties": { "name": { "type": "string" }, "shape": { "type": "array", "items": { "type": "integer", "minimum": 0 } }, "datatype": { "$ref": "#/definitions/datatype" },
              "parameters": { "type": "object" }, "data": { "type": "array", "items": { "type": ["number", "string", "boolean"] } } } },
          "inference_response": { "type": "object", "required": ["model_name", "outputs"],
            "properties": { "model_name": { "type": "string" }, "model_version": { "type": "string" }, "id": { "type": "string" }, "parameters": { "type": "object" },
              "outputs": { "type": "array", "minItems": 1, "items": { "$ref": "#/definitions/response_output" } } } },
          "error_response": { "type": "object", "required": ["error"], "properties": { "error": { "type": "string", "minLength": 1 } } }
        }
        """;

    [Theory]
    [InlineData("/v2", "metadata_server_response")]
    [InlineData("/v2/health/live", "live_server_response")]
    [InlineData("/v2/health/ready", "live_server_response")]
    [InlineData("/v2/models/ward", "metadata_model_response")]
    [InlineData("/v2/models/ward/versions/1.0.0", "metadata_model_response")]
    [InlineData("/v2/models/ward/ready", "ready_model_response")]
    [InlineData("/v2/models/ward/versions/1.0.0/ready", "ready_model_response")]
    public async Task What_is_told_of_server_and_model_has_the_protocols_form(string path, string form)
    {
        await using var running = await RunningServer.StartAsync();

        using var response = await running.Client.GetAsync(path);

        Assert.Equal(200, (int)response.StatusCode);
        await IsAsync(form, await response.Content.ReadAsStringAsync());
    }

    [Theory]
    [InlineData(1, false)]
    [InlineData(1, true)]
    [InlineData(3, false)]
    [InlineData(3, true)]
    public async Task An_inference_built_from_the_servers_own_metadata_is_answered_in_the_protocols_form(int rows, bool allOutputs)
    {
        await using var running = await RunningServer.StartAsync();
        var model = (await running.Client.GetFromJsonAsync<JsonNode>("/v2/models/ward"))!;
        var request = new JsonObject
        {
            ["id"] = "42",
            ["inputs"] = new JsonArray([.. model["inputs"]!.AsArray().Select(t => (JsonNode)new JsonObject
            {
                ["name"] = (string)t!["name"]!, ["datatype"] = (string)t["datatype"]!, ["shape"] = new JsonArray(rows, 1),
                ["data"] = new JsonArray([.. Enumerable.Range(0, rows).Select(i => (string)t["datatype"]! == "BYTES" ? JsonValue.Create("b") : (JsonNode)JsonValue.Create(40.5 + i))]),
            })]),
        };
        if (allOutputs) request["outputs"] = new JsonArray([.. model["outputs"]!.AsArray().Select(o => (JsonNode)new JsonObject { ["name"] = (string)o!["name"]! })]);

        var answer = await running.AnswerAsync("/v2/models/ward/infer", request.ToJsonString());

        await IsAsync("inference_response", answer.ToJsonString());
        Assert.Equal(("42", "ward", "1.0.0"), ((string)answer["id"]!, (string)answer["model_name"]!, (string)answer["model_version"]!));
        Assert.All(answer["outputs"]!.AsArray(), o => Assert.Equal(o!["shape"]!.AsArray().Aggregate(1, (product, size) => product * (int)size!), o["data"]!.AsArray().Count));
        if (allOutputs) Assert.Equal(model["outputs"]!.AsArray().Select(o => (string)o!["name"]!), answer["outputs"]!.AsArray().Select(o => (string)o!["name"]!));
    }

    [Theory]
    [InlineData("/v2/models/ward/infer", "{}", 400)]
    [InlineData("/v2/models/ward/infer", "{", 400)]
    [InlineData("/v2/models/ward/infer", """{"inputs":[{"name":"input","datatype":"FP32","shape":[1,1],"data":[1]}]}""", 400)]
    [InlineData("/v2/models/nobody/infer", "{}", 404)]
    public async Task A_refusal_has_the_protocols_form(string path, string body, int status)
    {
        await using var running = await RunningServer.StartAsync();

        var refused = await running.RefusedAsync(path, body);

        Assert.Equal(status, refused.Status);
        await IsAsync("error_response", refused.Body.ToJsonString());
    }

    [Fact]
    public async Task The_grammar_refuses_what_is_not_of_its_form()
    {
        var schema = await SchemaAsync("inference_response");

        Assert.NotEmpty(schema.Validate("""{"model_name":"ward"}"""));
        Assert.NotEmpty(schema.Validate("""{"model_name":"ward","outputs":[{"name":"p","shape":[1],"datatype":"FLOAT","data":[1]}]}"""));
        Assert.Empty(schema.Validate("""{"model_name":"ward","outputs":[{"name":"p","shape":[1],"datatype":"FP32","data":[1]}]}"""));
    }

    private static async Task IsAsync(string form, string json) =>
        Assert.True((await SchemaAsync(form)).Validate(json) is { Count: 0 }, $"{json} is no {form}: {string.Join("; ", (await SchemaAsync(form)).Validate(json))}");

    private static Task<JsonSchema> SchemaAsync(string form) => JsonSchema.FromJsonAsync($$"""{ "$ref": "#/definitions/{{form}}", "definitions": {{Grammar}} }""");
}
