namespace Comity.Serving.Inference;

/// <summary>What one server takes on, and what it turns away.</summary>
public sealed record ServingLimits
{
    /// <summary>How requests are joined.</summary>
    public BatchOptions Batch { get; init; } = new();

    /// <summary>Batches of one version that are computed at the same time.</summary>
    public int ParallelBatches { get; init; } = Environment.ProcessorCount;

    /// <summary>Bytes of answers that each version keeps; 0: none.</summary>
    public long CacheBytes { get; init; } = 8 * 1024 * 1024;

    /// <summary>Largest body of a request, in bytes.</summary>
    public int BodyBytes { get; init; } = 4 * 1024 * 1024;

    /// <summary>Largest body of a request in JSON or CSV, in bytes.</summary>
    public int TextBytes { get; init; } = 512 * 1024;

    /// <summary>Most rows of a request.</summary>
    public int Rows { get; init; } = 4096;

    /// <summary>Most requests at the same time; what comes then is asked to come back.</summary>
    public int InFlight { get; init; } = 512;

    /// <summary>Most connections at the same time; further ones are closed. Each holds 32 KiB.</summary>
    public int Connections { get; init; } = 8192;

    /// <summary>How long a server that was asked to stop goes on answering, so that balancers notice.</summary>
    public TimeSpan Drain { get; init; } = TimeSpan.FromSeconds(1);
}
