using Comity.Federation.Sites;
using Comity.Federation.Studies;
using Comity.Privacy.Noise;
using Comity.Transport.Protocol;

namespace Comity.Transport.Sites;

/// <summary>The seam between a site's connection and its records: binds a study that the coordinator names to what the site has. The data owner's tool fills it.</summary>
public interface ISiteHost
{
    /// <summary>Reads a study, validates it against the site's own records and policy, and makes it ready to work. Called again after a restart.</summary>
    /// <param name="studyFile">The study as the coordinator sent it; its digest has been checked.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <returns>The study, or in <see cref="JoinResult.Refused"/> every reason why not.</returns>
    ValueTask<SiteStudy> OpenAsync(string studyFile, CancellationToken cancellationToken);
}

/// <summary>A study at one site.</summary>
/// <param name="About">What the coordinator is told.</param>
/// <param name="Section">The study as the site read it; null: it refused.</param>
/// <param name="Work">What the site does for it.</param>
/// <param name="Model">Knows the model.</param>
/// <param name="DisclosureThreshold">Fewest rows behind a number that leaves.</param>
public sealed record SiteStudy(JoinResult About, StudySection? Section, ISiteWork? Work, IModelSource? Model, int DisclosureThreshold = Disclosure.DefaultThreshold)
{
    /// <summary>The name that the records' steward gave them, under which lifetime budgets are kept; null: the site's name.</summary>
    public string? DataSet { get; init; }

    /// <summary>Where the gate's noise comes from, by answer; null: a fresh unpredictable stream each time. Only a test may give one that can be repeated.</summary>
    public Func<string, NoiseStream>? Noise { get; init; }
}

/// <summary>What a site's agent tells the people at the site.</summary>
public abstract record SiteAgentEvent
{
    private SiteAgentEvent() { }

    /// <summary>The coordinator answers.</summary>
    public sealed record Connected : SiteAgentEvent;

    /// <summary>The coordinator does not answer; the agent goes on trying.</summary>
    public sealed record Disconnected(string Reason) : SiteAgentEvent;

    /// <summary>A task began.</summary>
    public sealed record Started(SiteTask Task) : SiteAgentEvent;

    /// <summary>A task was answered.</summary>
    public sealed record Answered(SiteTask Task, TaskOutcome Outcome, bool Taken, string? Reason) : SiteAgentEvent;

    /// <summary>A study was joined, or refused with reasons.</summary>
    public sealed record Joined(string Study, JoinResult About) : SiteAgentEvent
    {
        /// <summary>The study's id at the coordinator, by which it is left.</summary>
        public string Id { get; init; } = "";
    }

    /// <summary>A task can't be done just now (disk full, records unreachable); the agent tries again.</summary>
    public sealed record Hindered(SiteTask Task, string Reason) : SiteAgentEvent;

    /// <summary>What a task needs does not fit into the site's share of the disk; the agent tries again.</summary>
    public sealed record DiskShareFull(SiteTask Task, string Folder, long UsedMebibytes, long NeededMebibytes, long LimitMebibytes) : SiteAgentEvent;
}
