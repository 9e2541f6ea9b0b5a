using Comity.Testing;

namespace Comity.EndToEnd.Tests;

/// <summary>What a newcomer reads first.</summary>
public sealed class HelpTests
{
    [Fact]
    public async Task Help_lists_the_commands_an_example_and_the_exit_codes()
    {
        var help = await Cli.RunAsync(Repository.Root, "--help");

        Assert.Equal(0, help.ExitCode);
        Assert.Contains("comity run examples/two-clinics", help.Output, StringComparison.Ordinal);
        Assert.Contains("130  Stopped by Ctrl-C", help.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Every_command_explains_itself_with_an_example()
    {
        var waiting = new Queue<string[]>([[]]);
        var seen = 0;
        while (waiting.TryDequeue(out var command))
        {
            var help = await Cli.RunAsync(Repository.Root, [.. command, "--help", "--lang", "en"]);
            Assert.True(help.ExitCode == 0, string.Join(' ', command) + "\n" + help);
            Assert.Contains("Examples:\n  ", help.Output, StringComparison.Ordinal);
            seen++;
            var listed = help.Output.Split("Commands:\n").ElementAtOrDefault(1)?.Split("\n\n")[0] ?? "";
            foreach (var line in listed.Split('\n').Where(l => l.StartsWith("  ", StringComparison.Ordinal) && char.IsAsciiLetterLower(l[2]))) waiting.Enqueue([.. command, line.Trim().Split(' ')[0]]);
        }
        Assert.True(seen > 40, $"{seen} commands");
    }

    [Fact]
    public async Task Help_names_arguments_by_what_they_are_whatever_the_folder_holds()
    {
        var help = await Cli.RunAsync(Repository.Root, "--help");

        foreach (var usage in new[] { "run <STUDY>", "check <STUDY>", "predict <MODEL_DIR>", "report <RUN_DIR>" })
            Assert.Contains(usage, help.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("README.md", help.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Whoever_names_a_coordinator_is_told_how()
    {
        foreach (var command in new[] { "submit", "watch", "results" })
        {
            var help = await Cli.RunAsync(Repository.Root, command, "--help", "--lang", "en");
            Assert.Matches(@"--to <URL\|CODE>\s+The coordinator: its address, or the join code", help.Output.Replace("\n", " ", StringComparison.Ordinal));
            Assert.Contains("COMITY_COORDINATOR", help.Output, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Help_speaks_Chinese_when_the_user_does()
    {
        var help = await Cli.RunAsync(Repository.Root, "help", "exit-codes", "--lang", "zh-Hans");

        Assert.Equal(0, help.ExitCode);
        Assert.Contains("无法理解命令行", help.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_misspelt_command_is_a_usage_error_that_names_the_help()
    {
        var result = await Cli.RunAsync(Repository.Root, "runn", "examples/two-clinics");

        Assert.Equal(2, result.ExitCode);
        Assert.Contains("runn", result.Error, StringComparison.Ordinal);
        Assert.Contains("comity --help", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Output_that_is_not_a_terminal_holds_no_escape_codes()
    {
        var result = await Cli.RunAsync(Repository.Root, "--help");

        Assert.DoesNotContain("\u001b", result.Output + result.Error, StringComparison.Ordinal);
    }
}
