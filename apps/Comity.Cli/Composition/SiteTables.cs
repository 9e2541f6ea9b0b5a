using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using Comity.Data.Tables;
using Comity.Declarations;

namespace Comity.Cli.Composition;

/// <summary>The sites' records, in a simulation all in one process.</summary>
internal static class SiteTables
{
    /// <summary>Reads every site's source; null when any could not be read or broke the contract, with all the reasons.</summary>
    public static IReadOnlyList<RecordTable>? Load(StudyData study, ProblemList problems, CancellationToken cancellationToken)
    {
        var loader = new TableLoader(study.Contract, new LoadOptions
        {
            BaseFolder = study.Declared.Folder,
            Clean = study.Clean,
            Preprocess = study.Preprocess,
            Split = study.Split,
            ShowValues = true, // whoever runs a simulation holds all the records already
        });
        var tables = new RecordTable?[study.Sources.Count];
        var found = new ProblemList[tables.Length];
        OnAllCores.For(tables.Length, i => tables[i] = loader.Load(study.Sources[i], study.Declared.Section.Sites[i].Id, found[i] = new ProblemList(), cancellationToken), cancellationToken);
        foreach (var atSite in found) problems.AddRange(atSite); // in site order, whoever was read first
        var whole = tables.OfType<RecordTable>().ToList();
        return whole.Count == tables.Length ? whole : null;
    }

    /// <summary>SHA-256 (hex) over all records as they were read, so that a stopped run never goes on with others.</summary>
    public static string Digest(IReadOnlyList<RecordTable> tables)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var table in tables)
        {
            Append(hash, table.Site);
            hash.AppendData(MemoryMarshal.AsBytes(table.Labels.Span));
            hash.AppendData(MemoryMarshal.AsBytes(table.SourceRows.Span));
            foreach (var column in table.Columns.Concat(table.Steps?.Columns ?? [])) Append(hash, column);
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private static void Append(IncrementalHash hash, TableColumn column)
    {
        Append(hash, column.Name);
        switch (column)
        {
            case NumberColumn numbers:
                hash.AppendData(MemoryMarshal.AsBytes(numbers.Values));
                break;
            case LevelColumn levels:
                Append(hash, string.Join('\u001f', levels.Levels));
                hash.AppendData(MemoryMarshal.AsBytes(levels.Codes));
                break;
            case ImageColumn images:
                for (var row = 0; row < images.Rows; row++) hash.AppendData(images[row]);
                break;
            case SoundColumn sounds:
                for (var row = 0; row < sounds.Rows; row++) hash.AppendData(MemoryMarshal.AsBytes(sounds[row]));
                break;
            case DateColumn dates:
                hash.AppendData(MemoryMarshal.AsBytes(dates.Ticks));
                break;
            case TextColumn texts:
                foreach (var text in texts.Values) Append(hash, text ?? "\u001e");
                break;
        }
    }

    private static void Append(IncrementalHash hash, string text)
    {
        hash.AppendData(Encoding.UTF8.GetBytes(text));
        hash.AppendData([0]);
    }
}
