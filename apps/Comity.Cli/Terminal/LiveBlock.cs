using System.Globalization;

namespace Comity.Cli.Terminal;

/// <summary>Lines at the end of a terminal that are written again and again, below those that stay.</summary>
/// <param name="output">The terminal.</param>
/// <param name="size">Its columns and rows. A line that ran over would take two, and what scrolls out can't be written again: either would stay.</param>
internal sealed class LiveBlock(Output output, Func<(int Columns, int Rows)> size)
{
    private const string More = "…";
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
        var (columns, rows) = size();
        var room = Math.Max(1, rows - 1); // the cursor stands below
        var shown = lines.Count <= room ? lines : [.. lines.Take(room - 1), More];
        foreach (var line in shown) output.Line(Cut(line, Math.Max(1, columns - 1)));
        _shown = shown.Count;
    }

    /// <summary>Takes the block away.</summary>
    public void Clear()
    {
        if (_shown > 0) output.Writer.Write(string.Create(CultureInfo.InvariantCulture, $"\u001b[{_shown}A\u001b[0J"));
        _shown = 0;
    }

    /// <summary>The size of the terminal of this process; one that doesn't tell it is taken for one of 80 columns and 24 rows.</summary>
    public static (int Columns, int Rows) Window()
    {
        try
        {
            return (Console.WindowWidth > 0 ? Console.WindowWidth : 80, Console.WindowHeight > 0 ? Console.WindowHeight : 24);
        }
        catch (Exception e) when (e is IOException or PlatformNotSupportedException)
        {
            return (80, 24);
        }
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
