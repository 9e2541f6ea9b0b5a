using Comity.Cli.Composition;
using Comity.Data.Splits;
using Comity.Learning.Evaluation;
using Comity.Serving.Inference;
using Comity.Serving.Releases;
using Comity.Tensors.Randomness;

namespace Comity.Cli.Loop;

/// <summary>Champion and challenger on a market's held-out records.</summary>
/// <param name="Market">The market.</param>
/// <param name="Rows">Records.</param>
/// <param name="Differences">Challenger minus champion.</param>
internal sealed record ChampionComparison(string Market, int Rows, IReadOnlyList<MetricDifference> Differences)
{
    /// <summary>Compares two releases on the test rows of a study's first repeat, each with its own preprocessing.</summary>
    /// <remarks>Rows that the challenger was trained on are not among them: it comes from that study. The champion is older, and may have seen some of them in its own training.</remarks>
    public static IReadOnlyList<ChampionComparison> Of(Session session, Release champion, Release challenger, string study, CancellationToken cancellationToken)
    {
        var read = CheckedStudy.Read(session, study, cancellationToken);
        var (section, seed) = (read.Study.Study, Seed.Of(read.Study.Study.Seed));
        ServedModel[] models = [ServedModel.Load(champion), ServedModel.Load(challenger)];
        return
        [
            .. section.Markets.Select(market =>
            {
                var labels = new List<float>();
                List<float>[] outputs = [[], []];
                foreach (var table in read.Tables.Where(t => section.Sites.First(s => s.Id == t.Site).Market == market.Id))
                {
                    var rows = Splitter.Split(table, read.Study.Split, seed, 0).Test;
                    for (var m = 0; m < models.Length; m++)
                    {
                        var encoded = models[m].Preprocessing.Encode(table, rows);
                        var said = new float[rows.Length * models[m].Outputs];
                        models[m].Predict(encoded.Features, rows.Length, said);
                        outputs[m].AddRange(said);
                        if (m == 0) labels.AddRange(encoded.Labels);
                    }
                }
                var compared = PairedComparison.Compare(
                    read.Study.Task, read.Study.Classes, labels.ToArray(), outputs[0].ToArray(), outputs[1].ToArray(), read.Study.Evaluation, seed.For("champion", market.Id));
                return new ChampionComparison(market.Id, compared.Rows, compared.Differences);
            }),
        ];
    }
}
