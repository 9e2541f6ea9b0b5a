using Comity.Declarations;
using Comity.Federation.Results;
using Comity.Federation.Runs;
using Comity.Federation.Searches;
using Comity.Federation.Sites;
using Comity.Federation.Strategies;
using Comity.Federation.Studies;

namespace Comity.Federation.Tests.Searches;

/// <summary>Settings are chosen on validation rows, and the chosen one gives the bits of a study that declares it.</summary>
public sealed class SearchTests : IDisposable
{
    // One that hardly moves, a good one, and one that diverges.
    private const string Rates = "search: { values: { training.optimizer.learningRate: [1e-4, 0.05, 1e30] } }";

    private readonly RunFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task The_chosen_setting_gives_the_bits_of_a_study_that_declares_it()
    {
        var searched = await RunAsync($"arms: [local, pooled, federated]\nrepeats: 2\n{Rates}\nfederations: [{{ rounds: 3, personalise: {{ kind: fine-tune }}, {Rates} }}]", "searched");
        var declared = await RunAsync("arms: [local, pooled, federated]\nrepeats: 2\nfederations: [{ rounds: 3, personalise: { kind: fine-tune }, training: { optimizer: { learningRate: 0.05 } } }]", "declared");

        Assert.Equal(RunFolder.Digests(declared), RunFolder.Digests(searched));
        Assert.Equal(2 * 6, searched.Searches.Count(s => s.Chosen)); // four sites, pooled and the federation, in two repeats
        Assert.All(searched.Searches, s => Assert.Equal(s.Setting == "learningRate 0.05", s.Chosen));
        Assert.All(searched.Searches, s => Assert.Equal(s.Setting == "learningRate 1e30", double.IsNaN(s.ValidationScore)));
        Assert.Empty(declared.Searches);
    }

    [Fact]
    public async Task No_trial_is_judged_on_test_rows()
    {
        var sites = RunFolder.Sites(3);
        await RunAsync(RunFolder.Study($"arms: [local, federated]\n{Rates}\nfederation: {{ rounds: 2, {Rates} }}", 3), sites, "run");
        var trials = sites.SelectMany(s => s.Judged).Where(j => j.Model.Contains('@', StringComparison.Ordinal)).ToList();
        Assert.Equal(2 * (3 + 3), trials.Count); // two settings that can be judged: each site's own at home, the common one at three sites
        Assert.All(trials, j => Assert.Equal(RowSplit.Validation, j.Split));
    }

    [Fact]
    public async Task Trials_count_as_bytes_and_leave_no_files()
    {
        var results = await RunAsync("arms: federated\nfederation: { rounds: 4, strategy: { kind: fedadam }, search: { rounds: 2, values: { strategy.serverLearningRate: [0.01, 0.1], localEpochs: [1, 3] } } }", "run");
        var tried = results.Searches;
        Assert.Equal(["serverLearningRate 0.01, localEpochs 1", "serverLearningRate 0.01, localEpochs 3", "serverLearningRate 0.1, localEpochs 1", "serverLearningRate 0.1, localEpochs 3"], tried.Select(t => t.Setting));
        var round = 4 * 4 * (4 + 4); // P · bytes of a float · (to and from each site)
        Assert.All(tried, t => Assert.Equal((2, 2L * round), (t.Rounds, t.Bytes)));
        Assert.Equal((4 + (4 * 2)) * (long)round, results.Models.Single().Bytes);
        Assert.Empty(Directory.EnumerateFileSystemEntries(_folder.Path, "*@*", SearchOption.AllDirectories));
    }

    [Fact]
    public async Task Where_every_setting_diverges_the_study_stops_with_the_first()
    {
        var stopped = await Assert.ThrowsAsync<StudyStoppedException>(() => RunAsync("arms: federated\nfederation: { rounds: 3, search: { values: { training.optimizer.learningRate: [1e30, 1e31] } } }", "run"));
        Assert.Equal("diverged", stopped.Problem.Code);
    }

    [Fact]
    public void A_setting_is_put_where_its_keys_say()
    {
        var problems = new ProblemList();
        var basis = DeclaredFile.Parse("strategy: fedadam\ntraining: { batch: 16, optimizer: { kind: sgd, learningRate: 0.1 } }", "x.yaml", problems)!;
        var search = SectionReader.Read<SearchSection>(DeclaredFile.Parse("values: { strategy.tau: [0.01, 0.1], training.optimizer.learningRate: [1, 2], training.epochs: [3, 4] }", "x.yaml", problems)!, problems)!;
        Assert.Empty(problems);
        var settings = SearchSpace.Of(search);
        Assert.Equal(8, settings.Count);
        Assert.Equal("""{"strategy":{"kind":"fedadam","tau":0.01},"training":{"batch":16,"optimizer":{"kind":"sgd","learningRate":2},"epochs":3}}""", DeclaredJson.Write(settings[2].Over(basis)));
    }

    [Theory]
    [InlineData("federation: { rounds: 1, search: { values: {} } }", "search-empty")]
    [InlineData("federation: { rounds: 1, search: { values: { training.batch: 16 } } }", "search-values")]
    [InlineData("federation: { rounds: 1, search: { values: { training.batch: [16] } } }", "search-values")]
    [InlineData("federation: { rounds: 1, search: { values: { training.optimizer: [{ kind: sgd }, { kind: adam }] } } }", "search-scalar")]
    [InlineData("federation: { rounds: 1, search: { values: { model.hidden: [1, 2] } } }", "search-key")]
    [InlineData("federation: { rounds: 1, search: { values: { strategy.mu: [1, 2] } } }", "unknown-key")]
    [InlineData("federation: { rounds: 1, strategy: { kind: fedprox, mu: 0.1 }, search: { values: { strategy.mu: [1, -2] } } }", "out-of-range")]
    [InlineData("federation: { rounds: 1, personalise: fedbn, search: { values: { training.batch: [16, 32] } } }", "search-fedbn")]
    [InlineData("search: { values: { strategy.mu: [1, 2] } }\nfederation: { rounds: 1 }", "search-key")]
    [InlineData("search: { rounds: 3, values: { training.batch: [1, 2] } }\nfederation: { rounds: 1 }", "search-rounds")]
    public void What_can_t_be_searched_is_said_where_it_stands(string rest, string code)
    {
        var problems = Problems(rest);
        Assert.Contains(problems, p => p.Code == code);
        Assert.All(problems, p => Assert.Equal((code, true), (p.Code, p.Place.Line > 1)));
    }

    [Fact]
    public void Too_many_combinations_are_refused_before_any_is_trained()
    {
        var values = string.Join(", ", Enumerable.Range(1, 17));
        Assert.Contains(Problems($"federation: {{ rounds: 1, search: {{ values: {{ training.batch: [{values}], training.epochs: [{values}] }} }} }}"), p => p.Code == "search-too-many");
    }

    private static ProblemList Problems(string rest)
    {
        var problems = new ProblemList();
        var root = DeclaredFile.Parse("""
            study: x
            contract: {}
            model: linear
            markets: [{ id: us, jurisdiction: US }]
            sites: [{ id: a, market: us }, { id: b, market: us }]

            """ + rest, "study.yaml", problems);
        StudyReader.Bind(root!, problems);
        return problems;
    }

    private Task<StudyResults> RunAsync(string rest, string folder) => RunAsync(RunFolder.Study(rest), RunFolder.Sites(4), folder);

    private async Task<StudyResults> RunAsync(StudySection study, IReadOnlyList<LeastSquaresSite> sites, string folder)
    {
        using var outcome = await StudyRun.RunAsync(_folder.Input(study, sites, folder), CancellationToken.None);
        return outcome.Results;
    }
}
