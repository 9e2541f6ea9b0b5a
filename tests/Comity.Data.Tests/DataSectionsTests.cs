using Comity.Data.Sources;
using Comity.Declarations;

namespace Comity.Data.Tests;

public sealed class DataSectionsTests
{
    private const string Features = "label: { column: y, positive: 1 }\nidentifier: id\nfeatures: [{ column: x }, { column: k, kind: category, values: [a, b] }, { column: o, kind: ordinal, values: [l, h] }]";

    [Theory]
    [InlineData("preprocess", "columns: { xx: { scale: none } }", "feature-unknown")]
    [InlineData("preprocess", "columns: { k: { missing: constant, constant: c } }", "constant-unfit")]
    [InlineData("preprocess", "columns: { x: { missing: constant, constant: low } }", "constant-unfit")]
    [InlineData("preprocess", "columns: { x: { missing: constant } }", "constant-alone")]
    [InlineData("preprocess", "missing: constant", "constant-for-all")]
    [InlineData("preprocess", "winsorise: [0.9, 0.1]", "winsorise-form")]
    [InlineData("preprocess", "selection: { by: variance }", "selection-empty")]
    [InlineData("preprocess", "statistics: site\nselection: { keep: 1 }", "selection-by-site")]
    [InlineData("preprocess", "scale: standardd", "unknown-choice")]
    [InlineData("clean", "outOfRangeColumns: { z: clip }", "feature-unknown")]
    [InlineData("clean", "smoothing: { columns: k }", "smoothing-kind")]
    [InlineData("clean", "smoothing: [{ columns: x }, { columns: x }]", "column-twice")]
    [InlineData("split", "kfold: 5\ntime: x", "split-ways")]
    [InlineData("split", "kfold: 5\ntest: 0.3", "split-test-unused")]
    [InlineData("split", "time: x\nstratify: label", "split-stratify-time")]
    [InlineData("split", "stratify: [none, label]", "split-stratify-none")]
    [InlineData("split", "stratify: x", "split-stratify-kind")]
    [InlineData("split", "time: k", "split-time-kind")]
    [InlineData("split", "stratify: id", "identifier-is-split")]
    [InlineData("split", "column: { name: x, test: 1 }", "split-stratify-kind")]
    [InlineData("split", "column: { name: k, test: a, validation: a }", "value-twice")]
    [InlineData("split", "test: 1", "out-of-range")]
    public void Sections_that_contradict_each_other_are_refused_by_name(string section, string yaml, string code)
    {
        Assert.Equal([code], Read(section, yaml).Problems.Select(p => p.Code));
    }

    [Theory]
    [InlineData("preprocess", "columns: { o: { missing: constant, constant: h }, k: { encode: one-hot-drop-first }, x: { winsorise: [] } }")]
    [InlineData("clean", "duplicates: drop\nsmoothing: { columns: x, by: moving-median, window: 3 }")]
    [InlineData("split", "time: o")]
    [InlineData("split", "stratify: [label, k]\ntest: 0.3\nvalidation: 0.2")]
    public void Sections_that_fit_are_read(string section, string yaml) => Assert.Empty(Read(section, yaml).Problems);

    [Fact]
    public void Free_text_is_read_but_no_tabular_model_learns_from_it()
    {
        var problems = new ProblemList();

        DataSections.Read(Map("label: { column: y, positive: 1 }\nfeatures: [{ column: note, kind: text }]"), null, null, null, problems);

        Assert.Equal(["text-not-trainable"], problems.Select(p => p.Code));
    }

    [Theory]
    [InlineData("split", "stratify: [label, ward]", "ward")]
    [InlineData("split", "time: when", "when")]
    [InlineData("split", "column: { name: cohort, test: a }", "cohort")]
    [InlineData("clean", "smoothing: { columns: x, order: when }", "when")]
    public void Columns_that_only_order_or_part_rows_are_read_too(string section, string yaml, string column)
    {
        var (sections, problems) = Read(section, yaml);

        Assert.Empty(problems);
        Assert.Equal(new[] { "k", "o", "x", "y", column }.Order(), sections!.ReadColumns.Order());
    }

    [Fact]
    public void A_test_file_and_the_split_must_agree()
    {
        var (byFile, otherwise) = (Read("split", "file: true").Sections!, Read("split", "test: 0.3").Sections!);
        var problems = new ProblemList();

        byFile.CheckSource(new SourceSection { Csv = "a.csv" }, "s", default, problems);
        otherwise.CheckSource(new SourceSection { Csv = "a.csv", TestCsv = "b.csv" }, "s", default, problems);
        byFile.CheckSource(new SourceSection { Csv = "a.csv", TestCsv = "b.csv" }, "s", default, problems);

        Assert.Equal(["split-file-without-test", "test-without-split-file"], problems.Select(p => p.Code));
    }

    private static (DataSections? Sections, ProblemList Problems) Read(string section, string yaml)
    {
        var problems = new ProblemList();
        DeclaredNode? At(string name) => name == section ? Map(yaml) : null;
        return (DataSections.Read(Map(Features), At("preprocess"), At("clean"), At("split"), problems), problems);
    }

    private static DeclaredNode.Map Map(string yaml) => DeclaredFile.Parse(yaml, "study.yaml", new ProblemList())!;
}
