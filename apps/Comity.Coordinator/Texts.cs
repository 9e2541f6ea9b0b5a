using System.Globalization;
using Comity.Declarations;

namespace Comity.Coordinator;

/// <summary>The coordinator's texts, English and Simplified Chinese.</summary>
internal static class Texts
{
    public static MessageCatalog Catalog { get; } = new(typeof(Texts), "Comity.Coordinator.Resources.Messages");

    public static Problem Problem(string code, string option, params object?[] arguments) => new(Catalog, code, new Place(option, 0, 0, ""), arguments);

    /// <summary><c>--lang</c>, else the locale of the environment (POSIX order), else English.</summary>
    public static CultureInfo LanguageOf(IReadOnlyList<string> args, Func<string, string?> environment)
    {
        var name = new[] { "LC_ALL", "LC_MESSAGES", "LANG" }.Select(environment).FirstOrDefault(value => !string.IsNullOrEmpty(value)) ?? "en";
        for (var i = 0; i < args.Count; i++)
        {
            if (args[i] == "--lang" && i + 1 < args.Count) name = args[i + 1];
            else if (args[i].StartsWith("--lang=", StringComparison.Ordinal)) name = args[i][7..];
        }
        return CultureInfo.GetCultureInfo(name.StartsWith("zh", StringComparison.OrdinalIgnoreCase) && !name.Contains("Hant", StringComparison.OrdinalIgnoreCase) ? "zh-Hans" : "en");
    }
}
