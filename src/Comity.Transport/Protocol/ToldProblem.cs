using System.Globalization;
using Comity.Declarations;
using Comity.Transport.Signing;

namespace Comity.Transport.Protocol;

/// <summary>A problem that one party found and another one's people read, in their language. Also the body of every answer that is not a success.</summary>
/// <param name="Code">Its stable code.</param>
/// <param name="Where">Where it was found.</param>
/// <param name="Found">What was found.</param>
/// <param name="Expected">What was expected instead.</param>
/// <param name="Remedy">What can be done.</param>
public sealed record ToldProblem(string Code, string Where, ToldText Found, ToldText Expected, ToldText Remedy)
{
    /// <summary>A problem as it travels.</summary>
    public static ToldProblem Of(Problem problem)
    {
        ArgumentNullException.ThrowIfNull(problem);
        return new(problem.Code, problem.Place.ToString(), ToldText.Of(problem.Found), ToldText.Of(problem.Expected), ToldText.Of(problem.Remedy));
    }

    /// <summary>The problem again, for people here.</summary>
    /// <param name="by">Who told it, as a place: a site, the coordinator.</param>
    public Problem ToProblem(string by) => new(Messages.Catalog, "told", Place.InFile(by.Length > 0 ? $"{by}: {Where}" : Where), Found, Expected, Remedy, Code);
}

/// <summary>A text in both languages.</summary>
/// <param name="En">English.</param>
/// <param name="Zh">Simplified Chinese.</param>
public sealed record ToldText(string En, string Zh) : IFormattable
{
    /// <summary>The text in the language of the reader.</summary>
    public string ToString(string? format, IFormatProvider? formatProvider) => formatProvider is CultureInfo { TwoLetterISOLanguageName: "zh" } ? Zh : En;

    internal static ToldText Of(Func<CultureInfo, string> text) => new(text(CultureInfo.GetCultureInfo("en")), text(CultureInfo.GetCultureInfo("zh-Hans")));
}
