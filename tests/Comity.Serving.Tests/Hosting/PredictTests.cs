using System.Net;
using System.Text.Json.Nodes;
using Comity.Data.Records;
using Comity.Serving.Hosting;
using Comity.Serving.Inference;
using Comity.Serving.Releases;

namespace Comity.Serving.Tests.Hosting;

/// <summary><c>/predict</c> for people's programs: records in, labels out, and every bad input named.</summary>
public sealed class PredictTests
{
    private const string Record = """{"age": 63, "dose": 2.5, "ward": "b", "sex": "f"}""";

    [Fact]
    public async Task A_record_gets_the_models_own_answer()
    {
        await using var server = await RunningServer.StartAsync();
        var model = SmallRelease.Model();
        var (input, output) = (new float[model.Inputs], new float[2]);
        var encoder = new RecordEncoder(SmallRelease.Preprocessing);
        encoder.Text(0, "63"u8, input);
        encoder.Text(1, "2.5"u8, input);
        encoder.Text(2, "b"u8, input);
        model.Predict(input, 1, output);

        var answer = await server.AnswerAsync("/predict", Record);

        Assert.Equal(output[1], (float)answer["probabilities"]!["ill"]!);
        Assert.Equal(output[0], (float)answer["probabilities"]!["healthy"]!);
        Assert.Equal(output[1] >= 0.5f ? "ill" : "healthy", (string)answer["label"]!);
        Assert.Equal("1.0.0", (string)answer["version"]!);
        Assert.Empty(answer["missing"]!.AsArray());
    }

    [Fact]
    public async Task What_was_missing_or_out_of_range_is_said_with_the_answer()
    {
        await using var server = await RunningServer.StartAsync();

        var answer = await server.AnswerAsync("/predict", """{"age": 163, "ward": null}""");

        Assert.Equal(["dose", "ward"], answer["missing"]!.AsArray().Select(n => (string)n!));
        Assert.Equal(["age"], answer["outOfRange"]!.AsArray().Select(n => (string)n!));
    }

    [Fact]
    public async Task Lists_and_CSV_give_what_single_records_give()
    {
        await using var server = await RunningServer.StartAsync();
        var one = await server.AnswerAsync("/predict", Record);
        var two = await server.AnswerAsync("/predict", """{"dose": "0.5", "ward": "c", "age": 41.0}""");
        double[] expected = [(double)one["certainty"]!, (double)two["certainty"]!];

        foreach (var answer in new[]
        {
            await server.AnswerAsync("/predict/ward", $$"""[{{Record}}, {"age": 41, "dose": 0.5, "ward": "c"}]"""),
            await server.AnswerAsync("/predict/ward/1.0.0", $$"""{"records": [{{Record}}, {"age": 41, "dose": 0.5, "ward": "c"}]}"""),
            await server.AnswerAsync("/predict", "ward,age,sex,dose\r\nb,63,f,2.5\r\n\"c\",41,,0.5\r\n", "text/csv"),
        })
            Assert.Equal(expected, answer["predictions"]!.AsArray().Select(p => (double)p!["certainty"]!));
    }

    public static TheoryData<string, int, string, string> BadInput => new()
    {
        { """{"age": "old", "dose": 1}""", 400, "value-not-number", "age" },
        { """{"age": 1e300}""", 400, "value-not-finite", "age" },
        { """{"age": "NaN"}""", 400, "value-not-finite", "age" },
        { """{"agee": 63}""", 400, "column-not-known", "agee" },
        { """{"ill": 1}""", 400, "column-not-known", "ill" },
        { """{"ward": "z"}""", 400, "value-unseen", "ward" },
        { """{"age": [63]}""", 400, "value-form", "age" },
        { """{"age": 63, "age": 64}""", 400, "column-twice", "age" },
        { """{"age": NaN}""", 400, "body-not-json", "" },
        { """{"age": 63""", 400, "body-not-json", "" },
        { "", 400, "body-not-json", "" },
        { "7", 400, "record-form", "" },
        { "[7]", 400, "record-form", "records[0]" },
        { "[]", 400, "rows-none", "records" },
        { """[{"age": 63}, {"age": true}]""", 400, "value-not-number", "records[1].age" },
    };

    [Theory]
    [MemberData(nameof(BadInput))]
    public async Task Bad_input_is_refused_with_field_finding_and_expectation(string body, int status, string code, string field)
    {
        await using var server = await RunningServer.StartAsync();

        var (found, error) = await server.RefusedAsync("/predict", body);

        Assert.Equal(status, found);
        Assert.Equal(code, (string)error["code"]!);
        Assert.Equal(field, (string)error["problems"]![0]!["field"]!);
        Assert.NotEmpty((string)error["error"]!);
        Assert.All(["found", "expected", "remedy"], key => Assert.NotEmpty((string)error["problems"]![0]![key]!));
        await server.AnswerAsync("/predict", Record); // the server goes on
    }

    [Fact]
    public async Task All_problems_of_a_request_are_named_at_once_and_no_value_is_repeated()
    {
        await using var server = await RunningServer.StartAsync();

        var (_, error) = await server.RefusedAsync("/predict", """{"age": "Maria Kovács", "ward": "diagnosis-X", "colour": 3}""");

        Assert.Equal(["value-not-number", "value-unseen", "column-not-known"], error["problems"]!.AsArray().Select(p => (string)p!["code"]!));
        Assert.DoesNotContain("Kov", error.ToJsonString(), StringComparison.Ordinal);
        Assert.DoesNotContain("diagnosis", error.ToJsonString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_megabyte_of_JSON_is_refused()
    {
        await using var server = await RunningServer.StartAsync();

        var (status, error) = await server.RefusedAsync("/predict", "[" + string.Join(',', Enumerable.Repeat("""{"age": 50}""", 100_000)) + "]");

        Assert.Equal(413, status);
        Assert.Equal("body-too-large", (string)error["code"]!);
        await server.AnswerAsync("/predict", Record);
    }

    [Fact]
    public async Task An_unseen_value_counts_as_missing_where_so_asked()
    {
        await using var server = await RunningServer.StartAsync();

        var unseen = await server.AnswerAsync("/predict?unseen=missing", """{"age": 63, "dose": 1, "ward": "z"}""");
        var missing = await server.AnswerAsync("/predict", """{"age": 63, "dose": 1}""");

        Assert.Equal(["ward"], unseen["unseen"]!.AsArray().Select(n => (string)n!));
        Assert.Equal((double)missing["certainty"]!, (double)unseen["certainty"]!);
    }

    [Theory]
    [InlineData("/predict/heart", 404, "model-unknown")]
    [InlineData("/predict/ward/9.9.9", 404, "version-unknown-of")]
    [InlineData("/v2/models/ward/versions/9.9.9/infer", 404, "version-unknown-of")]
    [InlineData("/nowhere", 404, "path-unknown")]
    public async Task What_is_not_there_is_said_to_be_not_there(string path, int status, string code)
    {
        await using var server = await RunningServer.StartAsync();

        var (found, error) = await server.RefusedAsync(path, Record);

        Assert.Equal((status, code), (found, (string)error["code"]!));
    }

    [Fact]
    public async Task Errors_speak_the_language_of_the_request()
    {
        await using var server = await RunningServer.StartAsync();
        server.Client.DefaultRequestHeaders.Add("Accept-Language", "zh-CN,zh;q=0.9");

        var (_, error) = await server.RefusedAsync("/predict", """{"age": "old"}""");

        Assert.Contains("不是数字", (string)error["error"]!, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_a_model_the_server_lives_and_asks_to_come_back()
    {
        await using var server = await RunningServer.StartAsync(empty: true);

        using var response = await server.PostAsync("/predict", Record);

        Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
        Assert.NotNull(response.Headers.RetryAfter);
        Assert.Equal(HttpStatusCode.OK, (await server.Client.GetAsync("/v2/health/live")).StatusCode);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await server.Client.GetAsync("/v2/health/ready")).StatusCode);
    }

    [Fact]
    public async Task More_requests_than_allowed_are_asked_to_come_back()
    {
        await using var server = await RunningServer.StartAsync(o => o with { Limits = o.Limits with { InFlight = 0 } });

        using var response = await server.PostAsync("/predict", Record);

        Assert.Equal(HttpStatusCode.TooManyRequests, response.StatusCode);
        Assert.Equal(TimeSpan.FromSeconds(1), response.Headers.RetryAfter?.Delta);
    }

    [Fact]
    public async Task A_token_opens_what_its_role_allows()
    {
        using var folder = new Comity.Testing.TempFolder();
        var (predict, operate) = (AccessTokens.Create(), AccessTokens.Create());
        var file = folder.Write("tokens", $"# who may do what\n{AccessTokens.Line(predict, AccessRole.Predict, "ward 3")}\n{AccessTokens.Line(operate, AccessRole.Operate, "it")}\n");
        await using var server = await RunningServer.StartAsync(o => o with { Tokens = AccessTokens.Read(file) });

        async Task<HttpStatusCode> Ask(string? token, HttpMethod method, string path)
        {
            using var request = new HttpRequestMessage(method, path) { Content = method == HttpMethod.Post ? new StringContent(Record) : null };
            request.Content?.Headers.ContentType = new("application/json");
            if (token is not null) request.Headers.Authorization = new("Bearer", token);
            using var response = await server.Client.SendAsync(request);
            return response.StatusCode;
        }
        Assert.Equal(HttpStatusCode.Unauthorized, await Ask(null, HttpMethod.Post, "/predict"));
        Assert.Equal(HttpStatusCode.Unauthorized, await Ask(predict + "x", HttpMethod.Post, "/predict"));
        Assert.Equal(HttpStatusCode.OK, await Ask(predict, HttpMethod.Post, "/predict"));
        Assert.Equal(HttpStatusCode.Forbidden, await Ask(predict, HttpMethod.Get, "/feedback/summary"));
        Assert.Equal(HttpStatusCode.Forbidden, await Ask(predict, HttpMethod.Post, "/v2/repository/models/ward/load"));
        Assert.Equal(HttpStatusCode.OK, await Ask(operate, HttpMethod.Get, "/feedback/summary"));
        Assert.Equal(HttpStatusCode.OK, await Ask(null, HttpMethod.Get, "/v2/health/live")); // probes bear no token
        Assert.DoesNotContain(predict, File.ReadAllText(file), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_description_names_the_columns_of_the_contract()
    {
        await using var server = await RunningServer.StartAsync();

        var document = JsonNode.Parse(await server.Client.GetStringAsync("/openapi.json"))!;

        Assert.Equal("3.1.0", (string)document["openapi"]!);
        Assert.Equal(["age", "dose", "ward", "sex"], document["components"]!["schemas"]!["record-ward"]!["properties"]!.AsObject().Select(p => p.Key));
        foreach (var reference in References(document)) Assert.NotNull(document["components"]!["schemas"]![reference.Split('/')[^1]]);
    }

    [Theory]
    [InlineData("en", "Predict")]
    [InlineData("zh-Hans", "预测")]
    public async Task The_page_for_people_asks_for_the_contracts_columns(string language, string word)
    {
        await using var server = await RunningServer.StartAsync();

        using var response = await server.Client.GetAsync("/?lang=" + language);
        var page = await response.Content.ReadAsStringAsync();

        Assert.Contains(word, page, StringComparison.Ordinal);
        Assert.Contains("18 – 120", page, StringComparison.Ordinal);
        Assert.All(["age", "dose", "ward"], column => Assert.Contains($"name=\"{column}\"", page, StringComparison.Ordinal));
        Assert.Contains("default-src 'none'", string.Join(' ', response.Headers.GetValues("Content-Security-Policy")), StringComparison.Ordinal);
        Assert.DoesNotContain("http", page.Replace("http-equiv", "", StringComparison.Ordinal), StringComparison.Ordinal); // nothing from elsewhere
    }

    private static IEnumerable<string> References(JsonNode node) => node switch
    {
        JsonObject map => map.SelectMany(p => p.Key == "$ref" ? [(string)p.Value!] : p.Value is null ? [] : References(p.Value)),
        JsonArray list => list.SelectMany(n => n is null ? [] : References(n)),
        _ => [],
    };
}
