using System.Globalization;

namespace Comity.Learning.Evaluation;

/// <summary>Codes for what makes a number thin or undefined; arguments follow after colons, with <c>%3A</c> for a colon and <c>%25</c> for a percent sign within one.</summary>
public static class EvaluationWarnings
{
    /// <summary>There are no rows to judge on.</summary>
    public const string NoRows = "no-rows";

    /// <summary><c>thin-test:N</c>: N rows, fewer than 30.</summary>
    public const string ThinTest = "thin-test";

    /// <summary>All rows have one label, so nothing that compares classes is defined.</summary>
    public const string OneClass = "one-class";

    /// <summary><c>few-positives:N</c>: N rows of the positive class, fewer than 10.</summary>
    public const string FewPositives = "few-positives";

    /// <summary><c>few-negatives:N</c>: N rows of the negative class, fewer than 10.</summary>
    public const string FewNegatives = "few-negatives";

    /// <summary><c>few-of-class:N:class</c>: N rows of a class, fewer than 10, where there are more than two classes.</summary>
    public const string FewOfClass = "few-of-class";

    /// <summary>The model called no row positive, so that its precision is undefined.</summary>
    public const string NothingCalledPositive = "nothing-called-positive";

    /// <summary>The model found no entity, so that its precision is undefined.</summary>
    public const string NothingTagged = "nothing-tagged";

    /// <summary>The rows hold no entity, so that recall is undefined.</summary>
    public const string NoEntities = "no-entities";

    /// <summary>All labels are the same number, so that R² is undefined.</summary>
    public const string ConstantLabel = "constant-label";

    /// <summary><c>not-finite:N</c>: the model gave NaN or infinity on N rows; no metric is stated.</summary>
    public const string NotFinite = "not-finite";

    /// <summary>Every resample gave the same value of some metric: its interval has no width and says less than it seems to.</summary>
    public const string NoSpread = "no-spread";

    private const int ThinRows = 30;
    private const int FewRows = 10;

    internal static void AddThin(List<string> warnings, int rows)
    {
        if (rows == 0) warnings.Add(NoRows);
        else if (rows < ThinRows) warnings.Add(Code(ThinTest, rows));
    }

    internal static void AddClasses(List<string> warnings, ReadOnlySpan<int> counts, IReadOnlyList<string> classes)
    {
        var present = 0;
        foreach (var count in counts) present += count > 0 ? 1 : 0;
        if (present == 1) warnings.Add(OneClass);
        for (var c = 0; c < counts.Length; c++)
        {
            if (counts[c] >= FewRows || present == 0) continue;
            var binary = counts.Length == 2;
            warnings.Add(binary ? Code(c == 0 ? FewNegatives : FewPositives, counts[c]) : $"{Code(FewOfClass, counts[c])}:{Escape(classes[c])}");
        }
    }

    // A class may be called anything, also "stage: 2".
    private static string Escape(string argument) => argument.Replace("%", "%25", StringComparison.Ordinal).Replace(":", "%3A", StringComparison.Ordinal);

    internal static string Code(string code, int count) => string.Create(CultureInfo.InvariantCulture, $"{code}:{count}");
}
