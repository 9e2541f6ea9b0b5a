using System.Globalization;
using System.Security.Cryptography;
using Comity.Declarations;

namespace Comity.Federation.Policies;

/// <summary><c>policy.yaml</c>: what the steward of a site's records allows, whatever the coordinator says. Each limit that is not set allows everything.</summary>
[Doc("What the steward of a site's records allows. Enforced at the site, whatever the coordinator says; a limit that is not set allows everything.")]
public sealed record StewardPolicy : ICheckedDeclaration
{
    /// <summary>Name of the file, beside <c>site.yaml</c>, unless that names another.</summary>
    public const string FileName = "policy.yaml";

    /// <summary>Names of studies.</summary>
    [Doc("Names of the studies that the site takes part in.")]
    public IReadOnlyList<string> Studies { get; init; } = [];

    /// <summary>Who may ask.</summary>
    [Doc("Authors whose studies the site takes part in; the coordinator proves who an author is.")]
    public IReadOnlyList<string> Authors { get; init; } = [];

    /// <summary>What for.</summary>
    [Doc("Purposes for which the records may be used, as studies declare them.")]
    public IReadOnlyList<string> Purposes { get; init; } = [];

    /// <summary>Kinds of models.</summary>
    [Doc("Kinds of models that may be trained, such as linear or mlp.")]
    public IReadOnlyList<string> Models { get; init; } = [];

    /// <summary>Columns that may be used.</summary>
    [Doc("Columns that a study may use, also as label or for groups.")]
    public IReadOnlyList<string> Columns { get; init; } = [];

    /// <summary>Columns that may not be used.</summary>
    [Doc("Columns that no study may use, not even as label or for groups.")]
    public IReadOnlyList<string> BarredColumns { get; init; } = [];

    /// <summary>Fewest rows with which the site takes part.</summary>
    [Doc("Fewest rows with which the site takes part."), Within(1, int.MaxValue)]
    public int? MinimumRows { get; init; }

    /// <summary>Fewest sites among which this one's update is one.</summary>
    [Doc("Fewest sites that must answer in every round, so that this site's update is one among as many."), Within(1, 1_000_000)]
    public int? MinimumCohort { get; init; }

    /// <summary>Protection demanded.</summary>
    [Doc("Protection that a study must have.")]
    public DemandedProtection Requires { get; init; } = new();

    /// <summary>Jurisdictions to which what the site gives may go, through the coordinator or the finished model.</summary>
    [Doc("Jurisdictions of markets that may share what comes of the records, such as EU or US; the site's own is always among them.")]
    public IReadOnlyList<string> Destinations { get; init; } = [];

    /// <summary>When the site works.</summary>
    [Doc("Hours within which the site works on studies; outside of them it waits.")]
    public WorkingHours? Hours { get; init; }

    /// <summary>Whether a person must approve each study.</summary>
    [Doc("Whether a person must approve each study: comity site approve.")]
    public bool Approval { get; init; }

    /// <inheritdoc/>
    public void Check(DeclaredNode.Map at, ProblemList problems)
    {
        foreach (var both in Columns.Intersect(BarredColumns, StringComparer.Ordinal)) problems.Add(Messages.Problem("steward-column-both", at["barredColumns"]!.Place, both));
        // Under masks the sum of two is each one's update to the other.
        if (Requires.SecureAggregation && MinimumCohort < 3) problems.Add(Messages.Problem("steward-cohort-masks", at["minimumCohort"]!.Place, MinimumCohort));
        if (Requires.Delta is not null && Requires.Epsilon is null) problems.Add(Messages.Problem("steward-delta-alone", at["requires"]!.Place));
    }

    /// <summary>Reads a policy; null: it is wrong, which <paramref name="problems"/> says.</summary>
    public static DeclaredPolicy? Read(string path, ProblemList problems)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentNullException.ThrowIfNull(problems);
        var own = new ProblemList();
        var section = DeclaredFile.Read(path, own) is { } root ? SectionReader.Read<StewardPolicy>(root, own) : null;
        problems.AddRange(own);
        if (section is null || own.HasErrors) return null;
        return new(section, path, Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(path))));
    }
}

/// <summary>A policy that was read.</summary>
/// <param name="Section">What it says.</param>
/// <param name="File">The file.</param>
/// <param name="Sha256">SHA-256 (hex) of its bytes: audit logs name the policy by it.</param>
public sealed record DeclaredPolicy(StewardPolicy Section, string File, string Sha256)
{
    /// <summary>The policy as audit logs name it.</summary>
    public string Rule => $"{Path.GetFileName(File)}@{Sha256[..12]}";
}

/// <summary>Protection that a policy demands.</summary>
public sealed record DemandedProtection
{
    /// <summary>Whether nobody but the site may see its update.</summary>
    [Doc("Whether secure aggregation is demanded, so that nobody sees the site's own update.")]
    public bool SecureAggregation { get; init; }

    /// <summary>Largest ε of a study.</summary>
    [Doc("Largest ε of a study; without it, differential privacy is not demanded."), Within(0, 1000, AboveLow = true)]
    public double? Epsilon { get; init; }

    /// <summary>Largest δ of a study.</summary>
    [Doc("Largest δ of a study."), Within(0, 1, AboveLow = true, BelowHigh = true)]
    public double? Delta { get; init; }
}

/// <summary>Hours of a day, in a time zone. From later than to goes over midnight.</summary>
public sealed record WorkingHours : ICheckedDeclaration
{
    /// <summary>Begins, such as <c>20:00</c>.</summary>
    [Doc("When work begins, such as \"20:00\".")]
    public required string From { get; init; }

    /// <summary>Ends, such as <c>06:00</c>.</summary>
    [Doc("When work ends, such as \"06:00\"; earlier than from: on the next day.")]
    public required string To { get; init; }

    /// <summary>Time zone, such as <c>Europe/Zurich</c>.</summary>
    [Doc("Time zone, such as Europe/Zurich; default UTC.")]
    public string Zone { get; init; } = "UTC";

    /// <inheritdoc/>
    public void Check(DeclaredNode.Map at, ProblemList problems)
    {
        foreach (var (key, text) in new[] { ("from", From), ("to", To) })
        {
            if (text is not null && Time(text) is null) problems.Add(Messages.Problem("steward-time", at[key]!.Place, text));
        }
        if (From == To) problems.Add(Messages.Problem("steward-hours-empty", at["from"]!.Place, From));
        if (!TimeZoneInfo.TryFindSystemTimeZoneById(Zone, out _)) problems.Add(Messages.Problem("steward-zone", at["zone"]!.Place, Zone));
    }

    /// <summary>How long until the site may work; zero: now.</summary>
    public TimeSpan Until(DateTimeOffset now)
    {
        var (from, to) = (Time(From)!.Value, Time(To)!.Value);
        var local = TimeZoneInfo.ConvertTime(now, TimeZoneInfo.FindSystemTimeZoneById(Zone)).TimeOfDay;
        var open = from < to ? local >= from && local < to : local >= from || local < to;
        if (open) return TimeSpan.Zero;
        return local < from ? from - local : from - local + TimeSpan.FromDays(1);
    }

    private static TimeSpan? Time(string text) => TimeOnly.TryParseExact(text, "HH:mm", CultureInfo.InvariantCulture, DateTimeStyles.None, out var time) ? time.ToTimeSpan() : null;
}
