using System.Text.Json;
using System.Text.Json.Nodes;
using Comity.Data.Contracts;
using Comity.Serving.Inference;
using Comity.Serving.Protocol;
using Microsoft.AspNetCore.Http;

namespace Comity.Serving.Hosting;

/// <summary>What the Open Inference Protocol tells of server and models.</summary>
internal static class Metadata
{
    private static readonly JsonSerializerOptions Options = new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static JsonObject Live() => new() { ["live"] = true };

    public static JsonObject Ready(bool ready) => new() { ["live"] = true, ["ready"] = ready };

    public static JsonObject Server(ServerOptions options) => new()
    {
        ["name"] = "comity",
        ["version"] = options.ToolVersion,
        ["extensions"] = new JsonArray("binary_tensor_data", "model_repository"),
    };

    public static JsonObject ModelReady(ModelVersion version) => new() { ["name"] = version.Name, ["ready"] = true };

    public static JsonObject Model(ModelVersion version, ModelRoute route)
    {
        var model = version.Model;
        var inputs = new JsonArray();
        if (model.Records is { } records)
            foreach (var field in records.Fields) inputs.Add(Tensor(field.Column, field.Kind == FeatureKind.Number ? "FP64" : "BYTES", -1, 1));
        else inputs.Add(Tensor(TensorReader.EncodedInput, "FP32", -1, model.Inputs));
        var outputs = new JsonArray(Tensor(version.Texts.OutputName, "FP32", -1, model.Outputs));
        if (model.Classes.Count > 0) outputs.Add(Tensor(AnswerWriter.LabelOutput, "BYTES", -1));
        return new JsonObject
        {
            ["name"] = version.Name,
            ["versions"] = new JsonArray([.. route.All.Keys.Order(StringComparer.Ordinal).Select(v => JsonValue.Create(v))]),
            ["platform"] = "comity",
            ["inputs"] = inputs,
            ["outputs"] = outputs,
            // Whoever encodes records already sends this one tensor instead of the columns.
            ["parameters"] = new JsonObject
            {
                ["version"] = version.Version,
                ["encoded_input"] = Tensor(TensorReader.EncodedInput, "FP32", -1, model.Inputs),
                // On request besides the outputs: what feedback names an answer by.
                ["answer_id"] = Tensor(AnswerWriter.IdOutput, "BYTES", -1),
                ["classes"] = new JsonArray([.. model.Classes.Select(c => JsonValue.Create(c))]),
                ["release_sha256"] = model.Sha256,
            },
        };
    }

    public static JsonArray Index(ModelRegistry registry) =>
        new([.. registry.Routes.Values.SelectMany(r => r.All.Values.Select(v => (JsonNode)new JsonObject { ["name"] = v.Name, ["version"] = v.Version, ["state"] = "READY", ["reason"] = "" }))]);

    public static Task WriteAsync(HttpContext context, JsonNode node, int status = 200)
    {
        var bytes = JsonSerializer.SerializeToUtf8Bytes(node, Options);
        (context.Response.StatusCode, context.Response.ContentType, context.Response.ContentLength) = (status, "application/json", bytes.Length);
        return HttpMethods.IsHead(context.Request.Method) ? Task.CompletedTask : context.Response.Body.WriteAsync(bytes).AsTask();
    }

    private static JsonObject Tensor(string name, string datatype, params ReadOnlySpan<int> shape)
    {
        var sizes = new JsonArray();
        foreach (var size in shape) sizes.Add(size);
        return new JsonObject { ["name"] = name, ["datatype"] = datatype, ["shape"] = sizes };
    }
}
