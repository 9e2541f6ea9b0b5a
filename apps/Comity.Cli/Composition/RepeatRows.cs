using Comity.Federation.Sites;
using Comity.Learning;

namespace Comity.Cli.Composition;

/// <summary>One split of a site's rows, ready for a model.</summary>
/// <param name="Data">Features and labels.</param>
/// <param name="SourceRows">Position of each row in its source, shape [rows].</param>
/// <param name="Groups">Groups of the sensitive attributes.</param>
internal sealed record SplitRows(Dataset Data, int[] SourceRows, IReadOnlyList<SensitiveGroups> Groups)
{
    public long Bytes => 4L * (Data.Values.Length + Data.Starts.Length + Data.Labels.Length + SourceRows.Length + Groups.Sum(g => g.Codes.Length));

    /// <summary>Rows of several sites as one set, in site order.</summary>
    public static SplitRows Concatenate(IReadOnlyList<SplitRows> parts)
    {
        var (values, labels, width) = (Join(parts, p => p.Data.Values), Join(parts, p => p.Data.Labels), parts[0].Data.Width);
        var data = parts.Any(p => p.Data.IsWindowed) ? Dataset.Windows(values, Starts(parts), labels, width) : new Dataset(values, labels, width);
        var groups = parts[0].Groups.Select((g, i) => SensitiveGroups.Concatenate([.. parts.Select(p => p.Groups[i])]));
        return new SplitRows(data, [.. parts.SelectMany(p => p.SourceRows)], [.. groups]);
    }

    // Each site's windows lie in its own series, which stands behind those of the sites before it.
    private static int[] Starts(IReadOnlyList<SplitRows> parts)
    {
        var starts = new List<int>(parts.Sum(p => p.Data.Rows));
        var before = 0;
        foreach (var part in parts)
        {
            foreach (var start in part.Data.Starts.Span) starts.Add(checked(before + start));
            before += part.Data.Values.Length;
        }
        return [.. starts];
    }

    private static float[] Join(IReadOnlyList<SplitRows> parts, Func<SplitRows, ReadOnlyMemory<float>> of)
    {
        var all = new float[parts.Sum(p => of(p).Length)];
        var at = 0;
        foreach (var part in parts)
        {
            of(part).Span.CopyTo(all.AsSpan(at));
            at += of(part).Length;
        }
        return all;
    }
}

/// <summary>The three splits of one repeat.</summary>
/// <param name="Input">What a row holds.</param>
/// <param name="Training">Rows to learn from.</param>
/// <param name="Validation">Rows for choices.</param>
/// <param name="Test">Rows for judging.</param>
internal sealed record RepeatRows(InputShape Input, SplitRows Training, SplitRows Validation, SplitRows Test)
{
    public long Bytes => Training.Bytes + Validation.Bytes + Test.Bytes;

    public SplitRows this[RowSplit split] => split switch
    {
        RowSplit.Training => Training,
        RowSplit.Validation => Validation,
        _ => Test,
    };
}
