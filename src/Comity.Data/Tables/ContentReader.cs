using System.Text;
using Comity.Data.Cleaning;
using Comity.Data.Contracts;

namespace Comity.Data.Tables;

/// <summary>Takes a column whose cells are files: decodes each, notes what is broken with its file and byte, and goes on.</summary>
internal abstract class ContentReader(FeatureSection feature, CleanSection clean, CellProblems problems) : ColumnReader(feature.Column, [], problems)
{
    private readonly List<bool> _missing = [];

    /// <summary>Folder that cells name files in; null: the cell is the file itself.</summary>
    public string? Folder { get; set; }

    protected bool[] Missing => [.. _missing];

    public sealed override bool Add(ReadOnlySpan<byte> cell, in CellPlace place)
    {
        try
        {
            if (Folder is null) Take(cell);
            else Take(File.ReadAllBytes(Path.Combine(Folder, Encoding.UTF8.GetString(cell))));
            _missing.Add(false);
            return true;
        }
        catch (ContentException e)
        {
            Note(e.Code, place, FormattableString.Invariant($"{e.Offset}"), e.Detail);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            Note("content-unreadable", place, "0", Encoding.UTF8.GetString(cell));
        }
        TakeNothing();
        _missing.Add(true);
        return clean.Corrupt != Corrupt.DropRow;
    }

    /// <summary>Decodes one file.</summary>
    /// <exception cref="ContentException">It can't be decoded.</exception>
    protected abstract void Take(ReadOnlySpan<byte> file);

    /// <summary>Keeps the place of a file that could not be decoded.</summary>
    protected abstract void TakeNothing();

    private void Note(string code, in CellPlace place, string offset, string detail) =>
        Problems.AddContent(code, Name, place, offset, detail, warning: clean.Corrupt == Corrupt.DropRow);
}
