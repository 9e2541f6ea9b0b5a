using System.Text.RegularExpressions;
using System.Xml.Linq;
using Comity.Testing;

namespace Comity.Insight.Tests.Report;

public sealed class ReportTextsTests
{
    [Theory]
    [InlineData("Report")]
    [InlineData("Messages")]
    public void Both_languages_have_the_same_keys_and_placeholders(string catalog)
    {
        var (english, chinese) = (Read(catalog + ".resx"), Read(catalog + ".zh-Hans.resx"));

        Assert.Equal(english.Keys.Order(), chinese.Keys.Order());
        Assert.All(english, text => Assert.Equal(Placeholders(text.Value), Placeholders(chinese[text.Key])));
        Assert.All(english.Where(t => t.Value.Any(char.IsLetter)), text => Assert.NotEqual("", chinese[text.Key].Trim()));
    }

    [Fact]
    public void Every_text_that_the_report_asks_for_exists_and_none_is_left_over()
    {
        var texts = Read("Report.resx").Keys.ToHashSet();
        var source = string.Join('\n', Directory.EnumerateFiles(Source(), "*.*", SearchOption.AllDirectories)
            .Where(f => f.EndsWith(".cs", StringComparison.Ordinal) || f.EndsWith(".razor", StringComparison.Ordinal))
            .Where(f => !f.Contains("/obj/", StringComparison.Ordinal) && !f.Contains("/bin/", StringComparison.Ordinal)).Select(File.ReadAllText));
        // A key is any literal that looks like one of ours; an interpolated one counts for all keys of its form.
        var families = texts.Select(t => t.Split('.')[0]).Distinct().ToList();
        var form = new Regex($"\"(?<key>(?:{string.Join('|', families)})\\.[^\"\\s]*)\"");
        var literal = form.Matches(source).Select(m => m.Groups["key"].Value).Where(k => !k.EndsWith(".css", StringComparison.Ordinal) && !k.EndsWith(".json", StringComparison.Ordinal)).ToHashSet();
        var prefixes = literal.Where(k => k.EndsWith('.')).ToList();
        var patterns = literal.Where(k => k.Contains('{', StringComparison.Ordinal))
            .Select(k => new Regex("^" + Regex.Replace(k, @"\{[^}]*\}", "[^ ]+") + "$")).ToList();

        Assert.DoesNotContain(literal, k => !k.EndsWith('.') && !k.Contains('{', StringComparison.Ordinal) && !texts.Contains(k));
        Assert.DoesNotContain(texts, t => !literal.Contains(t) && !prefixes.Exists(p => t.StartsWith(p, StringComparison.Ordinal)) && !patterns.Exists(p => p.IsMatch(t)));
    }

    [Fact]
    public void Every_metric_arm_and_test_has_its_words()
    {
        var texts = Read("Report.resx").Keys.ToHashSet();
        Assert.All(Insight.Evidence.MetricTraits.Known, metric =>
        {
            Assert.Contains("metric." + metric, texts);
            Assert.Contains("meaning." + metric, texts);
        });
        Assert.All(Enum.GetNames<Insight.Evidence.Verdict>(), verdict => Assert.Contains("verdict." + verdict, texts));
    }

    [Fact]
    public void Every_code_that_a_run_can_write_has_its_words()
    {
        var texts = Read("Report.resx").Keys.ToHashSet();
        var warnings = Codes("Comity.Federation/Runs/RunWarnings.cs", "[Ww]arn\\(\"([a-z-]+)\"");
        Assert.NotEmpty(warnings);
        Assert.All(warnings, code => Assert.Contains("warning." + code, texts));
        var judged = Codes("Comity.Learning/Evaluation/EvaluationWarnings.cs", "const string \\w+ = \"([a-z-]+)\"");
        Assert.NotEmpty(judged);
        Assert.All(judged, code => Assert.Contains("judged." + code, texts));
        var reasons = typeof(Comity.Federation.Rounds.RefusalReason).GetFields().Select(f => (string)f.GetRawConstantValue()!).ToList();
        Assert.NotEmpty(reasons);
        Assert.All(reasons, reason => Assert.Contains("reason." + reason, texts));
    }

    private static List<string> Codes(string file, string pattern) =>
        [.. Regex.Matches(File.ReadAllText(Path.Combine(Source(), "..", file)), pattern).Select(m => m.Groups[1].Value).Distinct()];

    private static Dictionary<string, string> Read(string file) => XDocument.Load(Path.Combine(Source(), "Resources", file))
        .Descendants("data").ToDictionary(d => (string)d.Attribute("name")!, d => d.Element("value")!.Value);

    private static IEnumerable<string> Placeholders(string text) => Regex.Matches(text, @"\{\d+\}").Select(m => m.Value).Distinct().Order();

    private static string Source() => Repository.At("src/Comity.Insight");
}
