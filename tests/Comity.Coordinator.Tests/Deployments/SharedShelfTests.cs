using System.Security.Cryptography;
using System.Text.Json;
using Comity.Coordinator.Deployments;
using Comity.Coordinator.Storage;
using Comity.Coordinator.Tests.Storage;
using Comity.Testing;
using Microsoft.Extensions.Logging.Abstractions;

namespace Comity.Coordinator.Tests.Deployments;

/// <summary>What was handed in with one coordinator is handed out by whoever leads next in the same store.</summary>
public sealed class SharedShelfTests : IDisposable
{
    private static readonly byte[] Release = RandomNumberGenerator.GetBytes(5_000_017), First = "{\"order\":1}"u8.ToArray(), Second = "{\"order\":2}"u8.ToArray();
    private readonly TestDatabase _database = new();
    private readonly TempFolder _folder = new();

    public void Dispose()
    {
        _database.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task Orders_releases_and_what_nodes_told_are_there_in_an_empty_folder_and_in_one_that_was_left_behind()
    {
        using (var store = Lead())
        {
            var shelf = Shelf("a", store);
            Assert.True(shelf.Replace("heart", First, null));
            Assert.True(await TakeAsync(shelf, Release));
            shelf.Report("hu-1", JsonSerializer.SerializeToElement(new { state = "serving" }));
        }
        using (var store = Lead())
        {
            var shelf = Shelf("b", store);
            Assert.Equal((Digest(First), "heart"), (await shelf.OrdersAsync(0, TimeSpan.Zero, default)).Orders.Select(o => (o.Sha256, o.Name)).Single());
            Assert.Equal([Digest(Release)], shelf.Releases().Releases);
            // Nodes of every market ask at the same moment.
            var fetched = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => shelf.ReleaseFileAsync(Digest(Release), default)));
            Assert.All(fetched, file => Assert.Equal(Release, File.ReadAllBytes(file!)));
            Assert.Equal("hu-1", Assert.Single(shelf.Nodes().Nodes).Node);
            Assert.False(shelf.Replace("heart", Second, null)); // made from none, and there is one
            Assert.True(shelf.Replace("heart", Second, Digest(First)));
        }
        using (var store = Lead()) Assert.Equal(Second, File.ReadAllBytes(Shelf("a", store).OrderFile("heart")!));
    }

    [Fact]
    public async Task What_lay_in_a_folder_before_goes_into_the_store()
    {
        var alone = new DeploymentShelf(_folder.At("a"), TimeProvider.System);
        alone.Replace("heart", First, null);
        await TakeAsync(alone, Release);
        using (var store = Lead()) Shelf("a", store);
        using (var store = Lead())
        {
            var shelf = Shelf("b", store);
            Assert.Equal(First, File.ReadAllBytes(shelf.OrderFile("heart")!));
            Assert.Equal(Release, File.ReadAllBytes((await shelf.ReleaseFileAsync(Digest(Release), default))!));
        }
    }

    [Fact]
    public async Task Whose_epoch_is_over_takes_nothing_and_a_release_with_another_digest_is_kept_nowhere()
    {
        using var store = Lead();
        var shelf = Shelf("a", store);
        Assert.False(await shelf.TakeReleaseAsync(Digest(First), new MemoryStream(Release), default));
        Assert.Empty(shelf.Releases().Releases);
        _database.RaiseEpoch();
        Assert.Throws<StaleEpochException>(() => shelf.Replace("heart", First, null));
        await Assert.ThrowsAsync<StaleEpochException>(() => TakeAsync(shelf, Release));
        Assert.Null(shelf.OrderFile("heart"));
        Assert.Equal(0, _database.Number("SELECT count(*) FROM @schema.bodies"));
    }

    private static string Digest(byte[] bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes));

    private static Task<bool> TakeAsync(DeploymentShelf shelf, byte[] release) => shelf.TakeReleaseAsync(Digest(release), new MemoryStream(release), default);

    private DeploymentShelf Shelf(string folder, PostgresStore store) => new(_folder.At(folder), TimeProvider.System, store.Deployments);

    private PostgresStore Lead() => PostgresStore.Lead(_database.Address, TimeProvider.System, NullLogger.Instance, default);
}
