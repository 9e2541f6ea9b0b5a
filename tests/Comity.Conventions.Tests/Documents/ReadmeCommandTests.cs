using Comity.Testing;

namespace Comity.Conventions.Tests.Documents;

/// <summary>A newcomer types what the README says; so does CI, from the same lines.</summary>
public sealed class ReadmeCommandTests
{
    private const string MainJob = "dotnet run -c Release --project apps/Comity.Cli -- run examples/two-clinics";

    [Fact]
    public void The_readme_begins_with_the_two_commands_that_do_everything() =>
        Assert.Equal([MainJob, "dotnet test"], Markdown.Commands("README.md").Take(2));

    [Fact]
    public void Both_readmes_give_the_same_commands() =>
        Assert.Equal(Markdown.Commands("README.md"), Markdown.Commands("README.zh-CN.md"));

    [Fact]
    public async Task Ci_runs_the_commands_that_stand_in_the_readme()
    {
        Assert.Contains("bash .ci/readme-commands README.md", await File.ReadAllTextAsync(Repository.At(".ci/run")), StringComparison.Ordinal);

        await using var script = CommandProcess.Start("bash", [Repository.At(".ci/readme-commands"), Repository.At("README.md")]);
        var result = await script.WaitAsync(TimeSpan.FromSeconds(30));

        Assert.True(result.ExitCode == 0, result.ToString());
        Assert.Equal(Markdown.Commands("README.md"), result.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }

    [Fact]
    public void Every_project_example_and_option_that_a_command_names_exists()
    {
        foreach (var command in Markdown.Commands("README.md"))
        {
            var words = command.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            foreach (var path in words.Where(w => w.Contains('/', StringComparison.Ordinal)))
                Assert.True(Directory.Exists(Repository.At(path)) || File.Exists(Repository.At(path)), $"'{command}' names {path}, which is not there.");
        }
    }
}
