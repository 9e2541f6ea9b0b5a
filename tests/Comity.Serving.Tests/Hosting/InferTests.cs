using System.Buffers.Binary;
using System.Net.Http.Headers;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json.Nodes;

namespace Comity.Serving.Tests.Hosting;

/// <summary>The Open Inference Protocol 2, by its own words: names, shapes, datatypes, binary data.</summary>
public sealed class InferTests
{
    private const string Path = "/v2/models/ward/infer";
    private static readonly float[] Encoded = [0.5f, -1, 1, 0, 0, 1.25f, 0, 0, 0, 1];

    private static float[] Expected()
    {
        var outputs = new float[4];
        SmallRelease.Model().Predict(Encoded, 2, outputs);
        return outputs;
    }

    private static string Numbers(IEnumerable<float> values) => string.Join(", ", values.Select(v => v.ToString("R", System.Globalization.CultureInfo.InvariantCulture)));

    [Theory]
    [InlineData("flat")]
    [InlineData("nested")]
    [InlineData("data first")]
    [InlineData("FP64")]
    public async Task Encoded_input_gets_the_models_own_answer_however_it_is_written(string form)
    {
        await using var server = await RunningServer.StartAsync();
        var data = form == "nested" ? $"[[{Numbers(Encoded[..5])}], [{Numbers(Encoded[5..])}]]" : $"[{Numbers(Encoded)}]";
        var tensor = form switch
        {
            "data first" => $$"""{"data": {{data}}, "datatype": "FP32", "shape": [2, 5], "name": "input"}""",
            "FP64" => $$"""{"name": "input", "shape": [2, 5], "datatype": "FP64", "data": {{data}}}""",
            _ => $$"""{"name": "input", "shape": [2, 5], "datatype": "FP32", "data": {{data}}}""",
        };

        var answer = await server.AnswerAsync(Path, $$"""{"id": "42", "inputs": [{{tensor}}]}""");

        Assert.Equal("42", (string)answer["id"]!);
        Assert.Equal("ward", (string)answer["model_name"]!);
        Assert.Equal(["probabilities", "label"], answer["outputs"]!.AsArray().Select(o => (string)o!["name"]!)); // none is named, so all are meant
        var output = answer["outputs"]![0]!;
        Assert.Equal("FP32", (string)output["datatype"]!);
        Assert.Equal([2, 2], output["shape"]!.AsArray().Select(n => (int)n!));
        Assert.Equal(Expected(), output["data"]!.AsArray().Select(n => (float)n!));
        var labels = Enumerable.Range(0, 2).Select(row => Expected()[(row * 2) + 1] >= 0.5 ? "ill" : "healthy");
        Assert.True(labels.SequenceEqual(answer["outputs"]![1]!["data"]!.AsArray().Select(l => (string)l!)), answer.ToJsonString());
    }

    [Fact]
    public async Task Binary_tensors_go_both_ways()
    {
        await using var server = await RunningServer.StartAsync();
        var json = Encoding.UTF8.GetBytes("""{"inputs": [{"name": "input", "shape": [2, 5], "datatype": "FP32", "parameters": {"binary_data_size": 40}}], "outputs": [{"name": "probabilities"}, {"name": "label", "parameters": {"binary_data": false}}], "parameters": {"binary_data_output": true}}""");
        using var content = new ByteArrayContent([.. json, .. MemoryMarshal.AsBytes(Encoded.AsSpan())]);
        content.Headers.ContentType = new MediaTypeHeaderValue("application/octet-stream");
        content.Headers.Add("Inference-Header-Content-Length", json.Length.ToString(System.Globalization.CultureInfo.InvariantCulture));

        using var response = await server.Client.PostAsync(Path, content);
        var bytes = await response.Content.ReadAsByteArrayAsync();
        Assert.True(response.IsSuccessStatusCode, Encoding.UTF8.GetString(bytes));
        var length = int.Parse(response.Headers.GetValues("Inference-Header-Content-Length").Single(), System.Globalization.CultureInfo.InvariantCulture);
        var answer = JsonNode.Parse(bytes.AsSpan(0, length))!;

        Assert.Equal(16, (int)answer["outputs"]![0]!["parameters"]!["binary_data_size"]!);
        Assert.Equal(Expected(), MemoryMarshal.Cast<byte, float>(bytes.AsSpan(length)).ToArray());
        Assert.Equal(2, answer["outputs"]![1]!["data"]!.AsArray().Count);
    }

    [Fact]
    public async Task Columns_as_tensors_give_what_records_give()
    {
        await using var server = await RunningServer.StartAsync();
        var records = await server.AnswerAsync("/predict", """[{"age": 63, "dose": 2.5, "ward": "b"}, {"age": 30, "ward": "c"}]""");

        var json = await server.AnswerAsync(Path, """
            {"inputs": [
              {"name": "ward", "shape": [2, 1], "datatype": "BYTES", "data": ["b", "c"]},
              {"name": "age", "shape": [2], "datatype": "INT64", "data": [63, 30]},
              {"name": "dose", "shape": [2, 1], "datatype": "FP64", "data": [[2.5], [null]]}],
             "outputs": [{"name": "probabilities"}, {"name": "answer_id"}]}
            """);

        var expected = records["predictions"]!.AsArray().Select(p => (float)p!["probabilities"]!["ill"]!);
        Assert.Equal(expected, json["outputs"]![0]!["data"]!.AsArray().Where((_, i) => i % 2 == 1).Select(n => (float)n!));
        Assert.Equal(2, json["outputs"]![1]!["data"]!.AsArray().Distinct().Count());
    }

    [Fact]
    public async Task Columns_may_be_binary()
    {
        await using var server = await RunningServer.StartAsync();
        var expected = await server.AnswerAsync("/predict", """{"age": 63, "dose": 2.5, "ward": "b"}""");
        var json = Encoding.UTF8.GetBytes("""{"inputs": [{"name": "age", "shape": [1], "datatype": "INT32", "parameters": {"binary_data_size": 4}}, {"name": "ward", "shape": [1], "datatype": "BYTES", "parameters": {"binary_data_size": 5}}, {"name": "dose", "shape": [1], "datatype": "FP32", "data": [2.5]}]}""");
        var binary = new byte[9];
        BinaryPrimitives.WriteInt32LittleEndian(binary, 63);
        BinaryPrimitives.WriteInt32LittleEndian(binary.AsSpan(4), 1);
        binary[8] = (byte)'b';
        using var content = new ByteArrayContent([.. json, .. binary]);
        content.Headers.Add("Inference-Header-Content-Length", json.Length.ToString(System.Globalization.CultureInfo.InvariantCulture));

        using var response = await server.Client.PostAsync(Path, content);
        var answer = JsonNode.Parse(await response.Content.ReadAsStringAsync())!;

        Assert.Equal((float)expected["probabilities"]!["ill"]!, (float)answer["outputs"]![0]!["data"]![1]!);
    }

    public static TheoryData<string, string> BadInput => new()
    {
        { """{"inputs": [{"name": "input", "shape": [1, 4], "datatype": "FP32", "data": [1, 2, 3, 4]}]}""", "tensor-shape" },
        { """{"inputs": [{"name": "input", "shape": [1, 5], "datatype": "FP32", "data": [1, 2, 3, 4]}]}""", "tensor-count" },
        { """{"inputs": [{"name": "input", "shape": [1, 5], "datatype": "FP32", "data": [1, 2, 3, 4, 5, 6]}]}""", "tensor-count" },
        { """{"inputs": [{"name": "input", "shape": [-1, 5], "datatype": "FP32", "data": []}]}""", "tensor-shape" },
        { """{"inputs": [{"name": "input", "shape": [9223372036854775807, 5], "datatype": "FP32", "data": []}]}""", "tensor-shape" },
        { """{"inputs": [{"name": "input", "shape": [1, 5], "datatype": "FP32", "data": [1, 2, "three", 4, 5]}]}""", "tensor-not-number" },
        { """{"inputs": [{"name": "input", "shape": [1, 5], "datatype": "FP32", "data": [1, 2, 1e300, 4, 5]}]}""", "tensor-not-finite" },
        { """{"inputs": [{"name": "input", "shape": [1, 5], "datatype": "BYTES", "data": [1, 2, 3, 4, 5]}]}""", "tensor-datatype" },
        { """{"inputs": [{"name": "inputs", "shape": [1, 5], "datatype": "FP32", "data": [1, 2, 3, 4, 5]}]}""", "tensor-unknown" },
        { """{"inputs": [{"name": "age", "shape": [1], "datatype": "FP64", "data": [60]}, {"name": "dose", "shape": [2], "datatype": "FP64", "data": [1, 2]}]}""", "tensor-shape" },
        { """{"inputs": [{"name": "age", "shape": [1], "datatype": "FP64", "data": ["old"]}]}""", "value-not-number" },
        { """{"inputs": [{"name": "age", "shape": [1], "datatype": "FP64"}]}""", "tensor-data-form" },
        { """{"inputs": [{"name": "input", "shape": [1, 5], "datatype": "FP32", "parameters": {"binary_data_size": 20}}]}""", "tensor-binary" },
        { """{"inputs": [{"name": "input", "shape": [1, 5], "datatype": "FP32", "data": [1, 2, 3, 4, 5]}], "outputs": [{"name": "logits"}]}""", "output-unknown" },
        { """{"inputs": []}""", "infer-form" },
        { """{"inputs": 7}""", "infer-form" },
        { "[]", "infer-form" },
        { """{"inputs": [{"name": 7, "shape": [1, 5], "datatype": "FP32", "data": [1, 2, 3, 4, 5]}]}""", "body-not-json" },
        { "{", "body-not-json" },
    };

    [Theory]
    [MemberData(nameof(BadInput))]
    public async Task Bad_input_is_the_protocols_error(string body, string code)
    {
        await using var server = await RunningServer.StartAsync();

        var (status, error) = await server.RefusedAsync(Path, body);

        Assert.Equal((400, code), (status, (string)error["code"]!));
        Assert.NotEmpty((string)error["error"]!);
    }

    [Fact]
    public async Task Binary_NaN_is_refused()
    {
        await using var server = await RunningServer.StartAsync();
        var json = Encoding.UTF8.GetBytes("""{"inputs": [{"name": "input", "shape": [1, 5], "datatype": "FP32", "parameters": {"binary_data_size": 20}}]}""");
        using var content = new ByteArrayContent([.. json, .. MemoryMarshal.AsBytes(new float[] { 1, 2, float.NaN, 4, 5 }.AsSpan())]);
        content.Headers.Add("Inference-Header-Content-Length", json.Length.ToString(System.Globalization.CultureInfo.InvariantCulture));

        using var response = await server.Client.PostAsync(Path, content);

        Assert.Equal("tensor-not-finite", (string)JsonNode.Parse(await response.Content.ReadAsStringAsync())!["code"]!);
    }

    [Theory]
    [InlineData("/v2", "name version extensions")]
    [InlineData("/v2/", "name version extensions")]
    [InlineData("/v2/models/ward", "name versions platform inputs outputs")]
    [InlineData("/v2/models/ward/versions/1.0.0", "name versions platform inputs outputs")]
    [InlineData("/v2/models/ward/ready", "name ready")]
    [InlineData("/v2/models/ward/versions/1.0.0/ready", "name ready")]
    [InlineData("/v2/health/live", "live")]
    [InlineData("/v2/health/ready", "live")]
    public async Task Metadata_hold_what_the_protocol_requires(string path, string keys)
    {
        await using var server = await RunningServer.StartAsync();

        var answer = JsonNode.Parse(await server.Client.GetStringAsync(path))!.AsObject();

        Assert.Empty(keys.Split(' ').Except(answer.Select(p => p.Key)));
        foreach (var tensor in (answer["inputs"]?.AsArray() ?? []).Concat(answer["outputs"]?.AsArray() ?? []))
            Assert.Equal(["name", "datatype", "shape"], tensor!.AsObject().Select(p => p.Key));
    }
}
