using System.Globalization;
using System.Reflection;
using System.Xml.Linq;
using Comity.Testing;

namespace Comity.Conventions.Tests.Documents;

/// <summary>Each exit code has a help text in both languages and a row on its page.</summary>
public sealed class ExitCodeTests
{
    private static IReadOnlyList<string> Codes()
    {
        var type = Assembly.Load("comity").GetType("Comity.Cli.ExitCode", throwOnError: true)!;
        return [.. Enum.GetValues(type).Cast<object>().Select(c => Convert.ToInt32(c, CultureInfo.InvariantCulture)).Order().Select(c => c.ToString(CultureInfo.InvariantCulture))];
    }

    [Theory]
    [InlineData("apps/Comity.Cli/Resources/Messages.resx")]
    [InlineData("apps/Comity.Cli/Resources/Messages.zh-Hans.resx")]
    public void Each_exit_code_has_a_help_text_and_no_text_is_left_over(string file)
    {
        var texts = XDocument.Load(Repository.At(file)).Descendants("data")
            .Where(d => ((string)d.Attribute("name")!).StartsWith("exit.", StringComparison.Ordinal) && !string.IsNullOrWhiteSpace((string?)d.Element("value")))
            .Select(d => ((string)d.Attribute("name")!)["exit.".Length..]);
        Assert.Equal(Codes().Order(StringComparer.Ordinal), texts.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void The_page_of_exit_codes_has_a_row_for_each() =>
        Assert.Equal(Codes(), Markdown.Rows("docs/exit-codes.md").Select(r => r[0].Trim('`')));

    [Fact]
    public async Task The_tool_prints_a_line_for_each()
    {
        var help = await CommandProcess.RunComityAsync(["help", "exit-codes", "--lang", "en"], TimeSpan.FromSeconds(60));
        Assert.True(help.ExitCode == 0, help.ToString());
        Assert.Equal(Codes(), help.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => l.Trim().Split(' ')[0]).Where(w => w.All(char.IsAsciiDigit)));
    }
}
