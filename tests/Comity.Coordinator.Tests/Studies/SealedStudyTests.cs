using Comity.Federation.AtRest;
using Comity.Transport.Identity;
using Comity.Transport.Protocol;

namespace Comity.Coordinator.Tests.Studies;

/// <summary>Studies whose parties keep their state encrypted, each with a key of its own.</summary>
public sealed class SealedStudyTests : IAsyncDisposable
{
    private static readonly string[] MayBeOpen = [".sqlite", ".sqlite-wal", ".sqlite-shm", ".yaml", ".json", ".jsonl", ".lock", "", ".revealed", ".masked", ".update", ".spool", ".updates"];
    private readonly LoopbackFederation _federation = new() { VaultOf = VaultOf };

    public ValueTask DisposeAsync() => _federation.DisposeAsync();

    [Theory]
    [InlineData("arms: [local, federated]\nfederation: { strategy: scaffold, rounds: 12, localEpochs: 5 }", false)]
    [InlineData("privacy: { secureAggregation: { maximalRows: 1000 } }\narms: [local, federated]\nfederation: { rounds: 8, localEpochs: 3 }", true)]
    public async Task A_sealed_federation_that_is_restarted_in_mid_study_ends_with_the_bits_of_an_open_one(string rest, bool masked)
    {
        var yaml = LoopbackFederation.Yaml(rest, masked ? 4 : 3);
        var sites = Enumerable.Range(0, masked ? 4 : 3).Select(i => $"s{i}").ToList();
        await _federation.StartAsync();
        var last = sites.ConvertAll(s => _federation.StartSite(s, masked ? () => new NoisySite(s) : null))[^1];
        await _federation.Author.SubmitAsync(LoopbackFederation.Submission(yaml), default);

        await _federation.UntilRoundAsync(3);
        var looked = LookForOpen();
        await last.CancelAsync();
        await _federation.StopAsync();
        looked.AddRange(LookForOpen());
        await _federation.StartAsync();
        _federation.StartSite(sites[^1], masked ? () => new NoisySite(sites[^1]) : null);

        var ended = await _federation.EndAsync();
        Assert.True(ended.State == StudyState.Done, string.Join("\n", ended.Problems.Select(p => p.ToProblem(""))));
        Assert.Equal(await _federation.LocalAsync(yaml, masked ? site => new NoisySite(site) : null), await _federation.NetworkAsync());
        looked.AddRange(LookForOpen());
        Assert.Empty(looked);

        // What an author fetches is the model, not what lies on the disk.
        var artefacts = System.Text.Json.Nodes.JsonNode.Parse(File.ReadAllText(_federation.At("coordinator", "test-1", "artefacts.json")))!;
        var model = artefacts["models"]!.AsArray()[0]!;
        var stored = _federation.At("coordinator", "test-1", "weights", "0.f32");
        Assert.True(StateVault.IsSealedFile(stored));
        using var http = _federation.Client("ann", CallerRole.Author);
        var fetched = await http.GetByteArrayAsync(new Uri("v1/studies/test-1/models/0", UriKind.Relative));
        Assert.Equal((string)model["weightsSha256"]!, Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(fetched)));
    }

    // Every file with a model, a share or a key, wherever it lies: what is not known to be harmless must be sealed.
    private List<string> LookForOpen()
    {
        var found = new List<string>();
        foreach (var root in new[] { "coordinator", "sites" }.Select(r => _federation.At(r)).Where(Directory.Exists))
        {
            foreach (var path in Directory.EnumerateFiles(root, "*", SearchOption.AllDirectories))
            {
                try
                {
                    var harmless = MayBeOpen.Contains(Path.GetExtension(path)) && !path.Contains("answers", StringComparison.Ordinal);
                    if (new FileInfo(path).Length > 0 && !StateVault.IsSealedFile(path) && !harmless && !IsWiped(path)) found.Add(Path.GetRelativePath(root, path));
                }
                catch (IOException)
                {
                    // It went in this moment.
                }
            }
        }
        return found;
    }

    // Keys are overwritten before they are deleted, and a look may fall between the two.
    private static bool IsWiped(string path) => !File.ReadAllBytes(path).AsSpan().ContainsAnyExcept((byte)0);

    /// <summary>A state's vault, opened by a key of its own.</summary>
    internal static StateVault VaultOf(string folder)
    {
        var text = Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(Path.GetFileName(folder))));
        using var key = StateKey.OfText(text, "test", []);
        return StateVault.Open(folder, key);
    }
}
