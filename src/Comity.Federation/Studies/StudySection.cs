using Comity.Declarations;
using Comity.Federation.Policies;
using Comity.Federation.Privacy;
using Comity.Federation.Searches;

namespace Comity.Federation.Studies;

/// <summary>The whole study file. Sections that belong to other rooms travel as unread nodes until their owners bind them.</summary>
[Doc("One declared experiment: who takes part, what is trained, which ways of training are compared.")]
public sealed record StudySection : ICheckedDeclaration
{
    /// <summary>Most sites for which every site's model is tried at every other site without naming the pairs.</summary>
    public const int LargestFullPartnerMatrix = 20;

    /// <summary>Name of the study.</summary>
    [Doc("Name of the study.")]
    public required string Study { get; init; }

    /// <summary>Who asks; at a coordinator the name under which the study is submitted.</summary>
    [Doc("Who asks, for the policies of sites; at a coordinator it must be the name under which the study is submitted.")]
    public string? Author { get; init; }

    /// <summary>What the models are for.</summary>
    [Doc("What the models are for, for the policies of sites, such as research.")]
    public string? Purpose { get; init; }

    /// <summary>Every random stream is derived from it by name.</summary>
    [Doc("Seed: the same study with the same seed gives the same bits.")]
    public ulong Seed { get; init; } = 1;

    /// <summary>The data contract (Comity.Data).</summary>
    [Doc("The columns that every site has in common, and the label.")]
    public required DeclaredNode Contract { get; init; }

    /// <summary>Markets in which the models are judged.</summary>
    [Doc("Jurisdictions in which the models are judged."), AtLeast(1)]
    public required IReadOnlyList<MarketSection> Markets { get; init; }

    /// <summary>Sites in the order in which everything is added up.</summary>
    [Doc("The owners of records. The order is the order of every sum."), AtLeast(1)]
    public required IReadOnlyList<SiteSection> Sites { get; init; }

    /// <summary>Sites that models learn from, in their order.</summary>
    public IReadOnlyList<SiteSection> TrainingSites => [.. Sites.Where(s => s.Trains)];

    /// <summary>How rows are split (Comity.Data).</summary>
    [Doc("Which rows are held out for judging and for choices.")]
    public DeclaredNode? Split { get; init; }

    /// <summary>Cleaning (Comity.Data).</summary>
    [Doc("Cleaning of records at each site.")]
    public DeclaredNode? Clean { get; init; }

    /// <summary>Preprocessing (Comity.Data).</summary>
    [Doc("Imputation, encoding and scaling, fitted on shared statistics.")]
    public DeclaredNode? Preprocess { get; init; }

    /// <summary>The model (Comity.Learning).</summary>
    [Doc("The model to train.")]
    public required DeclaredNode Model { get; init; }

    /// <summary>Training at one site (Comity.Learning).</summary>
    [Doc("Loss, optimiser, schedule and epochs.")]
    public DeclaredNode? Training { get; init; }

    /// <summary>Training settings to try for models trained at one place; null: none.</summary>
    [Doc("Training settings to try for every model trained at one place (a site's own, pooled); each takes the best on its own validation rows.")]
    public SearchSection? Search { get; init; }

    /// <summary>Judging (Comity.Learning).</summary>
    [Doc("Metrics, intervals and tests.")]
    public DeclaredNode? Evaluation { get; init; }

    /// <summary>Ways of training to compare.</summary>
    [Doc("Ways of training to compare."), AtLeast(1)]
    public IReadOnlyList<Arm> Arms { get; init; } = [Arm.Local, Arm.Federated];

    /// <summary>Pairs <c>[from, to]</c> of the partner arm; empty: all pairs, for up to <see cref="LargestFullPartnerMatrix"/> sites.</summary>
    [Doc("Pairs [from, to]: the model of the first site is used at the second. Needed above 20 sites.")]
    public IReadOnlyList<PartnerPair> Partners { get; init; } = [];

    /// <summary>The site that lawfully holds all rows already; null: none does.</summary>
    [Doc("The site that lawfully holds all rows already and may train on them together.")]
    public string? PooledAt { get; init; }

    /// <summary>One federation; see <see cref="AllFederations"/>.</summary>
    [Doc("How the sites train together.")]
    public FederationSection? Federation { get; init; }

    /// <summary>Several federations side by side.</summary>
    [Doc("Several federations, compared side by side.")]
    public IReadOnlyList<FederationSection> Federations { get; init; } = [];

    /// <summary>Models joined from given ones.</summary>
    [Doc("Models that start from given ones and join them.")]
    public IReadOnlyList<CombinedSection> Combined { get; init; } = [];

    /// <summary>Repeats, each with its own split and first weights.</summary>
    [Doc("How often the study is run, each time with its own split and first weights."), Within(1, 10_000)]
    public int Repeats { get; init; } = 1;

    /// <summary>How long a site may go without progress before it counts as absent, in seconds; null: as long as it takes in one process, 600 over a network.</summary>
    [Doc("How long a site may go without progress before it counts as absent. As long as it takes in one process, 600 over a network. Each epoch is progress, so it must be longer than one."), Within(0, 1e9, AboveLow = true)]
    public double? PatienceSeconds { get; init; }

    /// <summary>What is promised to the people in the records.</summary>
    [Doc("What is promised to the people in the records, enforced at each site's gate.")]
    public PrivacySection? Privacy { get; init; }

    /// <summary>What the laws of the markets need to know, and what covers flows between them.</summary>
    [Doc("What the laws of the markets need to know of the records, and what covers which flow between markets.")]
    public PolicySection? Policy { get; init; }

    /// <summary>Generator of example files (Comity.Data).</summary>
    [Doc("A documented, seeded generator that makes the example's files where they are missing.")]
    public DeclaredNode? Synthetic { get; init; }

    /// <summary>Every declared federation, whichever key it stands under.</summary>
    public IReadOnlyList<FederationSection> AllFederations => Federation is null ? Federations : [Federation, .. Federations];

    /// <summary>The federation whose rounds train a model; null: no federation of the study does.</summary>
    /// <param name="model">Id of the model, or of a trial of its search.</param>
    /// <param name="setting">Which setting of the search it is trained with, from 0; null: none.</param>
    public FederationSection? FederationOf(string model, int? setting)
    {
        ArgumentNullException.ThrowIfNull(model);
        var trial = model.LastIndexOf('@');
        var id = trial < 0 ? model : model[..trial];
        if (Combined.FirstOrDefault(c => id == $"combined/{c.Id}") is { } combined) return combined.AsFederation();
        if (AllFederations.FirstOrDefault(f => id == $"federated/{f.Id}") is not { } federation) return null;
        if (setting is null) return trial < 0 ? federation : null;
        if (setting < 0 || setting >= federation.Settings.Count) return null;
        var tried = federation.Settings[setting.Value].Federation;
        // The choice is the common model's; personal ones are made of the chosen one only.
        return trial < 0 ? tried : tried with { Personalise = null };
    }

    /// <inheritdoc/>
    public void Check(DeclaredNode.Map at, ProblemList problems) => StudyChecks.Check(this, at, problems);
}

/// <summary>A way of training inside a study.</summary>
public enum Arm
{
    /// <summary>Each site alone.</summary>
    Local,

    /// <summary>Another site's model used here.</summary>
    Partner,

    /// <summary>All records together.</summary>
    Pooled,

    /// <summary>Together, with every record at home.</summary>
    Federated,

    /// <summary>Starts from given models and joins them.</summary>
    Combined,
}

/// <summary>A jurisdiction in which models are judged and served.</summary>
public sealed record MarketSection
{
    /// <summary>Id, unique in the study.</summary>
    [Doc("Id, unique in the study.")]
    public required string Id { get; init; }

    /// <summary>Country or region, such as <c>CH</c>.</summary>
    [Doc("Country or region, such as CH.")]
    public required string Jurisdiction { get; init; }

    /// <summary>Name for people.</summary>
    [Doc("Name for people.")]
    public string? Name { get; init; }
}

/// <summary>A data owner.</summary>
public sealed record SiteSection
{
    /// <summary>Id, unique in the study; it names folders and models.</summary>
    [Doc("Id, unique in the study; it names folders and models.")]
    public required string Id { get; init; }

    /// <summary>The market in which it lies.</summary>
    [Doc("Id of the market in which it lies.")]
    public required string Market { get; init; }

    /// <summary>Where its records are (Comity.Data); in a simulation only.</summary>
    [Doc("Where the records are. In a simulation only; in a federation each site says so itself.")]
    public DeclaredNode? Source { get; init; }

    /// <summary>Whether models learn from its records; if not, it is judged on its test rows as a place that no model has seen.</summary>
    [Doc("Whether models learn from its records (default true). false: none does, no statistic counts them, and every common model is judged on its test rows: a market that it has not seen.")]
    public bool Trains { get; init; } = true;
}
