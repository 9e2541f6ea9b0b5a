using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using Comity.Data.Shared;
using Comity.Federation.Sites;

namespace Comity.Cli.Composition;

/// <summary>Statistics as Data knows them and as Federation carries them: the same content in two rooms that don't know each other.</summary>
internal static class SharedStatisticsMapping
{
    public static Statistics ToFederation(this SharedStatistics statistics) =>
        new([.. statistics.Parts.Select(p => new StatisticPart(p.Name, ToFederation(p.Merge), p.Values, p.Labels)
        {
            Bound = p.Bound is { } bound ? new RecordBound(bound.Largest, bound.Norm) : null,
            Whole = p.Whole,
        })]);

    public static SharedStatistics ToData(this Statistics statistics) =>
        new([.. statistics.Parts.Select(p => new SharedPart(p.Name, ToData(p.Merge), p.Values, p.Labels))]);

    /// <summary>SHA-256 (hex) of the content.</summary>
    public static string Digest(this Statistics statistics)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var part in statistics.Parts)
        {
            hash.AppendData(Encoding.UTF8.GetBytes($"{part.Name}\u001f{part.Merge}\u001f{string.Join('\u001f', part.Labels)}\u001e"));
            double[] values = [.. part.Values];
            hash.AppendData(MemoryMarshal.AsBytes<double>(values));
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private static MergeRule ToFederation(SharedMerge merge) => merge switch
    {
        SharedMerge.Sum => MergeRule.Sum,
        SharedMerge.Min => MergeRule.Min,
        SharedMerge.Max => MergeRule.Max,
        _ => MergeRule.Union,
    };

    private static SharedMerge ToData(MergeRule merge) => merge switch
    {
        MergeRule.Sum => SharedMerge.Sum,
        MergeRule.Min => SharedMerge.Min,
        MergeRule.Max => SharedMerge.Max,
        _ => SharedMerge.Union,
    };
}
