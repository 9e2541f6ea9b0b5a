using System.Globalization;
using Comity.Data.Contracts;
using Comity.Data.Preprocess;
using Comity.Data.Shared;
using Comity.Data.Sources;
using Comity.Data.Tables;
using Comity.Data.Texts;
using Comity.Declarations;

namespace Comity.Data.Tests.Texts;

public sealed class TagTests
{
    private const string Contract = """
        label: { column: tags, kind: tags, classes: [O, B-PER, I-PER] }
        features: [{ column: words, kind: text, tokens: 3, tokenizer: words, buckets: 100 }]
        """;

    private const string Sentences = "-DOCSTART- -X- O\n\nAnna NNP B-PER\nKis NNP I-PER\nruns VB O\r\n\r\n\n你好 x O\nDr\tN\tO\n";

    [Fact]
    public void Sentences_a_token_a_line_are_records_with_words_and_tags()
    {
        var (table, problems) = Load(Sentences, Contract);

        Assert.Empty(problems);
        Assert.Equal(["Anna Kis runs", "你好 Dr"], Values(table!, "words"));
        Assert.Equal(["B-PER I-PER O", "O O"], Values(table!, "tags"));
        Assert.Equal([3f, 2], table!.Labels.ToArray());

        var contract = Declared.Read<ContractSection>(Contract);
        Assert.Equal(["moments"], SharedStatistics.Steps(contract, new PreprocessSection())); // no vocabulary: no word is told to anybody
        var agreed = SharedStatistics.Collect("moments", table, [0, 1], contract, new PreprocessSection(), SharedStatistics.None);
        var preprocessing = Preprocessing.FromJson(Preprocessing.Fit(contract, new PreprocessSection(), agreed).ToJson());
        var form = Assert.IsType<TaggedForm>(preprocessing.Form);
        Assert.Equal((4, 104), (form.Tokens, form.Vocabulary));
        Assert.Equal(["O", "B-PER", "I-PER"], form.Tags);
        Assert.Equal("tagging", preprocessing.TaskName);
        Assert.IsType<TaggedForm>(InputForm.Planned(contract));

        var buckets = new WordBuckets(100);
        float N(string word) => buckets.NumberOf(word);
        Assert.Equal([2f, N("Anna"), N("Kis"), N("runs"), 0, 2, 3, 1, 2, N("你好"), N("Dr"), 0, 0, 1, 1, 0], preprocessing.Encode(table, [0, 1]).Features);

        // Records to be predicted need no tags.
        using var folder = new TemporaryFolder();
        File.WriteAllText(Path.Combine(folder.Path, "new.conll"), "Anna\nKis\n");
        var found = new ProblemList();
        var records = preprocessing.LoadRecords(new SourceSection { Conll = "new.conll" }, folder.Path, found);
        Assert.Empty(found);
        Assert.Equal([2f, N("Anna"), N("Kis"), 0, 0, 0, 0, 0], preprocessing.Encode(records!, [0]).Features);
    }

    [Fact]
    public void Words_are_spread_over_their_buckets_and_keep_their_number()
    {
        var buckets = new WordBuckets(1000);
        var numbers = Enumerable.Range(0, 4000).Select(i => buckets.NumberOf(FormattableString.Invariant($"word{i}"))).ToArray();
        Assert.All(numbers, n => Assert.InRange(n, 4, 1003));
        Assert.InRange(numbers.Distinct().Count(), 960, 1000); // of 1000 about 982 are met
        Assert.InRange(numbers.GroupBy(n => n).Max(g => g.Count()), 8, 18);
        Assert.Equal(1302, new WordBuckets(8192).NumberOf("Anna")); // reckoned apart, by a script: a trained model reads the same number for ever
    }

    [Fact]
    public void A_table_with_a_column_of_tags_does_as_well_and_rows_without_tags_are_left_out()
    {
        var site = new SiteBuilder(Contract);
        var table = site.Load("words,tags\nAnna Kis,B-PER I-PER\nruns,\nDr Kis,O B-PER\n");
        Assert.Equal([2f, 2], table.Labels.ToArray());
        Assert.Equal([0, 2], table.SourceRows.ToArray());
    }

    [Fact]
    public void What_is_wrong_with_tags_is_said_with_its_place_in_both_languages()
    {
        var (_, bare) = Load("Anna B-PER\nKis\n", Contract);
        Assert.Equal("conll-without-tag", Assert.Single(bare).Code);
        Assert.Equal(2, bare[0].Place.Line);
        var (_, strange) = Load("runs O\n\nAnna B-LOC\n", Contract);
        Assert.Equal("tag-unknown", Assert.Single(strange).Code);
        Assert.Equal(3, strange[0].Place.Line);
        Assert.Contains("B-PER", strange[0].Expected(CultureInfo.InvariantCulture), StringComparison.Ordinal);
        var (table, cut) = Load("a O\nb O\nc O\nd O\n\na O\n", Contract);
        Assert.Equal("tags-cut", Assert.Single(cut).Code);
        Assert.Equal([3f, 1], table!.Labels.ToArray());

        ProblemList[] all =
        [
            bare, strange, cut,
            Wrong("label: { column: tags, kind: tags }\nfeatures: [{ column: words, kind: text, tokens: 3, tokenizer: words }]\n", "tags-without-classes"),
            Wrong("label: { column: tags, kind: tags, classes: [O, \"B PER\"] }\nfeatures: [{ column: words, kind: text, tokens: 3, tokenizer: words }]\n", "tag-with-blank"),
            Wrong("label: { column: tags, kind: tags, classes: [O, B-PER] }\nfeatures: [{ column: words, kind: text, tokens: 3 }]\n", "tags-of-words"),
            Wrong("label: { column: words, kind: next-token }\nfeatures: [{ column: words, kind: text, tokens: 3, tokenizer: words }]\n", "text-of-words"),
        ];
        foreach (var culture in new[] { "en", "zh-Hans" }.Select(CultureInfo.GetCultureInfo))
            Assert.All(all.SelectMany(p => p), p => Assert.True(p.Found(culture).Length > 5 && p.Expected(culture).Length > 5 && p.Remedy(culture).Length > 5));

        var (broken, count) = (new ProblemList(), new SiteBuilder(Contract));
        using var folder = new TemporaryFolder();
        File.WriteAllText(Path.Combine(folder.Path, "a.csv"), "words,tags\nAnna Kis,B-PER\n");
        Assert.Null(new TableLoader(count.Contract, new LoadOptions { BaseFolder = folder.Path }).Load(new SourceSection { Csv = "a.csv" }, "site", broken));
        Assert.Equal("tag-count", Assert.Single(broken).Code);

        var (_, problems) = Declared.Try<FeatureSection>("{ column: t, kind: text, tokens: 3, buckets: 50 }");
        Assert.Equal("key-of-other-kind", Assert.Single(problems).Code);
        (_, problems) = Declared.Try<SourceSection>("{ conll: a.conll, rows: [{ column: a, values: [b] }] }");
        Assert.Equal("source-key", Assert.Single(problems).Code);
        var sections = DataSections.Read(DeclaredFile.Parse("label: { column: y, positive: 1 }\nfeatures: [{ column: x, kind: number }]\n", "study.yaml", [])!, null, null, null, new ProblemList())!;
        problems = [];
        sections.CheckSource(new SourceSection { Conll = "a.conll" }, "site", Place.InFile("study.yaml"), problems);
        Assert.Equal(["conll-without-tags"], problems.Select(p => p.Code));
    }

    private static IEnumerable<string?> Values(RecordTable table, string column) => ((TextColumn)table[column]).Values.ToArray();

    private static ProblemList Wrong(string contract, string code)
    {
        var (_, problems) = Declared.Try<ContractSection>(contract);
        Assert.Contains(problems, p => p.Code == code);
        return problems;
    }

    private static (RecordTable? Table, ProblemList Problems) Load(string text, string contract)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(Path.Combine(folder.Path, "a.conll"), text);
        var problems = new ProblemList();
        var loader = new TableLoader(Declared.Read<ContractSection>(contract), new LoadOptions { BaseFolder = folder.Path });
        return (loader.Load(new SourceSection { Conll = "a.conll" }, "site", problems), problems);
    }
}
