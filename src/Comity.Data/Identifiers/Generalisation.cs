using System.Globalization;

namespace Comity.Data.Identifiers;

/// <summary>Makes values coarser, so that more persons share them.</summary>
public static class Generalisation
{
    /// <summary>Age from which on HIPAA lets all be one: 45 CFR 164.514(b)(2)(i)(C).</summary>
    public const int OldAge = 90;

    /// <summary>First three digits of US ZIP codes under which fewer than 20,000 people lived (census of 2000, as the HHS guidance of 26 November 2012 lists them): they become 000.</summary>
    private static readonly HashSet<string> FewPeople =
        ["036", "059", "063", "102", "203", "556", "692", "790", "821", "823", "830", "831", "878", "879", "884", "890", "893"];

    /// <summary>An age in a band: <c>40-49</c>, from 90 on <c>90+</c>; empty: it is no age.</summary>
    /// <param name="value">The age.</param>
    /// <param name="years">Width of a band.</param>
    public static string AgeBand(string value, int years = 10)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(years, 1);
        if (!double.TryParse(value, NumberStyles.Float, CultureInfo.InvariantCulture, out var age) || age is not (>= 0 and < 150)) return "";
        if (age >= OldAge) return "90+";
        var low = (int)age / years * years;
        return string.Create(CultureInfo.InvariantCulture, $"{low}-{Math.Min(low + years, OldAge) - 1}");
    }

    /// <summary>A day's year; empty: it is no day. Years that tell an age above 89 become <c>YEAR-</c> of the youngest such age.</summary>
    /// <param name="value">The day.</param>
    /// <param name="now">The year in which the data are handed on, for days of birth; null: it is no day of birth.</param>
    public static string Year(string value, int? now = null)
    {
        ArgumentNullException.ThrowIfNull(value);
        if (!IdentifierRules.TryDay(value.Trim(), out var day)) return "";
        var oldest = now - OldAge;
        return day.Year <= oldest ? string.Create(CultureInfo.InvariantCulture, $"{oldest}-") : day.Year.ToString(CultureInfo.InvariantCulture);
    }

    /// <summary>The first three digits of a US ZIP code, or 000 where too few people share them; empty: it is none.</summary>
    public static string Zip3(string value)
    {
        ArgumentNullException.ThrowIfNull(value);
        var text = value.Trim();
        var five = text.Length == 10 && text[5] == '-' ? text[..5] : text;
        return five.Length != 5 || !five.All(char.IsAsciiDigit) ? "" : FewPeople.Contains(five[..3]) ? "000" : five[..3];
    }
}
