using Comity.Federation.Sites;
using Comity.Learning;

namespace Comity.Cli.Composition;

/// <summary>One split of a site's rows, ready for a model.</summary>
/// <param name="Data">Features and labels.</param>
/// <param name="SourceRows">Position of each row in its source, shape [rows].</param>
/// <param name="Groups">Groups of the sensitive attributes.</param>
internal sealed record SplitRows(Dataset Data, int[] SourceRows, IReadOnlyList<SensitiveGroups> Groups)
{
    public long Bytes => 4L * (Data.Features.Length + Data.Labels.Length + SourceRows.Length + Groups.Sum(g => g.Codes.Length));

    /// <summary>Rows of several sites as one set, in site order.</summary>
    public static SplitRows Concatenate(IReadOnlyList<SplitRows> parts)
    {
        var data = new Dataset(Join(parts, p => p.Data.Features), Join(parts, p => p.Data.Labels), parts[0].Data.Width);
        var groups = parts[0].Groups.Select((g, i) => SensitiveGroups.Concatenate([.. parts.Select(p => p.Groups[i])]));
        return new SplitRows(data, [.. parts.SelectMany(p => p.SourceRows)], [.. groups]);
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
internal sealed record RepeatRows(SplitRows Training, SplitRows Validation, SplitRows Test)
{
    public long Bytes => Training.Bytes + Validation.Bytes + Test.Bytes;

    public SplitRows this[RowSplit split] => split switch
    {
        RowSplit.Training => Training,
        RowSplit.Validation => Validation,
        _ => Test,
    };
}
