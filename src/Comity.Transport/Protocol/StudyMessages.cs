namespace Comity.Transport.Protocol;

/// <summary>An author hands a study in (<c>POST /v1/studies</c>).</summary>
/// <param name="Id">Chosen by the author, so that a call that was sent twice makes one study: letters, digits, dots, hyphens.</param>
/// <param name="File">Name of the study file, for messages.</param>
/// <param name="Yaml">The study file's bytes, base 64; it names no sources.</param>
/// <param name="Plan">What only a tool with all rooms can read in it.</param>
public sealed record StudySubmission(string Id, string File, string Yaml, StudyPlan Plan);

/// <summary>What the coordinator needs of the sections that it does not read.</summary>
/// <param name="StatisticsSteps">Steps of the shared statistics, in order.</param>
/// <param name="Task"><c>binary</c>, <c>multiclass</c> or <c>regression</c>.</param>
/// <param name="Label">The label's column.</param>
/// <param name="PrimaryMetric">Metric by which models are compared first.</param>
/// <param name="Software">Version of Comity that checked the study.</param>
public sealed record StudyPlan(IReadOnlyList<string> StatisticsSteps, string Task, string Label, string PrimaryMetric, string Software);

/// <summary>Where a study stands.</summary>
public enum StudyState
{
    /// <summary>The sites check it against their records.</summary>
    Joining,

    /// <summary>It runs.</summary>
    Running,

    /// <summary>It is finished; results are there.</summary>
    Done,

    /// <summary>It can't go on as things are; <c>resume</c> lets it try again from where it stopped.</summary>
    Stopped,

    /// <summary>Its author cancelled it.</summary>
    Cancelled,
}

/// <summary>A study as a watcher sees it (<c>GET /v1/studies/ID</c>).</summary>
public sealed record StudyView
{
    /// <summary>Id at the coordinator.</summary>
    public required string Id { get; init; }

    /// <summary>The study's name.</summary>
    public required string Study { get; init; }

    /// <summary>Who handed it in.</summary>
    public required string Author { get; init; }

    /// <summary>When.</summary>
    public required DateTimeOffset Submitted { get; init; }

    /// <summary>Where it stands.</summary>
    public required StudyState State { get; init; }

    /// <summary>Why it stopped.</summary>
    public IReadOnlyList<ToldProblem> Problems { get; init; } = [];

    /// <summary>How long a site may go without progress, in seconds; null: as long as it takes.</summary>
    public double? PatienceSeconds { get; init; }

    /// <summary>Its sites.</summary>
    public IReadOnlyList<SiteView> Sites { get; init; } = [];

    /// <summary>Events after the number asked for, oldest first.</summary>
    public IReadOnlyList<StudyEventView> Events { get; init; } = [];
}

/// <summary>A site as a watcher sees it.</summary>
/// <param name="Site">Its id.</param>
/// <param name="LastSeenSeconds">Seconds since its last call; null: never seen.</param>
/// <param name="StillSeconds">Seconds since its last progress while a task of this study is open at it; null: nothing is open.</param>
/// <param name="Stalled">Whether half of the patience has gone without progress.</param>
/// <param name="Tasks">What it works on.</param>
/// <param name="BytesIn">Bytes that it sent in this life of the coordinator.</param>
/// <param name="BytesOut">Bytes that it was sent.</param>
public sealed record SiteView(string Site, double? LastSeenSeconds, double? StillSeconds, bool Stalled, IReadOnlyList<SiteTaskView> Tasks, long BytesIn, long BytesOut);

/// <summary>A task as a watcher sees it.</summary>
public sealed record SiteTaskView(TaskKind Kind, string What, int Round, TaskPhase? Phase, int Epoch, int Epochs, double? Loss);

/// <summary>What the coordinator answers to a site that leaves a study (<c>POST /v1/studies/ID/withdraw</c>).</summary>
/// <param name="State">Where the study stands now.</param>
/// <param name="Remains">Rounds in which the site's update counted: sums of them can't be taken apart again.</param>
public sealed record WithdrawalReply(StudyState State, IReadOnlyList<Comity.Federation.Stores.Contribution> Remains);

/// <summary>Something that happened to a study.</summary>
/// <param name="Number">Grows by one.</param>
/// <param name="At">When.</param>
/// <param name="Code">Kebab-case code; texts stand under <c>event.{code}</c>.</param>
/// <param name="Arguments">What their placeholders stand for.</param>
public sealed record StudyEventView(long Number, DateTimeOffset At, string Code, IReadOnlyList<string> Arguments);

/// <summary>All studies that the caller may see.</summary>
public sealed record StudyListing(IReadOnlyList<StudyView> Studies);

/// <summary>What a finished study left besides its results.</summary>
/// <param name="Models">Models whose weights the coordinator holds.</param>
/// <param name="Layouts">Each repeat's layout.</param>
/// <param name="Agreed">What the sites agreed on, by repeat.</param>
public sealed record StudyArtefacts(IReadOnlyList<HeldModel> Models, IReadOnlyList<StartResult> Layouts, IReadOnlyList<Comity.Federation.Sites.Statistics> Agreed);

/// <summary>A model whose weights can be fetched (<c>GET /v1/studies/ID/models/NUMBER</c>, with ranges).</summary>
public sealed record HeldModel(int Number, string Id, int Repeat, long Bytes, string WeightsSha256);
