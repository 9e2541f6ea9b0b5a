namespace Comity.Federation.Audit;

/// <summary>How the file of an audit log is kept while its party is at work.</summary>
public enum AuditFile
{
    /// <summary>Open, so that no other process writes it, and brought onto the disk at the end.</summary>
    Held,

    /// <summary>Open, and left to the system at the end: one of many logs of a simulation.</summary>
    KeptOpen,

    /// <summary>Opened for each line: one of more logs than a process may have files open.</summary>
    OpenedForEachLine,
}
