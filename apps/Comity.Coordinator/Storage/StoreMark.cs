using Comity.Coordinator.Identity;
using Comity.Federation.AtRest;
using Comity.Transport.Stores;

namespace Comity.Coordinator.Storage;

/// <summary>Keeps a folder and a store together: a coordinator that was started without its store would begin an empty federation, and one with another's key would be nobody's.</summary>
/// <remarks>The authority's key lies in the folder only: who reads the database, or a dump of it, can be nobody.</remarks>
internal static class StoreMark
{
    private const string FileName = "store";
    private const string AuthorityKey = "authority";
    private const string VaultKeys = "vault";

    /// <summary>What a folder says of where its state lies; null: nothing, it lies in the folder.</summary>
    public static string? Of(string folder)
    {
        var path = Path.Combine(folder, FileName);
        return File.Exists(path) ? File.ReadAllText(path).Trim() : null;
    }

    /// <summary>Before anything is opened: the folder's state lies where the command line says.</summary>
    /// <exception cref="StoreRefusedException">It does not.</exception>
    public static void Check(string folder, StoreAddress? address)
    {
        if (address is null && Of(folder) is { } shown) throw new StoreRefusedException(Texts.Problem("store-not-named", StoreAddress.Option, folder, shown));
        if (address is not null && CoordinatorDatabase.Exists(folder)) throw new StoreRefusedException(Texts.Problem("store-moved", address.Place, folder, address.Shown));
    }

    /// <summary>Before an authority is made: a store that has one needs that one's key.</summary>
    /// <exception cref="StoreRefusedException">The folder has none.</exception>
    public static void Match(string folder, PostgresStore store, CoordinatorDatabase database)
    {
        if (!CertificateAuthority.Exists(folder) && Setting(database, AuthorityKey) is not null)
            throw new StoreRefusedException(Texts.Problem("store-key-missing", "--data", folder, store.Address.Shown));
    }

    /// <summary>Before anything is sealed in the folder: what the store's bodies are sealed by is in this machine's vault.</summary>
    /// <remarks>Bodies lie in the store as a machine's vault sealed them; with other data keys none of them could be read, and nobody would know before a study needs one.</remarks>
    /// <exception cref="StoreRefusedException">A data key is missing.</exception>
    public static void MatchVault(string folder, PostgresStore store, CoordinatorDatabase database, StateVault vault)
    {
        if (SealedBy(database).Except(vault.KeyNames, StringComparer.Ordinal).Any())
            throw new StoreRefusedException(Texts.Problem(vault.IsSealed ? "store-vault-other" : "store-vault-missing", "--data", folder, store.Address.Shown));
    }

    /// <summary>Writes down on both sides that they belong together.</summary>
    /// <exception cref="StoreRefusedException">They do not.</exception>
    public static void Leave(string folder, PostgresStore store, CoordinatorDatabase database, Registry registry, CertificateAuthority authority, StateVault vault)
    {
        MatchVault(folder, store, database, vault); // another machine may have been the first meanwhile
        if (vault.KeyNames.Count > SealedBy(database).Length) registry.Remember(VaultKeys, string.Join(',', vault.KeyNames));
        var mine = authority.Key.Fingerprint.ToString();
        if (registry.Recall(AuthorityKey) is not { } known) registry.Remember(AuthorityKey, mine);
        else if (known != mine) throw new StoreRefusedException(Texts.Problem("store-of-another", "--data", store.Address.Shown, known, mine));
        if (Of(folder) != store.Address.Shown) File.WriteAllText(Path.Combine(folder, FileName), store.Address.Shown + "\n");
    }

    private static string[] SealedBy(CoordinatorDatabase database) => Setting(database, VaultKeys)?.Split(',') ?? [];

    private static string? Setting(CoordinatorDatabase database, string key) => database.Read("SELECT value FROM settings WHERE key = @a", r => r.GetString(0), key).FirstOrDefault();
}
