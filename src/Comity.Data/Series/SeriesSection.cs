using Comity.Declarations;

namespace Comity.Data.Series;

/// <summary>Rows are steps of a series, and a record is a window of them: <c>contract.series</c>.</summary>
/// <remarks>
/// A record is made at each step that has enough others before it: it holds the features of the last <see cref="Steps"/> steps, and its label is
/// that of the step <see cref="Horizon"/> further on. Its position in the source is that of the last step it holds; for splits by time and for groups it
/// belongs to its label's step. Nothing that lies after the last step it holds enters a window.
/// </remarks>
[Doc("Rows are steps of a series in time: a record is a window of the last steps, and its label lies ahead.")]
public sealed record SeriesSection : ICheckedDeclaration
{
    /// <summary>The column that steps are in the order of.</summary>
    [Doc("The column that rows are in the order of: a number or a date.")]
    public required string Order { get; init; }

    /// <summary>Steps of a window.</summary>
    [Doc("Steps that a window holds: the present one and those before it."), Within(1, 100_000)]
    public int? Steps { get; init; }

    /// <summary>Which steps enter instead of all of them, counted back from the present one.</summary>
    [Doc("Which steps enter instead of an unbroken window, counted back from the present one (0), such as [0, 1, 2, 24].")]
    public IReadOnlyList<int> Lags { get; init; } = [];

    /// <summary>How far ahead the label lies.</summary>
    [Doc("Steps from the present one to the label's."), Within(0, 100_000)]
    public int Horizon { get; init; }

    /// <summary>From one window's present step to the next one's.</summary>
    [Doc("Steps from one record to the next; 1: a record at every step."), Within(1, 100_000)]
    public int Every { get; init; } = 1;

    /// <summary>Distance of neighbouring rows in the order column; where it is another, no window reaches over.</summary>
    [Doc("Distance of neighbouring rows: a number, or of dates a duration such as 01:00:00 or 1.00:00:00. Where rows are missing, no window reaches over the hole. Without it rows count as neighbours.")]
    public string? Interval { get; init; }

    /// <summary>Steps for which the last known value stands in for a missing one.</summary>
    [Doc("Steps for which the last known value stands in for a missing one, so that nothing is filled in from the future; after them the rule of preprocess holds."), Within(0, 100_000)]
    public int Carry { get; init; }

    /// <summary>Steps of a window that enter the model.</summary>
    internal int Entering => Lags.Count > 0 ? Lags.Count : Steps ?? 1;

    /// <summary>Steps that a window reaches over.</summary>
    internal int Reach => Lags.Count > 0 ? Lags.Max() + 1 : Steps ?? 1;

    /// <summary>The interval as a number, or in ticks; null: none, or not readable.</summary>
    internal double? Distance => SeriesOrder.Duration(Interval);

    /// <inheritdoc/>
    public void Check(DeclaredNode.Map at, ProblemList problems)
    {
        if ((Steps is null) == (Lags.Count == 0)) problems.Add(Messages.Problem("series-window", at.Place));
        if (Lags.Any(l => l is < 0 or > 100_000) || Lags.Distinct().Count() != Lags.Count) problems.Add(Messages.Problem("series-lags", at["lags"]!.Place));
        if (Interval is not null && Distance is not > 0) problems.Add(Messages.Problem("series-interval", at["interval"]!.Place, Interval));
    }
}
