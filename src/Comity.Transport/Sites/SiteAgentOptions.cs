using System.Security.Cryptography;
using Comity.Federation.AtRest;
using Comity.Federation.Audit;
using Comity.Transport.Identity;

namespace Comity.Transport.Sites;

/// <summary>How a site works.</summary>
public sealed record SiteAgentOptions
{
    /// <summary>The site's name.</summary>
    public required string Site { get; init; }

    /// <summary>Folder of its state.</summary>
    public required string StateFolder { get; init; }

    /// <summary>How models, updates, shares and keys are kept there; null: as they are.</summary>
    public StateVault? Vault { get; init; }

    /// <summary>Tasks computed at the same time.</summary>
    public int Jobs { get; init; } = 1;

    /// <summary>Whether watchers, and readers of the results, may see the losses of what the site trains alone.</summary>
    public bool ReleaseLoss { get; init; }

    /// <summary>Where everything that arrives and leaves is written down; null: nowhere.</summary>
    public AuditLog? Audit { get; init; }

    /// <summary>The policy rule under which answers leave, for the audit log.</summary>
    public string AuditRule { get; init; } = "site.yaml";

    /// <summary>The site's long-lived key, which vouches for its keys of masked rounds; null: it takes part in none.</summary>
    public ECDsa? Identity { get; init; }

    /// <summary>Fingerprints of other sites' keys that their people read out to this site's people, by name.</summary>
    public IReadOnlyDictionary<string, KeyFingerprint> Partners { get; init; } = new Dictionary<string, KeyFingerprint>();

    /// <summary>Most bytes that the folders of studies may take together; null: as many as the disk has.</summary>
    public long? DiskBytes { get; init; }

    /// <summary>How long a call for work waits at the coordinator.</summary>
    public TimeSpan Wait { get; init; } = TimeSpan.FromSeconds(25);
}
