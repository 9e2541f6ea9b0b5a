using System.Text.RegularExpressions;
using System.Xml.Linq;
using Comity.Testing;

namespace Comity.Conventions.Tests.Sources;

/// <summary>Everything a person reads exists in English and in Simplified Chinese.</summary>
public sealed partial class TranslationTests
{
    /// <summary>Texts that are the same in both languages: names, units, formulas, codes.</summary>
    private static readonly HashSet<string> SameInBoth = new(StringComparer.Ordinal)
    {
        "Comity", "Brier", "R²", "MSE", "RMSE", "MAE", "ECE", "F1", "ROC", "AUC", "ROC AUC", "PR AUC", "p", "English", "简体中文",
    };

    private static IEnumerable<string> EnglishFiles() => Repository.Files("src", "*.resx").Concat(Repository.Files("apps", "*.resx"))
        .Where(f => !f.EndsWith(".zh-Hans.resx", StringComparison.Ordinal));

    private static string Twin(string english) => english[..^".resx".Length] + ".zh-Hans.resx";

    [Fact]
    public void Every_text_file_has_a_chinese_twin_with_the_same_keys()
    {
        Assert.NotEmpty(EnglishFiles());
        var findings = new List<string>();
        foreach (var english in EnglishFiles())
        {
            var name = Repository.Relative(english);
            if (!File.Exists(Twin(english)))
            {
                findings.Add($"{name} has no {Path.GetFileName(Twin(english))}");
                continue;
            }
            var (ours, theirs) = (Texts(english), Texts(Twin(english)));
            findings.AddRange(ours.Keys.Except(theirs.Keys).Select(k => $"{name}: '{k}' has no Chinese text"));
            findings.AddRange(theirs.Keys.Except(ours.Keys).Select(k => $"{name}: '{k}' exists in Chinese only"));
        }
        Findings.None(findings);
    }

    [Fact]
    public void A_translation_speaks_of_the_same_things_as_its_original()
    {
        var findings = new List<string>();
        foreach (var (name, key, english, chinese) in Pairs())
        {
            if (key == "told.text") continue; // holds what another party said in both languages, and shows the reader's
            if (!Placeholders(english).SequenceEqual(Placeholders(chinese)))
                findings.Add($"{name}: '{key}' fills in {{{string.Join(",", Placeholders(english))}}} in English and {{{string.Join(",", Placeholders(chinese))}}} in Chinese");
        }
        Findings.None(findings);
    }

    [Fact]
    public void No_text_was_left_in_english_or_empty()
    {
        var findings = Pairs()
            .Where(t => t.English.Length == 0 || (string.IsNullOrWhiteSpace(t.Chinese) && WordPattern().IsMatch(t.English))
                || (t.Chinese == t.English && !IsCommand(t.Key) && !SameInBoth.Contains(t.English.Trim()) && WordPattern().IsMatch(PlaceholderPattern().Replace(t.English, ""))))
            .Select(t => $"{t.File}: '{t.Key}' = '{t.Chinese}'");
        Findings.None(findings);
    }

    [Fact]
    public void Chinese_texts_use_full_width_punctuation()
    {
        // Half-width commas and full stops between Chinese characters are the commonest sign of a careless text.
        var findings = Pairs().Where(t => SlipPattern().IsMatch(t.Chinese)).Select(t => $"{t.File}: '{t.Key}' = '{t.Chinese}'");
        Findings.None(findings);
    }

    // A command is typed the same in every language.
    private static bool IsCommand(string key) => key == "example" || key.StartsWith("example.", StringComparison.Ordinal);

    private static IEnumerable<(string File, string Key, string English, string Chinese)> Pairs()
    {
        foreach (var english in EnglishFiles().Where(f => File.Exists(Twin(f))))
        {
            var theirs = Texts(Twin(english));
            foreach (var (key, text) in Texts(english))
            {
                if (theirs.TryGetValue(key, out var chinese)) yield return (Repository.Relative(english), key, text, chinese);
            }
        }
    }

    private static Dictionary<string, string> Texts(string path) => XDocument.Load(path).Descendants("data")
        .ToDictionary(d => (string)d.Attribute("name")!, d => (string?)d.Element("value") ?? "", StringComparer.Ordinal);

    private static IEnumerable<string> Placeholders(string text) =>
        PlaceholderPattern().Matches(text).Select(m => m.Groups["index"].Value).Distinct().Order(StringComparer.Ordinal);

    [GeneratedRegex(@"\{(?<index>\d+)(,[^}:]*)?(:[^}]*)?\}")]
    private static partial Regex PlaceholderPattern();

    [GeneratedRegex(@"[A-Za-z]{2,}")]
    private static partial Regex WordPattern();

    [GeneratedRegex(@"[\u4e00-\u9fff][,.;?!:][\u4e00-\u9fff]|[\u4e00-\u9fff][,;?!]\s*$")]
    private static partial Regex SlipPattern();
}
