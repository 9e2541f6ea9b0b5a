using System.Text;
using Comity.Data.Contracts;
using Comity.Data.Images;
using Comity.Data.Tables;
using Comity.Declarations;

namespace Comity.Data.Sources;

/// <summary>Records that are files, or items of an IDX file: what their names and labels tell, and what they hold.</summary>
/// <param name="Header">Columns that are told; the content's own column stands last.</param>
/// <param name="Cells">What is told of each record, in the order of the header without its last column.</param>
/// <param name="Name">A record's name for people.</param>
/// <param name="Content">What it holds.</param>
/// <param name="PixelSize">Height and width where the content is bare pixels.</param>
internal sealed record FileRecords(
    IReadOnlyList<string> Header, IReadOnlyList<byte[][]> Cells, Func<int, string> Name, Func<int, ReadOnlyMemory<byte>> Content, (int Height, int Width)? PixelSize)
{
    /// <summary>The records of a folder or archive.</summary>
    public static FileRecords? OfFiles(FileCollection files, string? pattern, string name, ContractSection contract, ProblemList problems)
    {
        if (ContentOf(contract) is not { } content) return null;
        var extension = content.Kind == FeatureKind.Audio ? ".wav" : ".png";
        var rule = pattern is null ? PathPattern.Any(extension) : PathPattern.Parse(pattern)!;
        var (kept, cells, strange) = (new List<int>(), new List<byte[][]>(), new List<string>());
        for (var i = 0; i < files.Paths.Count; i++)
        {
            if (rule.Match(files.Paths[i]) is { } told)
            {
                kept.Add(i);
                cells.Add([.. told.Select(Encoding.UTF8.GetBytes)]);
            }
            else if (files.Paths[i].EndsWith(extension, StringComparison.OrdinalIgnoreCase)) strange.Add(files.Paths[i]);
        }
        if (strange.Count > 0) problems.Add(Messages.Warning("files-unmatched", Place.InFile(name), strange.Count, strange[0], pattern));
        if (kept.Count == 0) problems.Add(Messages.Problem("files-none", Place.InFile(name), files.Paths.Count, pattern ?? "*" + extension));
        return kept.Count == 0 ? null : new FileRecords([.. rule.Columns, content.Column], cells, i => $"{name}: {files.Paths[kept[i]]}", i => files[kept[i]], null);
    }

    /// <summary>The records of an IDX pair.</summary>
    /// <param name="images">The images.</param>
    /// <param name="labels">Their labels; null: none (inference).</param>
    /// <param name="name">The images' file, for people.</param>
    /// <param name="labelsName">The labels' file, for people.</param>
    /// <param name="contract">The study's contract.</param>
    /// <param name="problems">Where problems go.</param>
    public static FileRecords? OfIdx(IdxFile images, IdxFile? labels, string name, string labelsName, ContractSection contract, ProblemList problems)
    {
        if (ContentOf(contract) is not { } content) return null;
        if (labels is not null && labels.Count != images.Count)
        {
            problems.Add(Messages.Problem("idx-counts", Place.InFile(labelsName), labels.Count, images.Count));
            return null;
        }
        byte[][][] told = [.. Enumerable.Range(0, 256).Select(label => new[] { Encoding.UTF8.GetBytes(label.ToString(System.Globalization.CultureInfo.InvariantCulture)) })];
        var cells = new byte[images.Count][][];
        for (var i = 0; i < cells.Length; i++) cells[i] = labels is null ? [] : told[labels.Item(i)[0]];
        string[] header = labels is null ? [content.Column] : [contract.Label.Column, content.Column];
        return new FileRecords(header, cells, i => FormattableString.Invariant($"{name}: {i}"), i => images.Values.Slice(i * images.Sizes[1] * images.Sizes[2], images.Sizes[1] * images.Sizes[2]), (images.Sizes[1], images.Sizes[2]));
    }

    private static FeatureSection? ContentOf(ContractSection contract) => contract.Features.FirstOrDefault(f => f.IsContent);
}
