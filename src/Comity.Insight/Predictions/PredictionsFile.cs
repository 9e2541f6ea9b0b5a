using System.Globalization;
using System.Text;
using Comity.Declarations;
using Comity.Federation.Sites;
using Comity.Insight.Results;

namespace Comity.Insight.Predictions;

/// <summary>
/// <c>predictions.csv</c>: <c>model,repeat,site,row,label</c>, then <c>p:&lt;class&gt;</c> for each class, <c>prediction</c>, or <c>sum:&lt;name&gt;</c> for each sum over a row's tokens, so that anyone can
/// recompute every metric.
/// </summary>
/// <remarks>Quoted as RFC 4180 says, UTF-8 without a mark, one line feed a line; written and read as a stream, never held whole.</remarks>
public static class PredictionsFile
{
    private const string Sum = "sum:";
    private static readonly string[] Fixed = ["model", "repeat", "site", "row", "label"];

    /// <summary>Writes predictions as they come, whole or not at all.</summary>
    /// <param name="path">The file.</param>
    /// <param name="classes">Classes in order (for a binary label the positive one last); empty for regression.</param>
    /// <param name="rows">Predictions; each has one output a class, or one value.</param>
    /// <param name="cancellationToken">Stops the writing; nothing is left behind.</param>
    /// <exception cref="ArgumentException">A row has another number of outputs than the header.</exception>
    public static Task WriteAsync(string path, IReadOnlyList<string> classes, IAsyncEnumerable<PredictionRow> rows, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(classes);
        return WriteAsync(path, classes.Count == 0 ? ["prediction"] : [.. classes.Select(c => "p:" + c)], rows, cancellationToken);
    }

    /// <summary>Writes sums over rows' tokens as they come, whole or not at all.</summary>
    /// <param name="path">The file.</param>
    /// <param name="sums">Names of the sums in order.</param>
    /// <param name="rows">Predictions; each has one output a sum.</param>
    /// <param name="cancellationToken">Stops the writing; nothing is left behind.</param>
    /// <exception cref="ArgumentException">A row has another number of outputs than the header.</exception>
    public static Task WriteSumsAsync(string path, IReadOnlyList<string> sums, IAsyncEnumerable<PredictionRow> rows, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(sums);
        return WriteAsync(path, (string[])[.. sums.Select(s => Sum + s)], rows, cancellationToken);
    }

    private static Task WriteAsync(string path, string[] columns, IAsyncEnumerable<PredictionRow> rows, CancellationToken cancellationToken)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentNullException.ThrowIfNull(rows);
        return AtomicFile.WriteAsync(path, async stream =>
        {
            await using var writer = new StreamWriter(stream, new UTF8Encoding(false), 1 << 16, leaveOpen: true);
            var line = new StringBuilder();
            await writer.WriteAsync(Header(columns, line), cancellationToken);
            await foreach (var row in rows.WithCancellation(cancellationToken))
                await writer.WriteAsync(Line(row, columns.Length, line), cancellationToken);
        });
    }

    /// <summary>Writes predictions as they come, whole or not at all.</summary>
    /// <inheritdoc cref="WriteAsync(string, IReadOnlyList{string}, IAsyncEnumerable{PredictionRow}, CancellationToken)"/>
    public static Task WriteAsync(string path, IReadOnlyList<string> classes, IEnumerable<PredictionRow> rows, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(rows);
        return WriteAsync(path, classes, rows.ToAsyncEnumerable(), cancellationToken);
    }

    /// <summary>The classes that the header names, in order; empty for regression and for texts.</summary>
    /// <exception cref="InvalidDeclarationException">The file is not a predictions file.</exception>
    public static IReadOnlyList<string> ReadClasses(string path)
    {
        using var reader = new CsvRecords(path);
        return Classes(reader.Next(), path);
    }

    /// <summary>Reads predictions one by one.</summary>
    /// <exception cref="InvalidDeclarationException">A line is malformed; the problem names it.</exception>
    public static IEnumerable<PredictionRow> Read(string path)
    {
        using var reader = new CsvRecords(path);
        var header = reader.Next();
        _ = Classes(header, path); // refuses what is none
        var outputs = header!.Count - Fixed.Length;
        while (reader.Next() is { } fields)
            yield return Row(fields, outputs, path, reader.Line);
    }

    private static StringBuilder Header(string[] columns, StringBuilder line)
    {
        line.Clear().AppendJoin(',', Fixed);
        foreach (var name in columns) AppendField(line.Append(','), name);
        return line.Append('\n');
    }

    private static StringBuilder Line(PredictionRow row, int outputs, StringBuilder line)
    {
        var said = row.Prediction.Outputs;
        if (said.Count != outputs)
            throw new ArgumentException($"Row {row.Prediction.Row} of {row.Site} has {said.Count} outputs where the header has {outputs}.", nameof(row));
        AppendField(line.Clear(), row.Model);
        line.Append(CultureInfo.InvariantCulture, $",{row.Repeat},");
        AppendField(line, row.Site);
        line.Append(CultureInfo.InvariantCulture, $",{row.Prediction.Row},");
        AppendField(line, row.Prediction.Label);
        // The shortest text that reads back as the same float.
        for (var i = 0; i < outputs; i++) line.Append(CultureInfo.InvariantCulture, $",{said[i]:R}");
        return line.Append('\n');
    }

    private static void AppendField(StringBuilder line, string field)
    {
        // Leading or trailing blanks are quoted too: RFC 4180 keeps them, some readers don't.
        if (field.Length > 0 && field.AsSpan().IndexOfAny(",\"\r\n") < 0 && !char.IsWhiteSpace(field[0]) && !char.IsWhiteSpace(field[^1]))
            line.Append(field);
        else
            line.Append('"').Append(field.Replace("\"", "\"\"", StringComparison.Ordinal)).Append('"');
    }

    private static IReadOnlyList<string> Classes(IReadOnlyList<string>? header, string path)
    {
        if (header is not null && header.Count > Fixed.Length && header.Take(Fixed.Length).SequenceEqual(Fixed, StringComparer.Ordinal))
        {
            var rest = header.Skip(Fixed.Length).ToList();
            if (rest is ["prediction"] || rest.TrueForAll(c => c.StartsWith(Sum, StringComparison.Ordinal))) return [];
            if (rest.TrueForAll(c => c.StartsWith("p:", StringComparison.Ordinal))) return rest.ConvertAll(c => c[2..]);
        }
        throw Invalid("predictions-header", Place.InFile(path, 1), header is null ? "" : string.Join(',', header));
    }

    private static PredictionRow Row(IReadOnlyList<string> fields, int outputs, string path, int line)
    {
        if (fields.Count != Fixed.Length + outputs)
            throw Invalid("predictions-fields", Place.InFile(path, line), fields.Count, Fixed.Length + outputs);
        var said = new float[outputs];
        for (var i = 0; i < outputs; i++)
        {
            if (!float.TryParse(fields[Fixed.Length + i], NumberStyles.Float, CultureInfo.InvariantCulture, out said[i]))
                throw Invalid("predictions-number", Place.InFile(path, line, Fixed.Length + i + 1), fields[Fixed.Length + i]);
        }
        return new PredictionRow(fields[0], Whole(1), fields[2], new Prediction(Whole(3), fields[4], said));

        int Whole(int field) => int.TryParse(fields[field], NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? number
            : throw Invalid("predictions-number", Place.InFile(path, line, field + 1), fields[field]);
    }

    private static InvalidDeclarationException Invalid(string code, Place place, params object?[] arguments) => new([Messages.Problem(code, place, arguments)]);
}
