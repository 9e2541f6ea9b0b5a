using Comity.Testing;
using Microsoft.Data.Sqlite;

namespace Comity.EndToEnd.Tests.Kills;

/// <summary>A charge as it stands in a ledger.</summary>
/// <param name="Site">Whose budget paid.</param>
/// <param name="Answer">For which answer.</param>
/// <param name="Event">What was released.</param>
/// <param name="Count">How often.</param>
/// <param name="Sha256">Digest of what was released.</param>
internal sealed record Charge(string Site, string Answer, string Event, long Count, string Sha256);

/// <summary>Reads a ledger with nothing but SQL.</summary>
internal static class LedgerFile
{
    /// <summary>All charges of a ledger as a killed process left it, read from a copy: the next process must find it untouched. None: there is no ledger yet.</summary>
    public static IReadOnlyList<Charge> Charges(string path)
    {
        if (!File.Exists(path)) return [];
        using var copy = new TempFolder();
        foreach (var part in new[] { path, path + "-wal" }.Where(File.Exists)) File.Copy(part, copy.At(Path.GetFileName(part)));
        using var connection = new SqliteConnection($"Data Source={copy.At(Path.GetFileName(path))};Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT name FROM sqlite_master WHERE name = 'charges'";
        if (command.ExecuteScalar() is null) return []; // killed before its tables were made
        command.CommandText = "SELECT a.site, c.answer, c.event, c.count, c.sha256 FROM charges c JOIN accounts a ON a.id = c.account ORDER BY a.site, c.answer";
        using var reader = command.ExecuteReader();
        var charges = new List<Charge>();
        while (reader.Read()) charges.Add(new(reader.GetString(0), reader.GetString(1), reader.GetString(2), reader.GetInt64(3), reader.GetString(4)));
        return charges;
    }
}
