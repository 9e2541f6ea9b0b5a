using System.Text;
using System.Text.RegularExpressions;

namespace Comity.Data.Sources;

/// <summary>Which paths are records, and what they say of them: <c>{digit}_{speaker}_{index}.wav</c>.</summary>
internal sealed class PathPattern
{
    private readonly Regex _regex;

    private PathPattern(Regex regex, IReadOnlyList<string> columns) => (_regex, Columns) = (regex, columns);

    /// <summary>The columns that paths tell, in the order of the pattern.</summary>
    public IReadOnlyList<string> Columns { get; }

    /// <summary>Any file with this ending, which tells nothing.</summary>
    public static PathPattern Any(string extension) => Parse("**" + extension)!;

    /// <summary>Reads a pattern; null where a brace is not closed, is empty or is there twice.</summary>
    public static PathPattern? Parse(string pattern)
    {
        var (regex, columns) = (new StringBuilder("^"), new List<string>());
        for (var i = 0; i < pattern.Length; i++)
        {
            switch (pattern[i])
            {
                case '{':
                    var end = pattern.IndexOf('}', i);
                    if (end <= i + 1 || columns.Contains(pattern[(i + 1)..end])) return null;
                    columns.Add(pattern[(i + 1)..end]);
                    regex.Append("([^/]+?)");
                    i = end;
                    break;
                case '}':
                    return null;
                case '*' when i + 1 < pattern.Length && pattern[i + 1] == '*':
                    regex.Append(".*");
                    i++;
                    break;
                case '*':
                    regex.Append("[^/]*");
                    break;
                default:
                    regex.Append(Regex.Escape(pattern[i].ToString()));
                    break;
            }
        }
        return new PathPattern(new Regex(regex.Append('$').ToString(), RegexOptions.CultureInvariant, TimeSpan.FromSeconds(1)), columns);
    }

    /// <summary>What a path tells, in the order of the columns; null where it is no record.</summary>
    public string[]? Match(string path) => _regex.Match(path) is { Success: true } match ? [.. Enumerable.Range(1, Columns.Count).Select(g => match.Groups[g].Value)] : null;
}
