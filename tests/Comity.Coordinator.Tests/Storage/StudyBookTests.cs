using Comity.Coordinator.Identity;
using Comity.Coordinator.Studies;
using Comity.Federation.Stores;
using Comity.Testing;
using Comity.Transport.Protocol;

namespace Comity.Coordinator.Tests.Storage;

public sealed class StudyBookTests : IDisposable
{
    private readonly TempFolder _folder = new();

    private string Path => _folder.At("studies.sqlite");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_book_of_a_version_that_wrote_no_number_is_taken_over_with_all_it_says()
    {
        var entry = new StudyEntry("a-1", "a", "ann", DateTimeOffset.UnixEpoch, StudyState.Stopped, new StudySubmission("a-1", "study.yaml", "", new StudyPlan([], "regression", "y", "mse", "0.1.0")), null, []);
        using (var book = StudyBook.Open(Path)) book.Add(entry);
        Version(0);

        using (var again = StudyBook.Open(Path)) Assert.Equal(("a-1", StudyState.Stopped), (again.All().Single().Id, again.All()[0].State));
        Assert.Equal(1, Version());
    }

    [Fact]
    public void A_book_of_a_newer_version_is_left_alone()
    {
        StudyBook.Open(Path).Dispose();
        Version(99);

        Assert.Equal(99, Assert.Throws<NewerStateException>(() => StudyBook.Open(Path)).Found);
        Assert.Equal(99, Version());
    }

    private int Version(int? to = null)
    {
        using var file = SqliteDatabase.Open(Path, "");
        if (to is { } number) file.Execute($"PRAGMA user_version = {number}");
        return file.Read("PRAGMA user_version", r => r.GetInt32(0))[0];
    }
}
