using System.Globalization;
using Comity.Declarations;
using Comity.Federation.Strategies;
using Comity.Federation.Studies;

namespace Comity.Federation.Tests.Studies;

public sealed class StudyReaderTests
{
    private const string Head = """
        study: three-hospitals
        seed: 7
        contract: { label: { column: num, positive: "> 0" } }
        model: { kind: logistic }
        training: { epochs: 10 }
        markets: [{ id: us, jurisdiction: US }, { id: hu, jurisdiction: HU }]

        """;

    private const string TwoSites = "sites: [{ id: a, market: us }, { id: b, market: hu, source: { csv: b.csv } }]\n";

    private static (StudySection? Study, ProblemList Problems) Read(string text)
    {
        var problems = new ProblemList();
        var root = DeclaredFile.Parse(text, "study.yaml", problems);
        return (root is null ? null : StudyReader.Bind(root, problems), problems);
    }

    private static List<string> Codes(string text) => [.. Read(text).Problems.Select(p => p.Code)];

    [Fact]
    public void A_whole_study_is_read_and_other_rooms_sections_travel_unread()
    {
        var (study, problems) = Read(Head + TwoSites + """
            arms: [local, partner, pooled, federated, combined]
            pooledAt: a
            repeats: 8
            federations:
              - { rounds: 50, strategy: fedavg }
              - { name: adam, rounds: 50, strategy: { kind: fedadam, serverLearningRate: 0.05 }, quorum: 1, cohort: 0.5, required: [b], weights: equal, gate: { maxNorm: 3 },
                  personalise: { kind: ditto, lambda: 0.5 }, training: { optimizer: { kind: sgd, learningRate: 1e-2 }, batch: 16, label: "01" } }
            combined: { by: { kind: distil, rounds: 3 } }
            """);

        Assert.Empty(problems);
        Assert.Equal(7UL, study!.Seed);
        Assert.Equal(["fedavg", "adam"], study.AllFederations.Select(f => f.Id));
        var adam = study.AllFederations[1];
        Assert.Equal(new FedAdamSection { ServerLearningRate = 0.05 }, adam.Strategy);
        Assert.Equal((1, 1, UpdateWeights.Equal, 3.0), (adam.Quorum.Of(2), adam.Cohort.Of(2), adam.Weights, adam.Gate.MaxNorm!.Value));
        Assert.Equal("""{"optimizer":{"kind":"sgd","learningRate":0.01},"batch":16,"label":"01"}""", DeclaredJson.Write(adam.Training!));
        Assert.Equal(new CombineByDistillation { Rounds = 3 }, study.Combined.Single().By);
        Assert.NotNull(study.Sites[1].Source);
    }

    [Theory]
    [InlineData("sites: [{ id: a, market: us }, { id: A, market: hu }]\nfederation: { rounds: 1 }", "duplicate-id")]
    [InlineData("sites: [{ id: a, market: us }, { id: ../b, market: hu }]\nfederation: { rounds: 1 }", "bad-id")]
    [InlineData("sites: [{ id: a, market: us }, { id: b, market: uk }]\nfederation: { rounds: 1 }", "unknown-market")]
    [InlineData("sites: [{ id: a, market: us }]\nfederation: { rounds: 1 }", "federation-of-one")]
    [InlineData(TwoSites + "arms: [federated]", "arm-without-section")]
    [InlineData(TwoSites + "arms: [combined]", "arm-without-section")]
    [InlineData(TwoSites + "arms: [lokal]", "unknown-choice")]
    [InlineData(TwoSites + "federation: { rounds: 1, quorum: 3 }", "quorum-too-large")]
    [InlineData(TwoSites + "federation: { rounds: 1, quorum: some }", "quorum-form")]
    [InlineData(TwoSites + "federation: { rounds: 1, cohort: 3 }", "cohort-too-large")]
    [InlineData(TwoSites + "federation: { rounds: 1, cohort: 1.5 }", "cohort-form")]
    [InlineData(TwoSites + "federation: { rounds: 1, cohort: 1, required: [a, b] }", "required-above-cohort")]
    [InlineData(TwoSites + "federation: { rounds: 1, required: [c] }", "unknown-site")]
    [InlineData(TwoSites + "federation: { rounds: 1 }\npooledAt: c", "unknown-site")]
    [InlineData(TwoSites + "federation: { rounds: 1, strategy: { kind: krum, faulty: 1 } }", "too-few-for-strategy")]
    [InlineData(TwoSites + "federation: { rounds: 1, strategy: trimmed-mean }", "trims-nothing")]
    [InlineData(TwoSites + "federation: { rounds: 1, strategy: fednova, optimizerState: kept }", "fednova-kept-optimizer")]
    [InlineData(TwoSites + "federation: { rounds: 0 }", "out-of-range")]
    [InlineData(TwoSites + "federation: { rounds: 1, strategy: fedavgg }", "unknown-choice")]
    [InlineData(TwoSites + "federations: [{ rounds: 1 }, { rounds: 2 }]", "duplicate-name")]
    [InlineData(TwoSites + "federation: { rounds: 1 }\nfederations: [{ rounds: 2, name: x }]", "federation-twice")]
    [InlineData(TwoSites + "federation: { rounds: 1 }\npartners: [[a, c]]", "unknown-site")]
    [InlineData(TwoSites + "federation: { rounds: 1 }\npartners: [[a, a]]", "partner-of-itself")]
    [InlineData(TwoSites + "federation: { rounds: 1 }\npartners: [a]", "pair-form")]
    [InlineData(TwoSites + "federation: { rounds: 1 }\nprivacy: { secrecy: true }", "unknown-key")]
    [InlineData(TwoSites + "federation: { rounds: 1 }\nprivacy: { differentialPrivacy: { epsilon: 0, delta: 1e-5, clip: 1 } }", "out-of-range")]
    [InlineData(TwoSites + "federation: { rounds: 1 }\nprivacy: { differentialPrivacy: { epsilon: 1, delta: 1, clip: 1 } }", "out-of-range")]
    [InlineData(TwoSites + "federation: { rounds: 1 }\nprivacy: { differentialPrivacy: { epsilon: 1, delta: 1e-5, clip: 0 } }", "out-of-range")]
    [InlineData(TwoSites + "federation: { rounds: 1 }\narms: [partner, federated]\nprivacy: { differentialPrivacy: { epsilon: 1, delta: 1e-5, clip: 1 } }", "privacy-moves-own-model")]
    public void A_mistake_is_named(string rest, string code) => Assert.Equal([code], Codes(Head + rest));

    [Fact]
    public void All_mistakes_are_reported_at_once_each_with_its_place()
    {
        var (_, problems) = Read(Head + """
            sites:
              - { id: a, market: us }
              - { id: a, market: uz }
            federation: { rounds: 1, quorum: 3 }
            privacy: {}
            """);

        Assert.Equal(["quorum-too-large", "privacy-empty", "duplicate-id", "unknown-market"], problems.Select(p => p.Code));
        Assert.Equal((9, "sites[1].market"), (problems[3].Place.Line, problems[3].Place.Path));
        Assert.Equal("federation.quorum", problems[0].Place.Path);
    }

    [Fact]
    public void Ids_markets_and_privacy_are_judged_even_where_other_keys_are_broken()
    {
        var (_, problems) = Read("""
            study: s
            markets: [{ id: us, jurisdiction: US }]
            sites: [{ id: a, market: us }, { id: a, market: uz }]
            modell: { kind: logistic }
            federation: { strategy: fedavgg, rounds: 1 }
            privacy: {}
            """);

        Assert.Equal(
            ["duplicate-id", "missing-key", "missing-key", "misspelt-key", "privacy-empty", "unknown-choice", "unknown-market"],
            problems.Select(p => p.Code).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Above_twenty_sites_the_partner_arm_names_its_pairs()
    {
        var sites = "sites: [" + string.Join(", ", Enumerable.Range(0, 21).Select(i => $"{{ id: s{i}, market: us }}")) + "]\n";
        Assert.Equal(["partners-needed"], Codes(Head + sites + "arms: [local, partner]"));
        Assert.Empty(Codes(Head + sites + "arms: [local, partner]\npartners: [[s1, s2]]"));
    }

    [Fact]
    public void Every_problem_speaks_both_languages()
    {
        var resources = new System.Resources.ResourceManager("Comity.Federation.Resources.Messages", typeof(StudySection).Assembly);
        var keys = resources.GetResourceSet(CultureInfo.InvariantCulture, true, true)!.Cast<System.Collections.DictionaryEntry>().Select(e => (string)e.Key).Order().ToList();
        var chinese = resources.GetResourceSet(CultureInfo.GetCultureInfo("zh-Hans"), true, false)!.Cast<System.Collections.DictionaryEntry>().Select(e => (string)e.Key).Order().ToList();
        Assert.NotEmpty(keys);
        Assert.Equal(keys, chinese);
    }

    [Fact]
    public void A_folder_is_read_as_its_study_file_and_its_bytes_are_digested()
    {
        var folder = Directory.CreateTempSubdirectory("comity-");
        try
        {
            File.WriteAllText(Path.Combine(folder.FullName, "study.yaml"), Head + TwoSites + "federation: { rounds: 1 }\n");
            var problems = new ProblemList();
            var study = StudyReader.Read(folder.FullName, problems);
            Assert.Empty(problems);
            Assert.Equal(folder.FullName, study!.Folder);
            Assert.Equal(64, study.Sha256.Length);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}
