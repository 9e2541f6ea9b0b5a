using Comity.Data.Preprocess;
using Comity.Tensors.Files;

namespace Comity.Serving.Releases;

/// <summary>A difference between two releases.</summary>
/// <param name="What">What differs, such as <c>contract</c> or <c>rocAuc hu</c>.</param>
/// <param name="Before">Value in the first.</param>
/// <param name="After">Value in the second.</param>
public sealed record ReleaseDifference(string What, string Before, string After);

/// <summary>Says in what two releases differ.</summary>
public static class ReleaseComparison
{
    /// <summary>All differences that a person would ask about, in a fixed order; empty: the same model.</summary>
    public static IReadOnlyList<ReleaseDifference> Between(Release before, Release after)
    {
        ArgumentNullException.ThrowIfNull(before);
        ArgumentNullException.ThrowIfNull(after);
        var (a, b) = (before.Manifest, after.Manifest);
        var found = new List<ReleaseDifference>();
        void Add(string what, string? x, string? y)
        {
            if (x != y) found.Add(new ReleaseDifference(what, x ?? "–", y ?? "–"));
        }
        Add("version", a.Version, b.Version);
        Add("signer", before.Signer, after.Signer);
        Add("study", $"{a.Origin.Study}, seed {a.Origin.Seed}, {a.Origin.StudySha256[..12]}", $"{b.Origin.Study}, seed {b.Origin.Seed}, {b.Origin.StudySha256[..12]}");
        Add("model", a.Origin.Model, b.Origin.Model);
        Add("comity", a.Origin.Comity, b.Origin.Comity);
        Add("contributors", Contributors(a), Contributors(b));
        Add("purpose", a.Purpose, b.Purpose);
        Add("licence", a.Licence, b.Licence);
        Add("classes", string.Join(", ", a.Classes), string.Join(", ", b.Classes));
        foreach (var (column, x, y) in Columns(before, after)) Add(column, x, y);
        foreach (var market in a.Markets.Select(m => m.Id).Union(b.Markets.Select(m => m.Id)))
        {
            var (x, y) = (a.Markets.FirstOrDefault(m => m.Id == market), b.Markets.FirstOrDefault(m => m.Id == market));
            Add($"{a.PrimaryMetric} {market}", Metric(x, a.PrimaryMetric), Metric(y, a.PrimaryMetric));
        }
        Add("weights", Weights(before), Weights(after));
        if (a.Origin.WeightsSha256 != b.Origin.WeightsSha256 && Distance(before, after) is { } distance)
            found.Add(new ReleaseDifference("weights-distance", "0", FormattableString.Invariant($"{distance:0.####}")));
        return found;
    }

    private static string Contributors(ReleaseManifest manifest) =>
        string.Join(", ", manifest.Origin.Contributors.Select(c => FormattableString.Invariant($"{c.Site} ({c.Market}, {c.TrainingRows})")));

    private static string? Metric(ReleaseMarket? market, string metric) =>
        market?.Metrics.GetValueOrDefault(metric) is { } m ? FormattableString.Invariant($"{m.Value:0.####} [{m.Low:0.####}, {m.High:0.####}] n={market.TestRows}") : null;

    private static string Weights(Release release) => $"{release.Manifest.Origin.WeightsSha256[..12]} (P = {release.Manifest.Origin.Parameters})";

    private static IEnumerable<(string Column, string? Before, string? After)> Columns(Release before, Release after)
    {
        var (x, y) = (Contract(before), Contract(after));
        foreach (var column in x.Keys.Union(y.Keys)) yield return (column, x.GetValueOrDefault(column), y.GetValueOrDefault(column));
    }

    private static Dictionary<string, string> Contract(Release release) =>
        Preprocessing.FromJson(System.Text.Encoding.UTF8.GetString(release[Release.PreprocessingPart].Span)).Contract.Features
            .ToDictionary(f => $"contract {f.Column}", f => $"{f.Kind} {f.Range} {string.Join('|', f.Values)} {f.Unit}".TrimEnd(), StringComparer.Ordinal);

    /// <summary>Length of the difference relative to the length of the first vector; null: the layouts differ.</summary>
    private static double? Distance(Release before, Release after)
    {
        var (x, y) = (Read(before), Read(after));
        if (x.Layout.Digest != y.Layout.Digest) return null;
        double difference = 0, length = 0;
        for (var i = 0; i < x.Parameters.Length; i++)
        {
            difference += Math.Pow((double)y.Parameters[i] - x.Parameters[i], 2);
            length += Math.Pow(x.Parameters[i], 2);
        }
        return Math.Sqrt(difference / Math.Max(length, double.Epsilon));
    }

    private static SafetensorsContent Read(Release release) => Safetensors.Read(new MemoryStream(release[Release.WeightsPart].ToArray()), release.Manifest.FileName);
}
