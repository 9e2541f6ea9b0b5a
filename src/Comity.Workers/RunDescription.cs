namespace Comity.Workers;

/// <summary>What a worker must have, and how it must compute, to train trials of a run with the same bits.</summary>
public sealed record RunDescription
{
    /// <summary>The study's name.</summary>
    public required string Study { get; init; }

    /// <summary>The study file on the machine that runs it; a worker without a folder of studies looks there.</summary>
    public required string StudyFile { get; init; }

    /// <summary>SHA-256 (hex) of the study file.</summary>
    public required string StudySha256 { get; init; }

    /// <summary>SHA-256 (hex) over all records as they were read.</summary>
    public required string RecordsSha256 { get; init; }

    /// <summary>Seed.</summary>
    public required ulong Seed { get; init; }

    /// <summary>The arms, as they are written in a study.</summary>
    public required IReadOnlyList<string> Arms { get; init; }

    /// <summary>Vector width, on which the last bits depend.</summary>
    public required int VectorBits { get; init; }

    /// <summary>Processor architecture, on which they depend too.</summary>
    public required string Architecture { get; init; }

    /// <summary>Version of Comity.</summary>
    public required string Version { get; init; }
}
