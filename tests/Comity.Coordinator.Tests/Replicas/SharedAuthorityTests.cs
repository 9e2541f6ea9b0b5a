using System.Globalization;
using Comity.Coordinator.Hosting;
using Comity.Coordinator.Identity;
using Comity.Coordinator.Replicas;
using Comity.Coordinator.Storage;
using Comity.Coordinator.Tests.Storage;
using Comity.Federation.AtRest;
using Comity.Testing;
using Microsoft.Extensions.Logging.Abstractions;

namespace Comity.Coordinator.Tests.Replicas;

/// <summary>One authority for all replicas, through a database that must not be able to issue certificates.</summary>
public sealed class SharedAuthorityTests : IDisposable
{
    private const string Secret = "a secret of this test, which is long enough";
    private readonly TestDatabase _database = new();
    private readonly TempFolder _folder = new();

    public void Dispose()
    {
        _database.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void A_second_replica_finds_the_first_ones_authority_in_the_store_and_the_store_holds_no_key_in_the_clear()
    {
        var first = Open("first");
        Assert.Equal(first, Open("second"));
        Assert.Equal(first, Open("first")); // started again
        Assert.Equal(0, _database.Number("SELECT count(*) FROM @schema.settings WHERE value LIKE '%PRIVATE KEY%'"));
    }

    [Fact]
    public void A_coordinator_that_ran_alone_brings_its_authority_along()
    {
        string alone;
        using (var authority = CertificateAuthority.OpenOrMake(Directory.CreateDirectory(_folder.At("alone")).FullName, TimeProvider.System)) alone = authority.Key.Fingerprint.ToString();
        Assert.Equal(alone, Open("alone"));
        Assert.Equal(alone, Open("second"));
    }

    [Theory]
    [InlineData("second")]
    [InlineData("first")]
    public void Another_secret_is_refused_by_name_and_changes_nothing(string folder)
    {
        var first = Open("first");
        Assert.Equal("replica-secret-wrong", Assert.Throws<StoreRefusedException>(() => Open(folder, "another secret that is long enough too")).Problem.Code);
        Assert.Equal(first, Open("second"));
    }

    private string Open(string name, string secret = Secret)
    {
        var path = Directory.CreateDirectory(_folder.At(name)).FullName;
        var options = ServeOptions.Read("https://127.0.0.1:0", "https://127.0.0.1:8440", [], path, [])! with { Store = _database.Address, ReplicaSecret = secret };
        using var held = DataFolder.Take(path);
        using var vault = StateVault.Open(path, null);
        using var store = PostgresStore.Open(_database.Address);
        var run = new HostRun(options, held, vault, NullLoggerFactory.Instance, CultureInfo.InvariantCulture, TextWriter.Null, TextWriter.Null, TimeProvider.System);
        using var authority = SharedAuthority.Open(run, store, CoordinatorDatabase.Of(store));
        return authority.Key.Fingerprint.ToString();
    }
}
