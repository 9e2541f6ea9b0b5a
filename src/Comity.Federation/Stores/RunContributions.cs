using System.Text.Json;
using Microsoft.Data.Sqlite;

namespace Comity.Federation.Stores;

/// <summary>In which rounds of a model a site's update counted.</summary>
/// <param name="Model">Model id.</param>
/// <param name="Repeat">Repeat, from 0.</param>
/// <param name="Rounds">Rounds, from 1.</param>
public sealed record Contribution(string Model, int Repeat, IReadOnlyList<int> Rounds);

/// <summary>Reads of a run that is under way or over who contributed, beside the process that runs it.</summary>
public static class RunContributions
{
    /// <summary>What a site contributed so far; empty where no round was done.</summary>
    /// <param name="runFolder">The run's folder.</param>
    /// <param name="site">The site's id.</param>
    public static IReadOnlyList<Contribution> Of(string runFolder, string site)
    {
        ArgumentException.ThrowIfNullOrEmpty(runFolder);
        var path = Path.Combine(runFolder, "state", "run.sqlite");
        if (!File.Exists(path)) return [];
        var rounds = new List<RoundRecord>();
        using var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Mode = SqliteOpenMode.ReadOnly, Pooling = false }.ToString());
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT json FROM rounds ORDER BY model, repeat, round";
        using var reader = command.ExecuteReader();
        while (reader.Read()) rounds.Add(JsonSerializer.Deserialize<RoundRecord>(reader.GetString(0), RunStore.Json)!);
        return [.. rounds.Where(r => r.Info.Contributed.Contains(site, StringComparer.Ordinal)).GroupBy(r => (r.Info.Model, r.Info.Repeat))
            .Select(g => new Contribution(g.Key.Model, g.Key.Repeat, [.. g.Select(r => r.Info.Round)]))];
    }
}
