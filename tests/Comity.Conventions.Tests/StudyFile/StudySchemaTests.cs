using Comity.Testing;

namespace Comity.Conventions.Tests.StudyFile;

/// <summary>The JSON Schema that stands in the project, for editors, is the one that the tool prints.</summary>
public sealed class StudySchemaTests
{
    private const string Schema = "docs/study.schema.json";

    [Fact]
    public async Task The_schema_beside_the_docs_is_the_one_that_the_tool_prints()
    {
        var printed = await CommandProcess.RunComityAsync(["schema", "--lang", "en"], TimeSpan.FromSeconds(60));
        Assert.True(printed.ExitCode == 0, printed.ToString());
        var path = Repository.At(Schema);
        if (Environment.GetEnvironmentVariable("COMITY_APPROVE") == "1") await File.WriteAllTextAsync(path, printed.Output);
        Assert.True(File.Exists(path) && await File.ReadAllTextAsync(path) == printed.Output,
            $"{Schema} is behind the code. Accept it:  COMITY_APPROVE=1 dotnet test tests/Comity.Conventions.Tests");
    }
}
