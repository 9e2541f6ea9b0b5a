using System.Text.Json;
using Comity.Data.Quality;
using Comity.Federation.Results;

namespace Comity.Cli.Composition;

/// <summary>Describes the sites for the results: row counts, classes, quality by column.</summary>
internal static class SiteDescription
{
    public static IReadOnlyList<SiteInfo> Of(CheckedStudy study, IReadOnlyList<SiteRecords> records)
    {
        var qualities = TableQuality.DescribeAll(study.Tables, study.Study.Contract);
        return [.. records.Select((r, i) => Of(study.Study, r, qualities[i], study.Study.Study.Sites[i].Market))];
    }

    private static SiteInfo Of(ComposedStudy study, SiteRecords records, TableQuality quality, string market)
    {
        var splits = records.Split(repeat: 0);
        var classes = new int[study.Classes.Count];
        if (classes.Length > 0) foreach (var label in records.Table.Labels.Span) classes[(int)label]++;
        var columns = quality.Columns.Select(c => new ColumnQuality(
            c.Column, JsonNamingPolicy.KebabCaseLower.ConvertName(c.Kind.ToString()), c.MissingShare ?? double.NaN, c.Mean, c.Deviation, c.Drift)
        { DriftMissingShare = c.DriftMissingShare });
        return new SiteInfo(records.Site, market, records.Table.Rows, splits.Training.Length, splits.Validation.Length, splits.Test.Length, classes, [.. columns]);
    }
}
