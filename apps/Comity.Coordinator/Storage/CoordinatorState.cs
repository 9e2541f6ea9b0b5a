using Comity.Coordinator.Identity;
using Comity.Federation.AtRest;

namespace Comity.Coordinator.Storage;

/// <summary>What of a coordinator's data folder is sealed when it has a key.</summary>
/// <remarks>
/// Sealed: the authority's private key, updates that arrive, checkpoints, models, the coordinator's side of masked rounds with the shares that it was sent.
/// As it is: the databases (who belongs, digests of tokens, what was done and found), the audit log, results, study files.
/// </remarks>
internal static class CoordinatorState
{
    private static readonly HashSet<string> Sealed = [".f32", ".checkpoint", ".noised", ".masked"];

    /// <summary>Seals what lay in a folder before it had a key. Stopped at any point it goes on the next time.</summary>
    /// <param name="folder">The data folder.</param>
    /// <param name="vault">The opened state.</param>
    public static void Seal(string folder, StateVault vault)
    {
        var key = Path.Combine(folder, CertificateAuthority.KeyFile);
        if (File.Exists(key)) vault.SealWhatIsNot([key]);
        vault.SealWhatIsNot(Models(folder));
    }

    private static IEnumerable<string> Models(string folder)
    {
        var studies = Path.Combine(folder, "studies");
        return Directory.Exists(studies) ? Directory.EnumerateFiles(studies, "*", SearchOption.AllDirectories).Where(f => Sealed.Contains(Path.GetExtension(f))) : [];
    }
}
