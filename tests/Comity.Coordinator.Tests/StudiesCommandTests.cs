using System.Globalization;
using Comity.Coordinator.Identity;
using Comity.Coordinator.Studies;
using Comity.Testing;
using Comity.Transport.Protocol;

namespace Comity.Coordinator.Tests;

/// <summary>What an operator sees of studies; in PostgreSQL that is tested with the store.</summary>
public sealed class StudiesCommandTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public StudiesCommandTests()
    {
        CoordinatorDatabase.Open(_folder.FullPath).Dispose();
        CertificateAuthority.OpenOrMake(_folder.FullPath, TimeProvider.System).Dispose();
    }

    public void Dispose() => _folder.Dispose();

    /// <summary>A study as an author hands it in.</summary>
    internal static StudyEntry Entry(string id, StudyState state) => new(
        id, "hearts", "ana", new DateTimeOffset(2027, 1, 2, 3, 4, 5, TimeSpan.FromHours(2)), state, new(id, "study.yaml", "YQ==", new([], "binary", "y", "auc", "1")), null, []);

    [Fact]
    public async Task Each_study_is_listed_with_its_author_where_it_stands_who_left_and_why_it_stopped()
    {
        var studies = StudyServer.FolderIn(_folder.FullPath);
        Directory.CreateDirectory(studies);
        using (var book = StudyBook.Open(StudyServer.BookOf(studies)))
        {
            book.Add(Entry("hearts-1", StudyState.Running));
            book.Add(Entry("hearts-2", StudyState.Joining));
            book.Update(Entry("hearts-2", StudyState.Stopped) with { Problems = [new("site-silent", "berlin", new("It is silent.", "它沉默。"), new("An answer.", "应有回答。"), new("Start it.", "请启动。"))] });
            book.Withdraw("hearts-2", "paris", DateTimeOffset.UtcNow);
        }

        Assert.Equal("""
            hearts-1  running  ana  2027-01-02 01:04:05Z
            hearts-2  stopped  ana  2027-01-02 01:04:05Z
              Left by: paris
              berlin: It is silent. An answer. Start it. [site-silent]

            """, await RunAsync("en"));
        var chinese = await RunAsync("zh-Hans");
        foreach (var text in new[] { "hearts-1  运行中", "hearts-2  已停止", "已退出：paris", "它沉默。" }) Assert.Contains(text, chinese, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Where_nothing_was_handed_in_that_is_said_and_nothing_is_made()
    {
        Assert.Equal("No study was handed in.\n", await RunAsync("en"));
        Assert.False(Directory.Exists(StudyServer.FolderIn(_folder.FullPath)));
    }

    private async Task<string> RunAsync(string language)
    {
        var (output, error) = (new StringWriter(CultureInfo.InvariantCulture) { NewLine = "\n" }, new StringWriter(CultureInfo.InvariantCulture));
        Assert.True(await CoordinatorCommandLine.RunAsync(["studies", "--data", _folder.FullPath, "--lang", language], _ => null, output, error, TimeProvider.System, default) == 0, error.ToString());
        return output.ToString();
    }
}
