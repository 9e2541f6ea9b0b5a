using System.Globalization;

namespace Comity.Privacy.Tests.Vectors;

/// <summary>Reads a committed table of reference values; an empty cell is NaN.</summary>
internal static class Table
{
    public static IReadOnlyList<IReadOnlyDictionary<string, double>> Read(string name)
    {
        using var stream = typeof(Table).Assembly.GetManifestResourceStream(name) ?? throw new FileNotFoundException(name);
        using var reader = new StreamReader(stream);
        var lines = reader.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries).Where(line => line[0] != '#').ToList();
        var header = lines[0].Split(',');
        return [.. lines.Skip(1).Select(line => (IReadOnlyDictionary<string, double>)line.Split(',')
            .Select((cell, i) => (header[i], Value: cell.Length == 0 ? double.NaN : double.Parse(cell, CultureInfo.InvariantCulture)))
            .ToDictionary(cell => cell.Item1, cell => cell.Value))];
    }

    public static TheoryData<int> Rows(string name) => [.. Enumerable.Range(0, Read(name).Count)];
}
