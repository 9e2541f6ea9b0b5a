namespace Comity.Federation.Audit;

/// <summary>Something that left a party, arrived there, or happened to its log. Never the thing itself.</summary>
public sealed record AuditEntry
{
    /// <summary>Which way it went.</summary>
    public required AuditDirection Direction { get; init; }

    /// <summary>What it was: <c>statistics</c>, <c>update</c>, <c>model</c>, <c>evaluation</c>, <c>comparison</c>, <c>predictions</c>, <c>records</c>, …</summary>
    public required string Kind { get; init; }

    /// <summary>The other party; empty for what only happened here.</summary>
    public string Peer { get; init; } = "";

    /// <summary>The study that it was for; empty: none.</summary>
    public string Study { get; init; } = "";

    /// <summary>The policy rule that let it pass.</summary>
    public string Rule { get; init; } = "";

    /// <summary>Repeat, from 0.</summary>
    public int Repeat { get; init; }

    /// <summary>The model's id, the statistics' step or the like.</summary>
    public string What { get; init; } = "";

    /// <summary>Round; 0 outside a federation.</summary>
    public int Round { get; init; }

    /// <summary>Size in bytes.</summary>
    public long Bytes { get; init; }

    /// <summary>SHA-256 (hex) of the bytes; empty: none.</summary>
    public string Sha256 { get; init; } = "";

    /// <summary>What the ledger was charged for it; null: nothing.</summary>
    public AuditCharge? Charge { get; init; }

    /// <summary>The other party's head as it came with this: writing it down countersigns it. Null: none came.</summary>
    public AuditHead? Head { get; init; }

    /// <summary>How far the ledger had come when this left: a ledger that is put back to an earlier state no longer holds it. Null: nothing is charged here.</summary>
    public LedgerHead? Ledger { get; init; }

    /// <summary>Public key that signs from here on (SubjectPublicKeyInfo, hex); only in entries of the kind <see cref="AuditKinds.Opened"/>.</summary>
    public string? Key { get; init; }
}

/// <summary>Which way something went.</summary>
public enum AuditDirection
{
    /// <summary>It left the party whose log this is.</summary>
    Out,

    /// <summary>It arrived there.</summary>
    In,

    /// <summary>It concerns the log itself.</summary>
    Note,
}

/// <summary>Kinds of entries that a log makes itself.</summary>
public static class AuditKinds
{
    /// <summary>A process opened the log; the entry names the key that signs from here on.</summary>
    public const string Opened = "opened";

    /// <summary>The log is complete: nothing follows.</summary>
    public const string Closed = "closed";

    /// <summary>The other party's word that it has what was sent, with its head.</summary>
    public const string Receipt = "receipt";
}

/// <summary>What a ledger was charged for one release.</summary>
/// <param name="Mechanism">The event as it stands in the ledger.</param>
/// <param name="Epsilon">ε of this release alone, an upper bound. Many releases together cost less than the sum of these.</param>
/// <param name="Delta">At this δ.</param>
public sealed record AuditCharge(string Mechanism, double Epsilon, double Delta);

/// <summary>How far a ledger had come.</summary>
/// <param name="Charges">How many charges it held.</param>
/// <param name="Sha256">SHA-256 (hex) of the chain over them, in their order.</param>
public sealed record LedgerHead(long Charges, string Sha256);

/// <summary>How far a party's log had come: what its peers write into theirs. Who presents another log later is found out by it.</summary>
/// <param name="Sequence">Number of the log's last entry.</param>
/// <param name="Sha256">What was signed of it (hex).</param>
/// <param name="Signature">The party's signature (hex).</param>
public sealed record AuditHead(long Sequence, string Sha256, string Signature);
