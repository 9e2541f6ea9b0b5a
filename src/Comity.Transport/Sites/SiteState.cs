using Comity.Federation.AtRest;
using Comity.Transport.Identity;

namespace Comity.Transport.Sites;

/// <summary>What of a site's state folder is sealed when the state has a key.</summary>
/// <remarks>
/// Sealed: the site's private key, fetched models and statistics, answers, what the site remembers, keys and shares of masked rounds, models that stay at home.
/// As it is: the audit log and the ledger (each says who did what and when, never the thing), certificates, approvals, study files.
/// </remarks>
public static class SiteState
{
    /// <summary>Seals what lay in a state before it had a key. Stopped at any point it goes on the next time.</summary>
    /// <param name="folder">The site's state.</param>
    /// <param name="vault">The opened state.</param>
    /// <returns>How many files were sealed or, where they can be fetched again, deleted.</returns>
    public static int Seal(string folder, StateVault vault)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        ArgumentNullException.ThrowIfNull(vault);
        var key = Path.Combine(folder, SiteIdentity.KeyFile);
        var count = File.Exists(key) ? vault.SealWhatIsNot([key]) : 0;
        var studies = Path.Combine(folder, "studies");
        if (!Directory.Exists(studies)) return count;
        foreach (var study in Directory.EnumerateDirectories(studies))
        {
            // Updates that were noised or masked for one round left already, and go with the next.
            foreach (var part in new[] { "answers", "memory", "gate", "models" }.Select(p => Path.Combine(study, p)).Where(Directory.Exists))
                count += vault.SealWhatIsNot(Directory.EnumerateFiles(part, "*", SearchOption.AllDirectories).Where(f => Path.GetExtension(f) is ".f32" or ".json" or ".keys"));
            var bodies = Path.Combine(study, "bodies");
            if (!Directory.Exists(bodies)) continue;
            foreach (var body in Directory.EnumerateFiles(bodies).Where(b => !StateVault.IsSealedFile(b)))
            {
                File.Delete(body);
                count++;
            }
        }
        return count;
    }

    /// <summary>Files with models, shares or keys that are not sealed, by their place in the folder.</summary>
    public static IReadOnlyList<string> NotSealed(string folder)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        var key = Path.Combine(folder, SiteIdentity.KeyFile);
        var studies = Path.Combine(folder, "studies");
        List<string> secret = File.Exists(key) ? [key] : [];
        if (Directory.Exists(studies)) secret.AddRange(Directory.EnumerateFiles(studies, "*", SearchOption.AllDirectories).Where(f => Path.GetExtension(f) is ".f32" or ".keys"));
        return [.. secret.Where(f => !StateVault.IsSealedFile(f)).Select(f => Path.GetRelativePath(folder, f))];
    }
}
