using Comity.Coordinator.Access;
using Comity.Coordinator.Backup;
using Comity.Coordinator.Identity;
using Comity.Testing;
using Comity.Transport.Identity;
using Microsoft.Data.Sqlite;

namespace Comity.Coordinator.Tests;

/// <summary>State outlives machines and versions.</summary>
public sealed class BackupTests
{
    private static BackupInfo Info() => new(1, Schema.Newest, DateTimeOffset.UtcNow, "X");

    [Fact]
    public async Task A_backup_taken_while_it_is_served_restores_who_belongs()
    {
        await using var coordinator = await RunningCoordinator.StartAsync();
        using var site = await coordinator.JoinAsync("berlin");
        var token = coordinator.Tokens.Create("ana", CallerRole.Author, null, DateTimeOffset.UtcNow, TimeSpan.FromDays(1)).Whole;
        using var http = coordinator.Connect(site, "berlin");
        using var calls = new CancellationTokenSource();
        var busy = Task.Run(async () =>
        {
            while (!calls.IsCancellationRequested) await new IdentityClient(http).RenewAsync(default); // writes while the backup reads
        });

        BackupFile.Take(coordinator.Folder.At("data"), coordinator.Folder.At("backup.tar"), Info());
        await calls.CancelAsync();
        await busy;
        coordinator.Registry.Revoke("berlin");
        Assert.False(SecretFile.OthersMayRead(coordinator.Folder.At("backup.tar")));

        BackupFile.Restore(coordinator.Folder.At("backup.tar"), coordinator.Folder.At("restored"));
        using var database = CoordinatorDatabase.Open(coordinator.Folder.At("restored"));
        using var authority = CertificateAuthority.OpenOrMake(coordinator.Folder.At("restored"), TimeProvider.System);
        var restored = new Registry(database, authority, TimeProvider.System);
        Assert.Equal(coordinator.Code.Authority, authority.Key);
        Assert.Equal(site.Fingerprint.Plain, restored.ByName("berlin")!.Fingerprint);
        Assert.Null(restored.ByName("berlin")!.RevokedAt); // as it was when the backup was taken: restore says so
        Assert.Equal(coordinator.Registry.JoinSecret(renew: false), restored.JoinSecret(renew: false));
        Assert.Null(new Tokens(database).Judge(token, DateTimeOffset.UtcNow, out var caller));
        Assert.Equal("ana", caller!.Name);
    }

    [Fact]
    public async Task A_damaged_backup_changes_nothing()
    {
        await using var coordinator = await RunningCoordinator.StartAsync();
        var whole = coordinator.Folder.At("backup.tar");
        BackupFile.Take(coordinator.Folder.At("data"), whole, Info());
        var bytes = await File.ReadAllBytesAsync(whole);
        foreach (var (name, content) in new[] { ("cut", bytes[..(bytes.Length / 2)]), ("empty", []), ("text", "no tar at all"u8.ToArray()) })
        {
            await File.WriteAllBytesAsync(coordinator.Folder.At(name), content);
            Assert.ThrowsAny<Exception>(() => BackupFile.Restore(coordinator.Folder.At(name), coordinator.Folder.At("restored")));
            Assert.False(Directory.Exists(coordinator.Folder.At("restored")));
            Assert.False(Directory.Exists(coordinator.Folder.At("restored.restoring")));
        }
    }

    [Fact]
    public void The_state_of_the_previous_version_is_brought_up_to_date_whole()
    {
        using var folder = new TempFolder();
        Execute(folder.At(CoordinatorDatabase.FileName), File.ReadAllText(Repository.At("tests/Comity.Coordinator.Tests/Data/schema-1.sql")));

        using var database = CoordinatorDatabase.Open(folder.FullPath);
        using var authority = CertificateAuthority.OpenOrMake(folder.FullPath, TimeProvider.System);
        var registry = new Registry(database, authority, TimeProvider.System);

        Assert.Equal(("berlin", CallerRole.Site, "GA5TQZAAVQEY6YK9JZKF681Y8J3QDSXZ"), registry.Members.Single() is var m ? (m.Name, m.Role, m.Fingerprint) : default);
        Assert.Equal("paris", registry.Enrolments.Single().Name);
        Assert.True(registry.IsRetired("2BK43QMH2GMW85X97A8YW57XM9DFPN1P"));
        Assert.Equal("00112233445566778899", registry.JoinSecret(renew: false));
        Assert.Empty(new Tokens(database).All);
        Assert.Equal(Schema.Newest, database.Read("PRAGMA user_version", r => r.GetInt32(0))[0]);
    }

    [Fact]
    public void The_state_of_a_newer_version_is_left_alone()
    {
        using var folder = new TempFolder();
        Execute(folder.At(CoordinatorDatabase.FileName), $"CREATE TABLE future (x) ; PRAGMA user_version = {Schema.Newest + 1};");
        Assert.Equal(Schema.Newest + 1, Assert.Throws<NewerStateException>(() => CoordinatorDatabase.Open(folder.FullPath)).Found);
    }

    private static void Execute(string path, string sql)
    {
        using var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Pooling = false }.ToString());
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }
}
