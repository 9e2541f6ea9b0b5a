using Comity.Testing;

namespace Comity.Conventions.Tests.Testing;

/// <summary>The tool that end-to-end tests trust, tried on programs whose behaviour is known.</summary>
public sealed class CommandProcessTests
{
    private static readonly TimeSpan Long = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task Both_streams_and_the_exit_code_are_kept_apart()
    {
        await using var command = CommandProcess.Start("sh", ["-c", "echo out; echo err >&2; exit 7"]);
        Assert.Equal(new CommandResult(7, "out\n", "err\n"), await command.WaitAsync(Long));
    }

    [Fact]
    public async Task A_command_past_its_limit_is_killed_and_reported()
    {
        await using var command = CommandProcess.Start("sh", ["-c", "echo begun; sleep 600"]);
        var late = await Assert.ThrowsAsync<TimeoutException>(() => command.WaitAsync(TimeSpan.FromMilliseconds(300)));
        Assert.Contains("begun", late.Message, StringComparison.Ordinal);
        await command.WaitUntilAsync(c => c.HasExited, Long);
        Assert.True(command.HasExited);
    }

    [Fact]
    public async Task An_interrupt_arrives_as_ctrl_c_would()
    {
        await using var command = CommandProcess.Start("bash", ["-c", "trap 'echo stopped; exit 130' INT; echo ready; while :; do sleep 0.05; done"]);
        Assert.True(await command.WaitUntilAsync(c => c.Output.Contains("ready", StringComparison.Ordinal), Long));
        command.Interrupt();
        var result = await command.WaitAsync(Long);
        Assert.Equal(130, result.ExitCode);
        Assert.Contains("stopped", result.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_kill_leaves_no_time_to_clean_up()
    {
        await using var command = CommandProcess.Start("bash", ["-c", "trap 'echo cleaned' EXIT; echo ready; while :; do sleep 0.05; done"]);
        Assert.True(await command.WaitUntilAsync(c => c.Output.Contains("ready", StringComparison.Ordinal), Long));
        command.Kill();
        var result = await command.WaitAsync(Long);
        Assert.Equal(137, result.ExitCode);
        Assert.DoesNotContain("cleaned", result.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void A_temporary_folder_is_gone_afterwards()
    {
        string path;
        using (var folder = new TempFolder())
        {
            path = folder.Write("deep/file.txt", "text");
            Assert.True(File.Exists(path));
        }
        Assert.False(Directory.Exists(Path.GetDirectoryName(path)));
    }
}
