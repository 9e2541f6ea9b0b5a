using System.Globalization;
using System.Text.RegularExpressions;
using Comity.Coordinator.Backup;
using Comity.Coordinator.Studies;
using Comity.Transport.Clients;
using Comity.Transport.Protocol;

namespace Comity.Coordinator.Tests.Studies;

/// <summary>What a coordinator does with the studies of its book when it starts.</summary>
public sealed class KeptStudiesTests : IAsyncDisposable
{
    private readonly LoopbackFederation _federation = new();

    public ValueTask DisposeAsync() => _federation.DisposeAsync();

    [Theory]
    [InlineData(null)]
    [InlineData("study: te")]
    public async Task A_study_whose_file_was_lost_or_torn_goes_on_from_the_book_to_the_same_bits(string? left)
    {
        var yaml = LoopbackFederation.Yaml("arms: [federated]\nfederation: { rounds: 20, localEpochs: 5 }");
        await _federation.StartAsync();
        foreach (var site in new[] { "s0", "s1", "s2" }) _federation.StartSite(site);
        await _federation.Author.SubmitAsync(LoopbackFederation.Submission(yaml), default);
        await _federation.UntilRoundAsync(3);
        await _federation.StopAsync();
        var file = _federation.At("coordinator", "test-1", "study.yaml");
        if (left is null) File.Delete(file);
        else await File.WriteAllTextAsync(file, left);

        await _federation.StartAsync();
        Assert.Equal(StudyState.Done, (await _federation.EndAsync()).State);
        Assert.Equal(await _federation.LocalAsync(yaml), await _federation.NetworkAsync());
    }

    [Fact]
    public async Task A_study_that_this_version_cannot_read_is_named_and_its_sites_keep_what_they_have()
    {
        await _federation.StartAsync();
        var site = _federation.StartSite("s0");
        await _federation.Author.SubmitAsync(LoopbackFederation.Submission(LoopbackFederation.Yaml("arms: [federated]\nfederation: { rounds: 3 }")), default);
        var kept = _federation.At("sites", "s0", "studies", "test-1");
        while (!Directory.Exists(kept)) await Task.Delay(10);
        await site.CancelAsync();
        await _federation.StopAsync();
        using (var book = StudyBook.Open(_federation.At("coordinator", "studies.sqlite")))
            Assert.Single(book.All());
        Unread(_federation.At("coordinator", "studies.sqlite"));

        await _federation.StartAsync();
        Assert.Equal("test-1", Assert.Single(_federation.Server.Unreadable).Key);
        using var http = _federation.Client("s0", Transport.Identity.CallerRole.Site);
        var reply = await new SiteClient(http, TimeProvider.System).WorkAsync(new WorkRequest(ProtocolVersion.Newest, [], 1, 0, ["test-1", "never-heard-of"]), default);
        Assert.Equal(["never-heard-of"], reply.Closed);
        var again = await Assert.ThrowsAsync<WireException>(() => _federation.Author.SubmitAsync(LoopbackFederation.Submission(LoopbackFederation.Yaml("arms: [local]")), default));
        Assert.Equal("study-id", again.Told.Code);
        Assert.True(Directory.Exists(kept));
    }

    [Theory]
    [InlineData("fedavg")]
    [InlineData("scaffold")]
    public async Task A_backup_that_is_older_than_the_sites_state_goes_on_to_the_same_bits_or_says_what_was_lost(string strategy)
    {
        var yaml = LoopbackFederation.Yaml($"arms: [federated]\nfederation: {{ strategy: {strategy}, rounds: 30, localEpochs: 5 }}");
        await _federation.StartAsync();
        foreach (var site in new[] { "s0", "s1", "s2" }) _federation.StartSite(site);
        await _federation.Author.SubmitAsync(LoopbackFederation.Submission(yaml), default);
        await _federation.UntilRoundAsync(4);
        BackupFile.Take(_federation.At("coordinator"), _federation.At("backup.tar"), new(1, 1, DateTimeOffset.UtcNow, "X"));
        await _federation.UntilRoundAsync(15);
        await _federation.StopAsync();
        Directory.Delete(_federation.At("coordinator"), recursive: true);
        Directory.CreateDirectory(_federation.At("coordinator"));
        System.Formats.Tar.TarFile.ExtractToDirectory(_federation.At("backup.tar"), _federation.At("coordinator"), overwriteFiles: false);

        await _federation.StartAsync();
        var ended = await _federation.EndAsync();
        if (ended.State == StudyState.Done)
        {
            Assert.Equal(await _federation.LocalAsync(yaml), await _federation.NetworkAsync());
            return;
        }
        // Sites keep their control variates of the last two rounds: where they are further on than that, the study stops, and each is named with what it lacks,
        // but for those whose update of the round had arrived already when the backup was taken.
        Assert.Equal("scaffold", strategy);
        var told = ended.Problems.Single().ToProblem("").ToString();
        var usable = int.Parse(Regex.Match(told, "got ([0-9]) usable").Groups[1].Value, CultureInfo.InvariantCulture);
        Assert.InRange(usable, 0, 2);
        Assert.Equal(3 - usable, Regex.Count(told, @"s[012] \(memory-lost\)"));
    }

    // As a newer version might have written it.
    private static void Unread(string path)
    {
        using var connection = new Microsoft.Data.Sqlite.SqliteConnection(new Microsoft.Data.Sqlite.SqliteConnectionStringBuilder { DataSource = path, Pooling = false }.ToString());
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = "UPDATE studies SET submission = replace(submission, json_extract(submission, '$.yaml'), 'c3R1ZHk6IHRlc3QKYXJtczogW3RlbGVwYXRoeV0K')";
        Assert.Equal(1, command.ExecuteNonQuery());
    }
}
