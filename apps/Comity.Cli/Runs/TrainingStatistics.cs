using Comity.Cli.Composition;
using Comity.Data.Reference;

namespace Comity.Cli.Runs;

/// <summary>Counts the training records of a run, all together and by market, so that a release can say when live records differ.</summary>
internal static class TrainingStatistics
{
    /// <summary>The training rows of the first repeat, whose models are kept.</summary>
    public static ReferenceStatistics Of(CheckedStudy study, Simulation simulation)
    {
        var markets = study.Study.Study.Sites.ToDictionary(s => s.Id, s => s.Market, StringComparer.Ordinal);
        return ReferenceCollector.Collect(study.Study.Contract, [.. simulation.Records.Select(r => (markets[r.Site], r.Table, r.Split(0).Training))]);
    }
}
