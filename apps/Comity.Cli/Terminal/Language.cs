using System.Globalization;

namespace Comity.Cli.Terminal;

/// <summary>Chooses the language of the texts: <c>--lang</c>, else the locale of the environment, else English.</summary>
internal static class Language
{
    public const string English = "en";
    public const string SimplifiedChinese = "zh-Hans";

    /// <summary>Read before the command line is parsed, since help and parse errors are texts too.</summary>
    public static CultureInfo Choose(IReadOnlyList<string> args, Func<string, string?> environment)
    {
        for (var i = 0; i < args.Count; i++)
        {
            if (args[i] == "--lang" && i + 1 < args.Count) return Of(args[i + 1]);
            if (args[i].StartsWith("--lang=", StringComparison.Ordinal) || args[i].StartsWith("--lang:", StringComparison.Ordinal)) return Of(args[i][7..]);
        }
        // POSIX: LC_ALL wins over LC_MESSAGES, which wins over LANG; an empty value counts as unset.
        var locale = new[] { "LC_ALL", "LC_MESSAGES", "LANG" }.Select(environment).FirstOrDefault(v => !string.IsNullOrEmpty(v)) ?? English;
        return Of(locale);
    }

    /// <summary>zh, zh_CN.UTF-8, zh-Hans, zh_SG → Simplified Chinese; anything else → English.</summary>
    public static CultureInfo Of(string name)
    {
        var tag = name.Split('.', '@')[0].Replace('_', '-');
        var simplified = tag.Equals("zh", StringComparison.OrdinalIgnoreCase)
            || new[] { "zh-Hans", "zh-CN", "zh-SG", "zh-MY" }.Any(t => tag.StartsWith(t, StringComparison.OrdinalIgnoreCase));
        return CultureInfo.GetCultureInfo(simplified ? SimplifiedChinese : English);
    }
}
