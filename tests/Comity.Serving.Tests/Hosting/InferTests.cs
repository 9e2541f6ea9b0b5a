using System.Buffers.Binary;
using System.Net.Http.Headers;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json.Nodes;
using Comity.Learning;
using Comity.Learning.Models;
using Comity.Tensors.Randomness;

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
        Assert.Equal(ByHand(Encoded).Select(LabelOf), answer["outputs"]![1]!["data"]!.AsArray().Select(l => (string)l!));
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
        Assert.Equal(ByHand(Encoded).Select(LabelOf), answer["outputs"]![1]!["data"]!.AsArray().Select(l => (string)l!));
    }

    [Fact]
    public async Task Every_row_of_a_batch_gets_the_probability_and_the_label_that_its_weights_give_by_hand()
    {
        const int Each = 40, Rows = 2 * Each;
        var random = Seed.Of(21).ToRandom();
        var drawn = Enumerable.Range(0, 4000).Select(_ => Enumerable.Range(0, 5).Select(_ => 4 * (float)random.NextGaussian()).ToArray()).ToLookup(row => LabelOf(ByHand(row).Single()));
        // The labels take turns, so none can stand for another.
        var input = drawn["ill"].Take(Each).Zip(drawn["healthy"], (ill, healthy) => (float[])[.. ill, .. healthy]).SelectMany(pair => pair).ToArray();
        Assert.Equal(Rows * 5, input.Length);
        var expected = ByHand(input).ToList();
        await using var server = await RunningServer.StartAsync();

        var answer = await server.AnswerAsync(Path, $$"""{"inputs": [{"name": "input", "shape": [{{Rows}}, 5], "datatype": "FP32", "data": [{{Numbers(input)}}]}]}""");

        var probabilities = answer["outputs"]![0]!["data"]!.AsArray().Select(n => (double)n!).ToArray();
        for (var row = 0; row < Rows; row++)
        {
            Assert.Equal(expected[row], probabilities[(2 * row) + 1], 5e-7);
            Assert.Equal(1 - expected[row], probabilities[2 * row], 5e-7);
        }
        Assert.Equal(expected.Select(LabelOf), answer["outputs"]![1]!["data"]!.AsArray().Select(l => (string)l!));
    }

    [Fact]
    public async Task Data_of_their_own_follow_the_same_description_and_another_one_counts_for_itself()
    {
        await using var server = await RunningServer.StartAsync();
        var random = Seed.Of(22).ToRandom();
        // The spaces move the data to every address that a float may begin at; one row and three take turns, and each is sent twice in a row.
        for (var turn = 0; turn < 32; turn++)
        {
            var rows = turn / 2 % 2 == 0 ? 1 : 3;
            var input = Enumerable.Range(0, rows * 5).Select(_ => (float)random.NextGaussian()).ToArray();
            var json = Encoding.UTF8.GetBytes(new string(' ', turn / 4) + $$$"""{"inputs": [{"name": "input", "shape": [{{{rows}}}, 5], "datatype": "FP32", "parameters": {"binary_data_size": {{{rows * 20}}}}}], "outputs": [{"name": "probabilities"}]}""");
            using var content = new ByteArrayContent([.. json, .. MemoryMarshal.AsBytes(input.AsSpan())]);
            content.Headers.Add("Inference-Header-Content-Length", json.Length.ToString(System.Globalization.CultureInfo.InvariantCulture));

            using var response = await server.Client.PostAsync(Path, content);
            var answer = JsonNode.Parse(await response.Content.ReadAsStringAsync())!;

            var ill = answer["outputs"]![0]!["data"]!.AsArray().Where((_, i) => i % 2 == 1).Select(n => (double)n!).ToList();
            Assert.Equal(rows, ill.Count);
            foreach (var (expected, actual) in ByHand(input).Zip(ill)) Assert.Equal(expected, actual, 5e-7);
            if (turn % 8 != 7) continue;
            // A refused one in between leaves nothing behind.
            using var refused = new ByteArrayContent([.. json, 1, 2, 3]);
            refused.Headers.Add("Inference-Header-Content-Length", json.Length.ToString(System.Globalization.CultureInfo.InvariantCulture));
            using var error = await server.Client.PostAsync(Path, refused);
            Assert.Equal("tensor-binary", (string)JsonNode.Parse(await error.Content.ReadAsStringAsync())!["code"]!);
        }
    }

    /// <summary>The probability of the second class by row, from the release's weights in double precision, one sum after another.</summary>
    private static IEnumerable<double> ByHand(float[] input)
    {
        var model = ModelFactory.Create(new MlpSection { Hidden = [8] }, 5, TaskKind.Binary, 2);
        var parameters = new float[model.Layout.Length];
        model.Initialise(parameters, Seed.Of(1).ToRandom());
        float[] Of(string name) => model.Layout.Slice(parameters, model.Layout.Entries.Single(e => e.Name == name)).ToArray();
        var (weight, bias, outWeight, outBias) = (Of("hidden.0.weight"), Of("hidden.0.bias"), Of("output.weight"), Of("output.bias"));
        for (var row = 0; row < input.Length / 5; row++)
        {
            double score = outBias[0];
            for (var h = 0; h < 8; h++)
            {
                double sum = bias[h];
                for (var i = 0; i < 5; i++) sum += (double)input[(row * 5) + i] * weight[(i * 8) + h];
                score += Math.Max(0, sum) * outWeight[h];
            }
            yield return 1 / (1 + Math.Exp(-score));
        }
    }

    private static string LabelOf(double ill) => ill >= 0.5 ? "ill" : "healthy";

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
