using System.Collections;
using System.Globalization;
using System.Resources;
using System.Text.RegularExpressions;

namespace Comity.Data.Tests;

public sealed partial class MessageTests
{
    private static readonly ResourceManager Resources = new("Comity.Data.Resources.Messages", typeof(DataSections).Assembly);

    [Fact]
    public void Every_text_exists_in_both_languages_with_the_same_placeholders()
    {
        var (english, chinese) = (Texts(CultureInfo.InvariantCulture), Texts(CultureInfo.GetCultureInfo("zh-Hans")));

        Assert.Equal(english.Keys.Order(), chinese.Keys.Order());
        foreach (var (key, text) in english)
        {
            Assert.NotEqual(text, chinese[key]);
            // A language may say a thing without one of the arguments, but not with one that isn't there.
            var most = text.Length == 0 ? -1 : Placeholder().Matches(text + chinese[key]).Select(m => int.Parse(m.Groups[1].Value, CultureInfo.InvariantCulture)).DefaultIfEmpty(-1).Max();
            Assert.InRange(most, -1, 3);
            _ = string.Format(CultureInfo.InvariantCulture, text, 0, 1, 2, 3);
            _ = string.Format(CultureInfo.InvariantCulture, chinese[key], 0, 1, 2, 3);
        }
    }

    [Fact]
    public void Every_problem_has_found_expected_and_remedy()
    {
        var keys = Texts(CultureInfo.InvariantCulture).Keys;

        foreach (var code in keys.Select(k => k[..k.LastIndexOf('.')]).Distinct())
            Assert.Equal(3, keys.Count(k => k == $"{code}.found" || k == $"{code}.expected" || k == $"{code}.remedy"));
    }

    private static Dictionary<string, string> Texts(CultureInfo culture) =>
        Resources.GetResourceSet(culture, createIfNotExists: true, tryParents: false)!.Cast<DictionaryEntry>().ToDictionary(e => (string)e.Key, e => (string)e.Value!);

    [GeneratedRegex(@"\{(\d)\}")]
    private static partial Regex Placeholder();
}
