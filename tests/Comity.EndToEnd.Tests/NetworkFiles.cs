using Comity.Testing;

namespace Comity.EndToEnd.Tests;

/// <summary>The same study of some sites twice, <c>local.yaml</c> for one process and <c>network.yaml</c> to be handed in, with each site's records and <c>site.yaml</c>.</summary>
internal static class NetworkFiles
{
    private static readonly (string Market, int Shift)[] Places = [("here", 0), ("there", 12), ("here", 5), ("there", 3)];

    /// <param name="folder">Takes the files.</param>
    /// <param name="sites">Names of two to four sites.</param>
    /// <param name="settings">The study from <c>split</c> on.</param>
    public static void Write(TempFolder folder, IReadOnlyList<string> sites, string settings)
    {
        string Study(Func<string, string> source) => $$"""
            study: small
            seed: 3
            contract:
              label: { column: sick, positive: 1 }
              features:
                - { column: age, kind: number, range: [0, 120] }
                - { column: dose, kind: number, range: [-100, 100] }
                - { column: ward, kind: category, values: [a, b, c] }
            markets:
              - { id: here, jurisdiction: US }
              - { id: there, jurisdiction: CH }
            sites:
            {{string.Join('\n', sites.Zip(Places, (site, place) => $"  - {{ id: {site}, market: {place.Market}{source(site)} }}"))}}
            {{settings}}

            """;
        folder.Write("local.yaml", Study(site => $", source: {{ csv: {site}.csv }}"));
        folder.Write("network.yaml", Study(_ => ""));
        foreach (var (site, place) in sites.Zip(Places))
        {
            folder.Write($"{site}.csv", SmallStudy.Records(site, place.Shift));
            folder.Write($"{site}.yaml", $"site: {site}\nstate: state-{site}\ndata:\n  - source: {{ csv: {site}.csv }}\n");
        }
    }
}
