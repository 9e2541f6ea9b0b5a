using System.Text.Json.Nodes;
using Comity.Coordinator.Access;
using Comity.Testing;

namespace Comity.Coordinator.Tests;

/// <summary>What is served is what is committed, and describes what is called.</summary>
public sealed class OpenApiTests
{
    private const string Page = "docs/protocol/openapi.json";

    [Fact]
    public async Task The_committed_description_is_the_one_that_is_served()
    {
        await using var coordinator = await RunningCoordinator.StartAsync();
        using var http = coordinator.Connect(token: null);
        using var response = await http.GetAsync("/v1/openapi.json");
        Assert.Equal("application/json", response.Content.Headers.ContentType!.MediaType);
        var served = await response.Content.ReadAsStringAsync();
        if (Environment.GetEnvironmentVariable("COMITY_APPROVE") == "1") await File.WriteAllTextAsync(Repository.At(Page), served);
        Assert.True(await File.ReadAllTextAsync(Repository.At(Page)) == served, $"{Page} is not what is served. COMITY_APPROVE=1 writes it anew.");
    }

    [Fact]
    public void Every_call_is_described_once_and_every_reference_leads_somewhere()
    {
        var root = JsonNode.Parse(OpenApi.Text)!;
        var paths = root["paths"]!.AsObject();
        Assert.Equal(AccessTable.Rules.Count, paths.Sum(p => p.Value!.AsObject().Count));
        Assert.Equal(["Problem", "SiteAnswer"], root["components"]!["schemas"]!.AsObject().Select(s => s.Key).Where(k => k is "Problem" or "SiteAnswer"));
        foreach (var reference in References(root))
        {
            var at = (JsonNode?)root;
            foreach (var part in reference[2..].Split('/')) at = at?[part];
            Assert.True(at is not null, reference);
        }
        // Fields are named as the wire names them.
        Assert.NotNull(root["components"]!["schemas"]!["WorkRequest"]!["properties"]!["waitSeconds"]);
        foreach (var (path, methods) in paths)
        {
            foreach (var (method, operation) in methods!.AsObject())
            {
                var named = operation!["parameters"]?.AsArray().Where(p => (string)p!["in"]! == "path").Select(p => (string)p!["name"]!) ?? [];
                Assert.Equal(path.Split('/').Where(p => p.StartsWith('{')).Select(p => p.Trim('{', '}')), named);
                Assert.Equal(method is "put" or "post" && !path.EndsWith("/cancel", StringComparison.Ordinal) && !path.EndsWith("/resume", StringComparison.Ordinal) && !path.EndsWith("/certificate", StringComparison.Ordinal), operation["requestBody"] is not null);
            }
        }
    }

    private static IEnumerable<string> References(JsonNode? node) => node switch
    {
        JsonObject o => o.SelectMany(p => p.Key == "$ref" ? [(string)p.Value!] : References(p.Value)),
        JsonArray a => a.SelectMany(References),
        _ => [],
    };
}
