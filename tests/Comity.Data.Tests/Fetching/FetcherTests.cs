using System.IO.Compression;
using System.Security.Cryptography;
using Comity.Data.Fetching;
using Comity.Declarations;
using Comity.Testing;

namespace Comity.Data.Tests.Fetching;

public sealed class FetcherTests
{
    private static readonly byte[] Content = [.. Enumerable.Range(0, 300_000).Select(i => (byte)(i * 7 + i / 251))];

    [Fact]
    public async Task A_file_arrives_whole_with_progress_and_is_not_fetched_twice()
    {
        using var server = new FileServer(new() { ["a.bin"] = Content });
        using var folder = new TemporaryFolder();
        var seen = new List<FetchProgress>();

        var (files, problems) = await Fetch(server, folder, Set(server), new Sink(seen));
        var (again, _) = await Fetch(server, folder, Set(server));

        Assert.Empty(problems);
        Assert.Equal([Path.Combine(folder.Path, "a.bin")], files);
        Assert.Equal(files, again);
        Assert.Equal(Content, File.ReadAllBytes(files[0]));
        Assert.Equal(new FetchProgress("a.bin", 300_000, 300_000), seen[^1]);
        Assert.Single(server.Asked);
    }

    [Fact]
    public async Task A_broken_connection_is_resumed_where_it_stopped()
    {
        using var server = new FileServer(new() { ["a.bin"] = Content }) { BreakAfter = 120_000 };
        using var folder = new TemporaryFolder();

        var (files, problems) = await Fetch(server, folder, Set(server));

        Assert.Empty(problems);
        Assert.Equal(Content, File.ReadAllBytes(Assert.Single(files)));
        Assert.True(server.Asked.Count >= 3);
        Assert.True(server.Asked.Zip(server.Asked.Skip(1)).All(p => p.First < p.Second), string.Join(", ", server.Asked));
    }

    [Fact]
    public async Task A_later_start_goes_on_with_what_an_earlier_one_left()
    {
        using var server = new FileServer(new() { ["a.bin"] = Content });
        using var folder = new TemporaryFolder();
        File.WriteAllBytes(Path.Combine(folder.Path, "a.bin.part"), Content[..250_000]);

        var (files, _) = await Fetch(server, folder, Set(server));

        Assert.Equal([250_000], server.Asked);
        Assert.Equal(Content, File.ReadAllBytes(Assert.Single(files)));
    }

    [Fact]
    public async Task A_server_without_ranges_starts_again_and_the_file_is_right_all_the_same()
    {
        using var server = new FileServer(new() { ["a.bin"] = Content }) { IgnoreRanges = true };
        using var folder = new TemporaryFolder();
        File.WriteAllBytes(Path.Combine(folder.Path, "a.bin.part"), Content[..100]);

        var (files, _) = await Fetch(server, folder, Set(server));

        Assert.Equal(Content, File.ReadAllBytes(Assert.Single(files)));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_wrong_checksum_leaves_nothing_behind(bool longer)
    {
        byte[] wrong = longer ? [.. Content, 1, 2, 3] : [.. Content[..^1], (byte)(Content[^1] ^ 1)];
        using var server = new FileServer(new() { ["a.bin"] = wrong });
        using var folder = new TemporaryFolder();

        var (files, problems) = await Fetch(server, folder, Set(server));

        Assert.Empty(files);
        Assert.Equal(["fetch-checksum"], problems.Select(p => p.Code));
        Assert.Empty(Directory.GetFiles(folder.Path));
    }

    [Fact]
    public async Task A_refusal_is_told_at_once_and_the_other_files_still_come()
    {
        using var server = new FileServer(new() { ["a.bin"] = Content });
        using var folder = new TemporaryFolder();
        var set = Set(server);
        set = set with { Files = [set.Files[0] with { Name = "gone.bin" }, set.Files[0]] };

        var (files, problems) = await Fetch(server, folder, set);

        Assert.Equal(["fetch-refused"], problems.Select(p => p.Code));
        Assert.Single(files);
    }

    [Fact]
    public async Task A_file_of_one_s_own_under_that_name_is_not_replaced()
    {
        using var server = new FileServer(new() { ["a.bin"] = Content });
        using var folder = new TemporaryFolder();
        folder.Write("a.bin", "mine");

        var (files, problems) = await Fetch(server, folder, Set(server));

        Assert.Empty(files);
        Assert.Equal(["fetch-other-file"], problems.Select(p => p.Code));
        Assert.Equal("mine", File.ReadAllText(Path.Combine(folder.Path, "a.bin")));
    }

    [Fact]
    public async Task A_plain_file_is_verified_and_then_kept_zipped()
    {
        using var server = new FileServer(new() { ["a.bin"] = Content });
        using var folder = new TemporaryFolder();
        var set = Set(server);
        set = set with { Files = [set.Files[0] with { Compress = true }] };

        var (files, _) = await Fetch(server, folder, set);
        var (again, problems) = await Fetch(server, folder, set);

        using var plain = new MemoryStream();
        using (var zip = new GZipStream(File.OpenRead(Assert.Single(files)), CompressionMode.Decompress)) zip.CopyTo(plain);
        Assert.Equal(Content, plain.ToArray());
        Assert.Equal([Path.Combine(folder.Path, "a.bin.gz")], Directory.GetFiles(folder.Path));
        Assert.Equal(files, again);
        Assert.Empty(problems);
    }

    [Fact]
    public async Task Cancelling_keeps_what_has_arrived_for_next_time()
    {
        using var server = new FileServer(new() { ["a.bin"] = Content });
        using var folder = new TemporaryFolder();
        using var cancel = new CancellationTokenSource();
        using var client = new HttpClient();
        var fetcher = new DataSetFetcher(client, TimeProvider.System);

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => fetcher.FetchAsync(Set(server), folder.Path, new ProblemList(), new Cancelling(cancel), cancel.Token));

        Assert.InRange(new FileInfo(Path.Combine(folder.Path, "a.bin.part")).Length, 1, 300_000);
        var (files, _) = await Fetch(server, folder, Set(server));
        Assert.Equal(Content, File.ReadAllBytes(Assert.Single(files)));
    }

    [Fact]
    public void The_catalogue_states_the_bytes_of_the_real_files()
    {
        foreach (var set in DataSetCatalog.All)
        {
            var folder = TestData.Folder(set.Id);
            foreach (var file in set.Files)
            {
                using var stored = File.OpenRead(Path.Combine(folder, file.StoredName));
                using Stream plain = file.Compress ? new GZipStream(stored, CompressionMode.Decompress) : stored;
                using var all = new MemoryStream();
                plain.CopyTo(all);
                Assert.Equal((file.Bytes, file.Sha256), (all.Length, Convert.ToHexStringLower(SHA256.HashData(all.ToArray()))));
            }
        }
    }

    private static DataSet Set(FileServer server) => new(
        "test", "Test", server.Address, "CC0", "–", [new DataSetFile("a.bin", Content.Length, Convert.ToHexStringLower(SHA256.HashData(Content)))]);

    private static async Task<(IReadOnlyList<string> Files, ProblemList Problems)> Fetch(FileServer server, TemporaryFolder folder, DataSet set, IProgress<FetchProgress>? progress = null)
    {
        using var client = new HttpClient();
        var problems = new ProblemList();
        return (await new DataSetFetcher(client, TimeProvider.System).FetchAsync(set with { Address = server.Address }, folder.Path, problems, progress), problems);
    }

    private sealed class Sink(List<FetchProgress> seen) : IProgress<FetchProgress>
    {
        public void Report(FetchProgress value) => seen.Add(value);
    }

    private sealed class Cancelling(CancellationTokenSource cancel) : IProgress<FetchProgress>
    {
        public void Report(FetchProgress value) => cancel.Cancel();
    }
}
