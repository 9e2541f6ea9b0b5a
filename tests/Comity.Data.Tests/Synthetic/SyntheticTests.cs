using Comity.Data.Cleaning;
using Comity.Data.Contracts;
using Comity.Data.Sources;
using Comity.Data.Synthetic;
using Comity.Data.Tables;
using Comity.Declarations;

namespace Comity.Data.Tests.Synthetic;

public sealed class SyntheticTests
{
    private const string Contract = """
        label: { column: diagnosis, positive: ill, negative: healthy }
        identifier: record
        features:
          - { column: age, range: [18, 95] }
          - { column: sex, kind: category, values: [female, male] }
          - { column: bmi, range: [15, 50] }
          - { column: pressure, range: [80, 220] }
          - { column: marker, range: [0, 200] }
          - { column: smoker, kind: boolean }
        """;

    [Fact]
    public void Two_clinics_differ_as_declared()
    {
        using var folder = new TemporaryFolder();

        Assert.Equal(["local_data.csv", "international_data.csv"], SyntheticWriter.WriteMissing(TwoClinics(), folder.Path));

        var (home, abroad) = (Load(folder, "local_data.csv"), Load(folder, "international_data.csv"));
        Assert.Equal((2000, 2000), (home.Rows, abroad.Rows));
        Assert.Equal(0.40, Share(home), 0.035); // three standard errors
        Assert.Equal(0.55, Share(abroad), 0.035);
        Assert.Equal(18, Mean(abroad, "age") - Mean(home, "age"), 1.0);
        Assert.Equal(45, Mean(abroad, "marker") - Mean(home, "marker"), 1.5);
        Assert.Equal(0.02, Enumerable.Range(0, 2000).Count(home["pressure"].IsMissing) / 2000.0, 0.01);
        Assert.StartsWith("record,age,sex,bmi,pressure,marker,smoker,diagnosis\nsynthetic-1,", File.ReadAllText(Path.Combine(folder.Path, "local_data.csv")), StringComparison.Ordinal);
    }

    [Fact]
    public void The_same_declaration_writes_the_same_bytes_and_another_file_s_stream_does_not_move()
    {
        using var one = new TemporaryFolder();
        using var other = new TemporaryFolder();
        var section = TwoClinics();

        SyntheticWriter.WriteMissing(section, one.Path);
        SyntheticWriter.WriteMissing(section with { Files = [section.Files[1]] }, other.Path);

        Assert.Equal(File.ReadAllBytes(Path.Combine(one.Path, "international_data.csv")), File.ReadAllBytes(Path.Combine(other.Path, "international_data.csv")));
        SyntheticWriter.WriteMissing(section with { Seed = 1, Files = [section.Files[0]] }, other.Path);
        Assert.NotEqual(File.ReadAllBytes(Path.Combine(one.Path, "local_data.csv")), File.ReadAllBytes(Path.Combine(other.Path, "local_data.csv")));
    }

    [Fact]
    public void A_file_that_exists_is_never_touched()
    {
        using var folder = new TemporaryFolder();
        folder.Write("local_data.csv", "mine");

        Assert.Equal(["international_data.csv"], SyntheticWriter.WriteMissing(TwoClinics(), folder.Path));

        Assert.Equal("mine", File.ReadAllText(Path.Combine(folder.Path, "local_data.csv")));
    }

    [Fact]
    public void A_writer_that_is_stopped_leaves_nothing_half_written()
    {
        using var folder = new TemporaryFolder();
        using var cancel = new CancellationTokenSource();
        cancel.Cancel();

        Assert.Throws<OperationCanceledException>(() => SyntheticWriter.WriteMissing(TwoClinics(), folder.Path, cancel.Token));

        Assert.Empty(Directory.GetFiles(folder.Path));
    }

    [Fact]
    public void A_thousand_small_sites_are_written_and_read_and_vary()
    {
        using var folder = new TemporaryFolder();
        var section = TwoClinics();
        section = section with { Files = [section.Files[0] with { File = "sites/clinic-*.csv", Count = 1000, Rows = 60, Vary = 0.3 }] };
        var contract = Declared.Read<ContractSection>(Contract);
        var loader = new TableLoader(contract, new LoadOptions { BaseFolder = folder.Path, Clean = new CleanSection { Duplicates = Duplicates.Keep } });
        var problems = new ProblemList();
        Assert.Equal(1000, SyntheticWriter.WriteMissing(section, folder.Path).Count);
        var shares = Enumerable.Range(1, 1000).Select(i => Share(loader.Load(new SourceSection { Csv = $"sites/clinic-{i:D4}.csv" }, $"c{i}", problems)!)).ToArray();

        Assert.True(shares.Max() - shares.Min() > 0.3, "sites that vary have different prevalences");
        Assert.False(problems.HasErrors);
    }

    [Theory]
    [InlineData("shift: { agee: 1 }", "feature-unknown")]
    [InlineData("measured: { sex: { factor: 2 } }", "feature-unknown")]
    [InlineData("effects: { columns: [age, marker], weight: 1 }", "synthetic-effect")]
    [InlineData("effects: { columns: smoker, value: maybe, weight: 1 }", "synthetic-value")]
    [InlineData("count: 3", "synthetic-star")]
    public void A_declaration_that_makes_no_sense_is_refused(string key, string code)
    {
        var yaml = $"""
            features: [{"{"} column: age {"}"}, {"{"} column: marker {"}"}, {"{"} column: sex, values: [f, m] {"}"}, {"{"} column: smoker, values: [a, b] {"}"}]
            label: {"{"} column: y, values: [a, b] {"}"}
            files:
              - file: x.csv
                rows: 5
                {key}
            """;

        Assert.Equal([code], Declared.Try<SyntheticSection>(yaml).Problems.Select(p => p.Code));
    }

    [Theory]
    [InlineData("../x.csv")]
    [InlineData("/etc/x.csv")]
    public void Files_outside_the_study_are_refused(string file) =>
        Assert.Equal(["synthetic-path"], Declared.Try<SyntheticFile>($"file: {file}\nrows: 5").Problems.Select(p => p.Code));

    private static SyntheticSection TwoClinics() => Declared.Read<SyntheticSection>(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Synthetic", "two-clinics.yaml")));

    private static RecordTable Load(TemporaryFolder folder, string file)
    {
        var problems = new ProblemList();
        var table = RecordTable.Load(Declared.Read<ContractSection>(Contract), new CleanSection(), new SourceSection { Csv = file }, folder.Path, file, problems);
        problems.ThrowIfErrors();
        return table!;
    }

    private static double Share(RecordTable table) => table.Labels.ToArray().Average();

    private static double Mean(RecordTable table, string column) => ((NumberColumn)table[column]).Values.ToArray().Average();
}
