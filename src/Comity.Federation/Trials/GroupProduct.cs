using System.Text.Json;
using Comity.Federation.Rounds;
using Comity.Federation.Spool;
using Comity.Federation.Stores;

namespace Comity.Federation.Trials;

/// <summary>What came of a group, as files in a folder: the updates in one spool, who refused, and what the sites remember now.</summary>
/// <param name="Refused">Codes of <see cref="RefusalReason"/>, by site.</param>
internal sealed record GroupProduct(IReadOnlyDictionary<string, string> Refused)
{
    private const string AnswersFile = "group.json";
    private const string UpdatesFile = "updates";
    private const string MemoriesFile = "memories";

    /// <summary>Where the updates are spooled.</summary>
    public static string UpdatesIn(string folder) => Path.Combine(folder, UpdatesFile);

    /// <summary>Where the memories are packed.</summary>
    public static string MemoriesIn(string folder) => Path.Combine(folder, MemoriesFile);

    public void Write(string folder) => File.WriteAllBytes(Path.Combine(folder, AnswersFile), JsonSerializer.SerializeToUtf8Bytes(this, RunStore.Json));

    /// <exception cref="Comity.Declarations.InvalidDeclarationException">A file is damaged.</exception>
    public static GroupProduct Read(string folder)
    {
        var path = Path.Combine(folder, AnswersFile);
        try
        {
            return JsonSerializer.Deserialize<GroupProduct>(File.ReadAllBytes(path), RunStore.Json)!;
        }
        catch (Exception e) when (e is IOException or JsonException)
        {
            throw RunStore.Unreadable(path);
        }
    }
}

/// <summary>A group's product on this machine, from which its sites are answered one after another.</summary>
internal sealed class GroupAnswers : IDisposable
{
    private readonly TrialHandover _handover;
    private readonly GroupProduct _product;
    private readonly UpdateSpool _updates;
    private readonly Dictionary<string, UpdateHeader> _headers;
    private readonly Dictionary<string, string> _memories = new(StringComparer.Ordinal);

    /// <exception cref="Comity.Declarations.InvalidDeclarationException">A file is damaged, or a site's answer is missing.</exception>
    public GroupAnswers(TrialHandover handover, SiteGroup group)
    {
        _handover = handover;
        _product = GroupProduct.Read(handover.Folder);
        var path = GroupProduct.UpdatesIn(handover.Folder);
        if (!File.Exists(path)) throw RunStore.Unreadable(path);
        _updates = UpdateSpool.Open(path);
        _headers = _updates.Headers.ToDictionary(h => h.Site, StringComparer.Ordinal);
        try
        {
            if (group.Sites.Any(s => _headers.ContainsKey(s.Site) == _product.Refused.ContainsKey(s.Site))) throw RunStore.Unreadable(path);
            if (!File.Exists(GroupProduct.MemoriesIn(handover.Folder))) return;
            var memories = GroupMemories.Unpack(GroupProduct.MemoriesIn(handover.Folder), Path.Combine(handover.Folder, "unpacked"), group.Sites.Count);
            for (var i = 0; i < memories.Length; i++)
            {
                if (memories[i] is { } memory) _memories[group.Sites[i].Site] = memory;
            }
        }
        catch
        {
            _updates.Dispose();
            throw;
        }
    }

    /// <summary>Hands a site's answer over as if the site had been asked here: its memory is in place before its update counts.</summary>
    public RoundReply Answer(string site, RoundOffer offer, SiteMemory memory, IUpdateSink sink, WorkSlots slots)
    {
        if (_memories.TryGetValue(site, out var remembered)) memory.Adopt(offer.Round, offer.LastContribution, remembered);
        if (_product.Refused.TryGetValue(site, out var reason)) return new RoundReply.Refused(reason);
        var header = _headers[site];
        var body = slots.Rent(header.Length);
        try
        {
            _updates.InOrder([site]).Read(0, 0, body);
            sink.Accept(header, body);
        }
        finally
        {
            slots.Return(body);
        }
        return new RoundReply.Delivered(header);
    }

    /// <summary>All sites are answered: nobody needs it any longer.</summary>
    public async Task EndAsync(CancellationToken cancellationToken)
    {
        Dispose();
        Directory.Delete(_handover.Folder, recursive: true);
        await _handover.Kept(cancellationToken).ConfigureAwait(false);
    }

    public void Dispose() => _updates.Dispose();
}
