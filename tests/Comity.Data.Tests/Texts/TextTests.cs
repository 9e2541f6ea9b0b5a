using System.Globalization;
using System.Text;
using Comity.Data.Contracts;
using Comity.Data.Preprocess;
using Comity.Data.Shared;
using Comity.Data.Sources;
using Comity.Data.Splits;
using Comity.Data.Tables;
using Comity.Data.Texts;
using Comity.Declarations;
using Comity.Tensors.Randomness;

namespace Comity.Data.Tests.Texts;

public sealed class TextTests
{
    private const string Contract = """
        label: { column: text, kind: next-token }
        features: [{ column: text, kind: text, tokens: 4, minimumCount: 2 }]
        """;

    [Fact]
    public void A_text_is_cut_into_pieces_of_characters_in_its_order()
    {
        // A character outside the basic plane is one, and a line end of Windows is one.
        var (table, problems) = Load("ab𠀀c\r\nde床前明", Contract);

        Assert.Empty(problems);
        Assert.Equal(["ab𠀀c", "\nde床", "前明"], Values(table!));
        Assert.Equal([4f, 4, 2], table!.Labels.ToArray());
        Assert.Equal([0, 1, 2], table.SourceRows.ToArray());
    }

    [Fact]
    public void Sites_agree_on_the_characters_that_each_of_them_meets_often_enough()
    {
        var (english, _) = Load("abab abab zq", Contract);
        var (chinese, _) = Load("床前床前 ab", Contract);
        var contract = Declared.Read<ContractSection>(Contract);
        var preprocess = new PreprocessSection();
        int[] first = [0, 1]; // the last piece is no training row

        var agreed = SharedStatistics.Merge(
        [
            SharedStatistics.Collect("vocabulary", english!, first, contract, preprocess, SharedStatistics.None),
            SharedStatistics.Collect("vocabulary", chinese!, first, contract, preprocess, SharedStatistics.None),
        ]);
        // Everywhere only once: the blank, which no site meets twice in its training rows, z and q, and the a and b of the second text.
        Assert.Equal(["a", "b", "前", "床"], agreed["text/characters"]!.Labels);
        Assert.Equal(["vocabulary", "moments"], SharedStatistics.Steps(contract, preprocess));

        var preprocessing = Preprocessing.FromJson(Preprocessing.Fit(contract, preprocess, agreed).ToJson());
        Assert.Equal(new TokenForm(5, 8), preprocessing.Form);
        Assert.Equal("next-token", preprocessing.TaskName);
        var rows = preprocessing.Encode(english!, [1, 2]);
        Assert.Equal([2f, 1, 4, 5, 4, 2, 5, 1, 1, 1], rows.Features); // separator, unknown, a, b, a; then b, blank, z, q
        Assert.Equal([4f, 4], rows.Labels);
        var vocabulary = new CharacterVocabulary(preprocessing.Columns[0].Levels);
        Assert.Equal(8, vocabulary.Count);
        Assert.Equal("床", vocabulary.TextOf(vocabulary.NumberOf(new Rune('床'))));
        Assert.Equal("\uFFFD", vocabulary.TextOf(CharacterVocabulary.Unknown));
    }

    [Fact]
    public void A_short_text_is_filled_up_and_a_long_one_cut_off()
    {
        var vocabulary = new CharacterVocabulary(["a", "b"]);
        float[] row = [9, 9, 9, 9];
        Assert.Equal(1, vocabulary.Encode("b", row));
        Assert.Equal([2f, 5, 0, 0], row);
        Assert.Equal(3, vocabulary.Encode("ababab", row));
        Assert.Equal([2f, 4, 5, 4], row);
    }

    [Fact]
    public void The_last_pieces_are_the_test_rows()
    {
        var (table, _) = Load(new string('a', 40), Contract);
        var split = Splitter.Split(table!, new SplitSection { Order = true, Test = 0.2, Validation = 0.25 }, Seed.Of(1), 3);
        Assert.Equal([0, 1, 2, 3, 4, 5], split.Training);
        Assert.Equal([6, 7], split.Validation);
        Assert.Equal([8, 9], split.Test);
    }

    [Fact]
    public void A_text_column_of_a_CSV_file_has_a_label_beside_it()
    {
        var site = new SiteBuilder("""
            label: { column: y, positive: 1 }
            features: [{ column: text, kind: text, tokens: 3, minimumCount: 1 }]
            """);
        var table = site.Load("text,y\nabc,1\n,0\nbbbb,0\n");
        Assert.Equal([1f, 0, 0], table.Labels.ToArray());
        var statistics = SharedStatistics.Collect("vocabulary", table, [0, 1, 2], site.Contract, new PreprocessSection(), SharedStatistics.None);
        statistics = statistics.And(SharedStatistics.Collect("moments", table, [0, 1, 2], site.Contract, new PreprocessSection(), statistics));
        Assert.Equal([2f, 4, 5, 6, 2, 0, 0, 0, 2, 5, 5, 5], Preprocessing.Fit(site.Contract, new PreprocessSection(), statistics).Encode(table, [0, 1, 2]).Features);
    }

    [Fact]
    public void What_does_not_fit_is_said_with_its_place_in_both_languages()
    {
        var (_, broken) = LoadBytes([.. "abc"u8, 0xC3, 0x28], Contract);
        Assert.Equal("text-encoding", Assert.Single(broken).Code);
        Assert.Contains("3", broken[0].Found(CultureInfo.InvariantCulture), StringComparison.Ordinal);

        var (_, problems) = Declared.Try<ContractSection>("""
            label: { column: text, kind: next-token }
            features: [{ column: text, kind: text, tokens: 4 }, { column: age, kind: number }]
            """);
        Assert.Equal("text-alone", Assert.Single(problems).Code);
        (_, problems) = Declared.Try<FeatureSection>("{ column: age, kind: number, tokens: 3 }");
        Assert.Equal("key-of-other-kind", Assert.Single(problems).Code);
        (_, problems) = Declared.Try<ContractSection>("label: { column: other, kind: next-token }\nfeatures: [{ column: text, kind: text, tokens: 4 }]\n");
        Assert.Equal("text-alone", Assert.Single(problems).Code);
        foreach (var culture in new[] { "en", "zh-Hans" }.Select(CultureInfo.GetCultureInfo))
            Assert.All(problems.Concat(broken), p => Assert.True(p.Found(culture).Length > 5 && p.Expected(culture).Length > 5 && p.Remedy(culture).Length > 5));

        var sections = DataSections.Read(Node("label: { column: y, positive: 1 }\nfeatures: [{ column: x, kind: number }]\n"), null, null, null, new ProblemList())!;
        var found = new ProblemList();
        sections.CheckSource(new SourceSection { Text = "a.txt" }, "site", Place.InFile("study.yaml"), found);
        Assert.Equal(["text-without-tokens", "text-without-label"], found.Select(p => p.Code));
    }

    private static DeclaredNode.Map Node(string yaml) => DeclaredFile.Parse(yaml, "study.yaml", [])!;

    private static IEnumerable<string?> Values(RecordTable table) => ((TextColumn)table["text"]).Values.ToArray();

    private static (RecordTable? Table, ProblemList Problems) Load(string text, string contract) => LoadBytes(Encoding.UTF8.GetBytes(text), contract);

    private static (RecordTable? Table, ProblemList Problems) LoadBytes(byte[] text, string contract)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllBytes(Path.Combine(folder.Path, "text.txt"), text);
        var problems = new ProblemList();
        var loader = new TableLoader(Declared.Read<ContractSection>(contract), new LoadOptions { BaseFolder = folder.Path });
        return (loader.Load(new SourceSection { Text = "text.txt" }, "site", problems), problems);
    }
}
