using Comity.Declarations;
using Comity.Federation.Studies;
using Comity.Testing;
using NJsonSchema;

namespace Comity.EndToEnd.Tests;

/// <summary>The shipped JSON Schema agrees with what the tool accepts.</summary>
public sealed class SchemaTests
{
    public static TheoryData<string> Examples =>
        new(Directory.EnumerateFiles(Repository.At("examples"), "study.yaml", SearchOption.AllDirectories).Select(Repository.Relative).Order(StringComparer.Ordinal));

    [Theory]
    [MemberData(nameof(Examples))]
    public async Task Every_example_satisfies_the_schema(string study)
    {
        var schema = await SchemaAsync();

        Assert.Empty(schema.Validate(Json(File.ReadAllText(Repository.At(study)))));
    }

    [Theory]
    [InlineData("epochs: 20", "epochz: 20")]
    [InlineData("learningRate: 0.01 }", "learningRate: fast }")]
    [InlineData("strategy: fedavg", "strategy: { kind: fedaverage }")]
    [InlineData("kind: number, range: [0, 120]", "kind: numeral")]
    [InlineData("csv: north.csv", "cvs: north.csv")]
    public async Task The_schema_refuses_what_the_tool_refuses(string good, string bad)
    {
        var schema = await SchemaAsync();
        Assert.Empty(schema.Validate(Json(SmallStudy.Yaml)));

        Assert.NotEmpty(schema.Validate(Json(SmallStudy.Yaml.Replace(good, bad, StringComparison.Ordinal))));
    }

    private static async Task<JsonSchema> SchemaAsync()
    {
        var result = await Cli.RunAsync(Repository.Root, "schema");
        Assert.True(result.ExitCode == 0, result.ToString());
        return await JsonSchema.FromJsonAsync(result.Output);
    }

    private static string Json(string yaml)
    {
        var problems = new ProblemList();
        var root = DeclaredFile.Parse(yaml, "study.yaml", problems);
        Assert.Empty(problems);
        return DeclaredJson.Write(root!);
    }
}
