using System.IO.Pipelines;
using System.Security.Cryptography;
using Comity.Coordinator.Studies;
using Comity.Federation.AtRest;
using Comity.Tensors.Randomness;
using Comity.Testing;
using Comity.Transport.Bodies;

namespace Comity.Coordinator.Tests.Studies;

/// <summary>Chunks that are stored while they arrive: slowly, twice, wrong, cut short, in an open state and in a sealed one.</summary>
public sealed class UploadedBodyTests : IDisposable
{
    private const int ChunkBytes = 200_000; // no multiple of a slice or of a sealed page
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(5);

    private readonly TempFolder _folder = new();
    private byte[] _content = new byte[2 * ChunkBytes + 70_000];

    public UploadedBodyTests()
    {
        var random = Seed.Of(5).ToRandom();
        foreach (ref var x in _content.AsSpan()) x = (byte)random.NextInt32(256);
    }

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Who_sends_a_chunk_again_takes_the_place_of_a_sender_that_stands_still(bool isSealed)
    {
        using var vault = Vault(isSealed);
        await using var body = await OpenAsync(vault);
        var slow = new Pipe(new PipeOptions(pauseWriterThreshold: 1, resumeWriterThreshold: 1));
        var first = body.StoreAsync(1, slow.Reader.AsStream(), null, default);
        await slow.Writer.WriteAsync(new byte[150_000]).AsTask().WaitAsync(Limit); // all read, two slices of it written, and none of it the chunk's

        Assert.Equal(ChunkFault.None, await body.StoreAsync(1, Chunk(1), null, default).WaitAsync(Limit));
        Assert.Equal(ChunkFault.Superseded, await first.WaitAsync(Limit));
        foreach (var chunk in new[] { 0, 2 }) Assert.Equal(ChunkFault.None, await body.StoreAsync(chunk, Chunk(chunk), null, default));

        Assert.Empty(body.Missing);
        await body.DisposeAsync();
        Assert.Equal(_content, vault.ReadAll(body.Path));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_chunk_that_was_cut_short_is_missing_after_a_restart_and_one_that_was_stored_is_not(bool isSealed)
    {
        using var vault = Vault(isSealed);
        await using (var body = await OpenAsync(vault))
        {
            Assert.Equal(ChunkFault.None, await body.StoreAsync(0, Chunk(0), null, default));
            Assert.Equal(ChunkFault.WrongLength, await body.StoreAsync(2, new MemoryStream(_content, 2 * ChunkBytes, 69_000), null, default));
        }

        await using var again = await OpenAsync(vault);

        Assert.Equal([1, 2], again.Missing);
        foreach (var chunk in again.Missing) Assert.Equal(ChunkFault.None, await again.StoreAsync(chunk, Chunk(chunk), null, default));
        await again.DisposeAsync();
        Assert.Equal(_content, vault.ReadAll(again.Path));
    }

    [Theory]
    [InlineData(false, 0)]
    [InlineData(false, -1)]
    [InlineData(false, 1)]
    [InlineData(true, 0)]
    public async Task Nothing_counts_that_lies_in_the_file_of_another_body(bool isSealed, int longer)
    {
        using var vault = Vault(isSealed);
        Array.Resize(ref _content, 12 * ChunkBytes);
        vault.WriteAll(_folder.At("before"), _content.Append((byte)1).Take(_content.Length + longer).ToArray()); // even where it is the same
        var spares = new SpareFiles(_folder.At("spare"));
        spares.Discard(_folder.At("before"));
        Assert.Single(Directory.EnumerateFiles(_folder.At("spare")));

        await using var body = await OpenAsync(vault, spares);

        Assert.Empty(Directory.EnumerateFiles(_folder.At("spare")));
        Assert.Equal(Enumerable.Range(0, 12), body.Missing);
        foreach (var chunk in body.Missing) Assert.Equal(ChunkFault.None, await body.StoreAsync(chunk, Chunk(chunk), null, default));
        await body.DisposeAsync();
        Assert.Equal(_content, vault.ReadAll(body.Path));
    }

    [Fact]
    public async Task What_is_stored_stays_whatever_is_sent_for_it_later()
    {
        await using var body = await OpenAsync(StateVault.Plain);
        for (var chunk = 0; chunk < 3; chunk++) Assert.Equal(ChunkFault.None, await body.StoreAsync(chunk, Chunk(chunk), null, default));

        Assert.Equal(ChunkFault.WrongDigest, await body.StoreAsync(0, new MemoryStream(new byte[ChunkBytes]), null, default));
        Assert.Equal(ChunkFault.WrongDigest, await body.StoreAsync(0, Chunk(0), SHA256.HashData([1]), default));
        Assert.Equal(ChunkFault.WrongLength, await body.StoreAsync(2, new MemoryStream(_content, ChunkBytes, 70_001), null, default));
        Assert.Equal(ChunkFault.UnknownChunk, await body.StoreAsync(3, Chunk(0), null, default));
        Assert.Equal(ChunkFault.UnknownChunk, await body.StoreAsync(-1, Chunk(0), null, default));
        Assert.Equal(ChunkFault.None, await body.StoreAsync(0, Chunk(0), null, default));

        await body.DisposeAsync();
        Assert.Equal(ChunkFault.None, await body.StoreAsync(0, Chunk(0), null, default)); // its sender never heard that it had arrived
        Assert.Equal(_content, await File.ReadAllBytesAsync(body.Path));
    }

    [Fact]
    public async Task Closing_stops_who_still_sends_and_nothing_is_written_afterwards()
    {
        var body = await OpenAsync(StateVault.Plain);
        var slow = new Pipe();
        var sending = body.StoreAsync(1, slow.Reader.AsStream(), null, default);

        await body.DisposeAsync().AsTask().WaitAsync(Limit);

        Assert.Equal(ChunkFault.Superseded, await sending.WaitAsync(Limit));
        Assert.Equal(ChunkFault.Superseded, await body.StoreAsync(1, Chunk(1), null, default));
        Assert.Equal([0, 1, 2], body.Missing);
    }

    [Fact]
    public async Task A_sender_that_goes_away_ends_with_its_call()
    {
        await using var body = await OpenAsync(StateVault.Plain);
        using var gone = new CancellationTokenSource();
        var sending = body.StoreAsync(1, new Pipe().Reader.AsStream(), null, gone.Token);

        await gone.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => sending.WaitAsync(Limit));
        Assert.Equal(ChunkFault.None, await body.StoreAsync(1, Chunk(1), null, default).WaitAsync(Limit));
    }

    private StateVault Vault(bool isSealed) => isSealed ? SealedStudyTests.VaultOf(_folder.FullPath) : StateVault.Plain;

    private MemoryStream Chunk(int chunk) => new(_content, chunk * ChunkBytes, Math.Min(ChunkBytes, _content.Length - chunk * ChunkBytes));

    private async Task<UploadedBody> OpenAsync(StateVault vault, SpareFiles? spares = null) =>
        await UploadedBody.OpenAsync(_folder.At("uploads", "s0", "body"), await BodyManifest.DescribeAsync(new MemoryStream(_content), ChunkBytes, default), vault, spares, default);
}
