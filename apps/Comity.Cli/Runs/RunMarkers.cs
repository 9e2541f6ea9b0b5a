using Comity.Cli.Composition;

namespace Comity.Cli.Runs;

/// <summary>What decides whether two runs are the same.</summary>
internal static class RunMarkers
{
    public static RunMarker Of(CheckedStudy study)
    {
        var section = study.Study.Study;
        return new RunMarker(
            section.Study, study.Study.Declared.Sha256, SiteTables.Digest(study.Tables), section.Seed,
            string.Join(',', section.Arms.Distinct().Order()), VectorWidth.Current, ToolVersion.Text);
    }
}
