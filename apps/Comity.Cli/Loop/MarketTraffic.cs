using System.Globalization;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json.Nodes;

namespace Comity.Cli.Loop;

/// <summary>A market's users: they ask, and tell much later what became of it.</summary>
internal sealed class MarketTraffic(string market, Uri address, HttpClient client)
{
    private const int Together = 25;
    private readonly List<(string Id, string Label)> _later = [];

    public string Market => market;

    /// <summary>Asks about each record of a file; what the labels were is kept for later.</summary>
    /// <returns>Answers by version.</returns>
    public async Task<Dictionary<string, int>> AskAsync(string csv, CancellationToken cancellationToken)
    {
        var lines = await File.ReadAllLinesAsync(csv, cancellationToken);
        var header = lines[0].Split(',');
        var (label, record) = (Array.IndexOf(header, "disease"), Array.IndexOf(header, "record"));
        var asked = Enumerable.Range(0, header.Length).Where(i => i != label && i != record).ToList();
        var versions = new Dictionary<string, int>();
        foreach (var chunk in lines.Skip(1).Where(l => l.Length > 0).Select(l => l.Split(',')).Chunk(Together))
        {
            var body = string.Join('\n', [string.Join(',', asked.Select(i => header[i])), .. chunk.Select(cells => string.Join(',', asked.Select(i => cells[i])))]);
            using var response = await client.PostAsync(new Uri(address, "/predict"), new StringContent(body, Encoding.UTF8, "text/csv"), cancellationToken);
            response.EnsureSuccessStatusCode();
            var answers = (await response.Content.ReadFromJsonAsync<JsonNode>(cancellationToken))!["predictions"]!.AsArray();
            for (var i = 0; i < chunk.Length; i++)
            {
                _later.Add(((string)answers[i]!["id"]!, chunk[i][label]));
                var version = (string)answers[i]!["version"]!;
                versions[version] = versions.GetValueOrDefault(version) + 1;
            }
        }
        return versions;
    }

    /// <summary>Tells what became of everything asked so far.</summary>
    public async Task TellAsync(CancellationToken cancellationToken)
    {
        foreach (var chunk in _later.Chunk(50))
        {
            var said = new JsonArray([.. chunk.Select(a => (JsonNode)new JsonObject { ["id"] = a.Id, ["label"] = a.Label })]);
            using var response = await client.PostAsync(new Uri(address, "/feedback"), new StringContent(said.ToJsonString()), cancellationToken);
            response.EnsureSuccessStatusCode();
        }
        _later.Clear();
    }

    /// <summary>Waits until these versions are in service, and no other.</summary>
    public async Task WaitForAsync(IReadOnlyCollection<string> versions, CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                var index = await client.GetFromJsonAsync<JsonNode>(new Uri(address, "/v2/repository/index"), cancellationToken);
                if (index!.AsArray().Select(v => (string)v!["version"]!).ToHashSet(StringComparer.Ordinal).SetEquals(versions)) return;
            }
            catch (HttpRequestException)
            {
                // Not listening yet.
            }
            await Task.Delay(50, cancellationToken);
        }
    }

    public static string Count(Dictionary<string, int> versions) => string.Join(", ", versions.OrderBy(v => v.Key, StringComparer.Ordinal).Select(v => string.Create(CultureInfo.InvariantCulture, $"{v.Key}: {v.Value}")));
}
