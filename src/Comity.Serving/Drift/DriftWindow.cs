namespace Comity.Serving.Drift;

/// <summary>Live records of one column, counted on the bins of the training statistics.</summary>
/// <param name="Column">The column; <c>score</c> for what the model said.</param>
/// <param name="Counts">Records by bin or level.</param>
/// <param name="Missing">Records without a value.</param>
/// <param name="Unseen">Records with a value that the contract does not allow or no training record had.</param>
public sealed record WindowColumn(string Column, IReadOnlyList<int> Counts, int Missing, int Unseen)
{
    /// <summary>Records that have a value known from training.</summary>
    public int Known => Counts.Sum();
}

/// <summary>Live records that came one after another, counted. Holds no record.</summary>
/// <param name="Model">Name of the model.</param>
/// <param name="Version">Version that answered.</param>
/// <param name="Market">Market.</param>
/// <param name="Started">When the first came.</param>
/// <param name="Ended">When the last came.</param>
/// <param name="Rows">How many.</param>
/// <param name="Columns">Features and score.</param>
public sealed record DriftWindow(
    string Model, string Version, string Market, DateTimeOffset Started, DateTimeOffset Ended, int Rows, IReadOnlyList<WindowColumn> Columns)
{
    /// <summary>Windows that follow one another as one.</summary>
    /// <exception cref="ArgumentException">There is none, or they are of different versions.</exception>
    public static DriftWindow Join(IReadOnlyList<DriftWindow> windows)
    {
        ArgumentNullException.ThrowIfNull(windows);
        if (windows.Count == 0 || windows.Select(w => (w.Model, w.Version, w.Market)).Distinct().Count() != 1)
            throw new ArgumentException("Windows of one version in one market are joined.", nameof(windows));
        return windows[0] with
        {
            Started = windows.Min(w => w.Started),
            Ended = windows.Max(w => w.Ended),
            Rows = windows.Sum(w => w.Rows),
            Columns = [.. windows[0].Columns.Select((c, i) => c with
            {
                Counts = [.. c.Counts.Select((_, b) => windows.Sum(w => w.Columns[i].Counts[b]))],
                Missing = windows.Sum(w => w.Columns[i].Missing),
                Unseen = windows.Sum(w => w.Columns[i].Unseen),
            })],
        };
    }
}
