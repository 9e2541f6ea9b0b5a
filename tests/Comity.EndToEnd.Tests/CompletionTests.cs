using Comity.Testing;

namespace Comity.EndToEnd.Tests;

/// <summary>The shell asks the tool itself what can come next.</summary>
public sealed class CompletionTests
{
    [Theory]
    [InlineData("comity ru", "run")]
    [InlineData("comity data ", "describe")]
    [InlineData("comity run --re", "--resume")]
    [InlineData("comity run . --width ", "256")]
    [InlineData("comity privacy ", "noise")]
    [InlineData("comity privacy epsilon --accountant ", "rdp")]
    [InlineData("comity privacy noise --relation ", "replace-one")]
    public async Task The_tool_suggests_what_can_come_next(string typed, string expected)
    {
        var result = await Cli.RunAsync(Repository.Root, $"[suggest:{typed.Length}]", typed);

        Assert.Equal(0, result.ExitCode);
        Assert.Contains(expected, result.Output.Split('\n'));
    }

    [Fact]
    public async Task Paths_of_studies_are_completed()
    {
        var result = await Cli.RunAsync(Repository.Root, "[suggest:18]", "comity run exampl");

        Assert.Contains("examples/", result.Output.Split('\n'));
    }

    [Theory]
    [InlineData("bash", "complete -F")]
    [InlineData("zsh", "compdef")]
    [InlineData("pwsh", "Register-ArgumentCompleter")]
    public async Task Each_shell_has_its_script(string shell, string expected)
    {
        var result = await Cli.RunAsync(Repository.Root, "completion", shell);

        Assert.Equal(0, result.ExitCode);
        Assert.Contains(expected, result.Output, StringComparison.Ordinal);
    }
}
