using Comity.Federation.Rounds;
using Comity.Federation.Runs;
using Comity.Federation.Spool;
using Comity.Federation.Tests.Runs;

namespace Comity.Federation.Tests.Encodings;

/// <summary>Whole runs whose updates travel in fewer bytes.</summary>
public sealed class EncodedRunTests : IDisposable
{
    private readonly RunFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private static string Study(string updates, string rest = "", int rounds = 6) => $"arms: [federated]\nfederation: {{ rounds: {rounds}, localEpochs: 5, encoding: {{ updates: {updates} }}{rest} }}\n";

    [Theory]
    [InlineData("float32", 4 * 4)]
    [InlineData("bf16", 2 * 4)]
    [InlineData("fp16", 2 * 4)]
    [InlineData("int8", 4 + 4)]
    [InlineData("{ kind: top-k, fraction: 0.5 }", 2 * 4 + 2 * 2)]
    public async Task Results_count_the_bytes_that_travelled(string updates, int bytesUp)
    {
        using var outcome = await StudyRun.RunAsync(_folder.Input(Study(updates)), default);
        Assert.Equal(6 * 4 * ((4 * 4) + bytesUp), outcome.Results.Models.Single().Bytes); // rounds · sites · (model down + update up)
    }

    [Fact]
    public async Task Results_count_the_bytes_of_the_model_on_its_way_and_the_coordinator_keeps_every_bit()
    {
        using var outcome = await StudyRun.RunAsync(_folder.Input("arms: [federated]\nfederation: { rounds: 6, localEpochs: 5, encoding: { model: bf16 } }\n"), default);
        var model = outcome.Results.Models.Single();
        Assert.Equal(6 * 4 * ((2 * 4) + (4 * 4)), model.Bytes);
        using var exact = await StudyRun.RunAsync(_folder.Input("arms: [federated]\nfederation: { rounds: 6, localEpochs: 5 }\n", folder: "exact"), default);
        Assert.NotEqual(exact.Results.Models.Single().WeightsSha256, model.WeightsSha256);
    }

    [Theory]
    [InlineData("bf16")]
    [InlineData("fp16")]
    [InlineData("int8")]
    [InlineData("{ kind: top-k, fraction: 0.25 }")]
    public async Task A_model_learns_as_much_from_shorter_updates(string updates)
    {
        using var exact = await StudyRun.RunAsync(_folder.Input(Study("float32", rounds: 25), folder: "exact"), default);
        using var encoded = await StudyRun.RunAsync(_folder.Input(Study(updates, rounds: 25), folder: "encoded"), default);
        Assert.NotEqual(RunFolder.Digests(exact.Results), RunFolder.Digests(encoded.Results));
        double Mse(StudyOutcome outcome) => outcome.Results.Evaluation.Where(e => e.Site == "s0").Select(e => e.Result.Metrics["mse"].Value).First();
        Assert.InRange(Mse(encoded), Mse(exact) * 0.9, Mse(exact) * 1.1);
    }

    [Theory]
    [InlineData(Fault.Short, RefusalReason.WrongShape)]
    [InlineData(Fault.Torn, RefusalReason.WrongDigest)]
    public async Task The_coordinator_trusts_no_sites_encoder(object fault, string reason)
    {
        var study = Study("bf16", ", quorum: 3");
        using var outcome = await StudyRun.RunAsync(_folder.Input(study) with { Line = channel => channel.Site == "s2" ? new FaultyLine(channel, o => o.Round == 2, (Fault)fault) : channel }, default);
        Assert.Equal([("s2", reason)], outcome.Results.Contributors[1].Rejected.Select(r => (r.Site, r.Reason)));
        Assert.Equal(["s0", "s1", "s3"], outcome.Results.Contributors[1].Contributed);
    }

    [Fact]
    public async Task An_update_in_another_encoding_than_declared_is_refused_by_name()
    {
        var study = Study("bf16", ", quorum: 3");
        using var outcome = await StudyRun.RunAsync(_folder.Input(study) with { Line = channel => channel.Site == "s1" ? new Undeclared(channel) : channel }, default);
        Assert.All(outcome.Results.Contributors, r => Assert.Equal([("s1", RefusalReason.WrongEncoding)], r.Rejected.Select(x => (x.Site, x.Reason))));
    }

    [Fact]
    public async Task A_number_beyond_fp16_keeps_the_update_at_home_and_is_named()
    {
        var sites = RunFolder.Sites(4);
        sites[1] = new LeastSquaresSite("s1", 70, 0.3) { LearningRate = 1e6 };
        using var outcome = await StudyRun.RunAsync(_folder.Input(RunFolder.Study("arms: [federated]\nfederation: { rounds: 1, localEpochs: 1, quorum: 3, encoding: { updates: fp16 } }\n"), sites), default);
        Assert.Equal([("s1", RefusalReason.EncodingOverflow)], outcome.Results.Contributors.Single().Rejected.Select(r => (r.Site, r.Reason)));
    }

    [Fact]
    public async Task A_model_beyond_fp16_stops_the_study_before_a_site_gets_it()
    {
        var sites = RunFolder.Sites(4).Select(s => new LeastSquaresSite(s.Site, 70, 0.3) { LearningRate = 1e6 }).ToList();
        var stopped = await Assert.ThrowsAsync<StudyStoppedException>(() => StudyRun.RunAsync(_folder.Input(RunFolder.Study("arms: [federated]\nfederation: { rounds: 2, localEpochs: 1, encoding: { model: fp16 } }\n"), sites), default));
        Assert.Equal("model-beyond-encoding", stopped.Problem.Code);
        Assert.All(sites, s => Assert.Equal(1, s.TrainCalls));
    }

    /// <summary>A site whose software does not know the declaration: it trains as asked and sends float32.</summary>
    private sealed class Undeclared(ISiteChannel inner) : ISiteChannel
    {
        public string Site => inner.Site;

        public ValueTask<RoundReply> OfferAsync(RoundOffer offer, IUpdateSink sink, CancellationToken cancellationToken) => inner.OfferAsync(offer with { Encoding = null }, sink, cancellationToken);

        public ValueTask<PersonalModel> PersonaliseAsync(RoundOffer finished, CancellationToken cancellationToken) => inner.PersonaliseAsync(finished, cancellationToken);
    }
}
