namespace Comity.Data.Contracts;

/// <summary>The written form of a category's value.</summary>
internal static class Level
{
    /// <summary>
    /// A whole number with a fraction of zeros is the whole number: one hospital writes <c>1</c>, the next <c>1.0</c>,
    /// and both mean the same category. Anything else stands as it is, so that codes such as <c>007</c> survive.
    /// </summary>
    public static string Canonical(string text)
    {
        var point = text.IndexOf('.', StringComparison.Ordinal);
        if (point <= 0 || point == text.Length - 1) return text;
        var whole = text.AsSpan(0, point);
        if (whole[0] == '-') whole = whole[1..];
        if (whole.IsEmpty || whole.ContainsAnyExceptInRange('0', '9')) return text;
        return text.AsSpan(point + 1).ContainsAnyExcept('0') ? text : text[..point];
    }
}
