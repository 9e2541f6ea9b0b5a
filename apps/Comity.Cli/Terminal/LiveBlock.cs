using System.Globalization;

namespace Comity.Cli.Terminal;

/// <summary>Lines at the end of a terminal that are written again and again, below those that stay.</summary>
/// <param name="output">The terminal.</param>
/// <param name="width">Its columns: a line that ran over would take two, and the next time one of them would stay.</param>
internal sealed class LiveBlock(Output output, Func<int> width)
{
    private int _shown;

    /// <summary>Writes lines that stay, above the block.</summary>
    public void Above(IEnumerable<string> lines)
    {
        Clear();
        foreach (var line in lines) output.Line(line);
    }

    /// <summary>Writes the block in the place of what it held.</summary>
    public void Show(IReadOnlyList<string> lines)
    {
        Clear();
        foreach (var line in lines) output.Line(Cut(line, Math.Max(1, width() - 1)));
        _shown = lines.Count;
    }

    /// <summary>Takes the block away.</summary>
    public void Clear()
    {
        if (_shown > 0) output.Writer.Write(string.Create(CultureInfo.InvariantCulture, $"\u001b[{_shown}A\u001b[0J"));
        _shown = 0;
    }

    /// <summary>The beginning of a line that fits; characters of Chinese take two columns.</summary>
    internal static string Cut(string line, int columns)
    {
        var taken = 0;
        for (var i = 0; i < line.Length; i++)
        {
            taken += line[i] >= '\u1100' ? 2 : 1;
            if (taken > columns) return line[..i];
        }
        return line;
    }
}
