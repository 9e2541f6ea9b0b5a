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
        using var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Mode = SqliteOpenMode.ReadOnly, Pooling = false }.ToString());
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT json FROM rounds ORDER BY model, repeat, round";
        using var reader = command.ExecuteReader();
        var rounds = new List<string>();
        while (reader.Read()) rounds.Add(reader.GetString(0));
        return Of(rounds, site);
    }

    /// <summary>The same of a run whose state is shared.</summary>
    /// <param name="run">The run's control state.</param>
    /// <param name="site">The site's id.</param>
    public static IReadOnlyList<Contribution> Of(StateDatabase run, string site)
    {
        ArgumentNullException.ThrowIfNull(run);
        return Of(run.Read($"SELECT json FROM rounds WHERE {run.Mine}1 = 1 ORDER BY model, repeat, round", r => r.GetString(0)), site);
    }

    private static IReadOnlyList<Contribution> Of(IEnumerable<string> rounds, string site) =>
        [.. rounds.Select(json => JsonSerializer.Deserialize<RoundRecord>(json, RunStore.Json)!).Where(r => r.Info.Contributed.Contains(site, StringComparer.Ordinal)).GroupBy(r => (r.Info.Model, r.Info.Repeat))
            .Select(g => new Contribution(g.Key.Model, g.Key.Repeat, [.. g.Select(r => r.Info.Round)]))];
}
