using Comity.Data.Cleaning;
using Comity.Data.Contracts;
using Comity.Data.Preprocess;
using Comity.Data.Shared;
using Comity.Data.Sources;
using Comity.Data.Splits;
using Comity.Data.Tables;
using Comity.Declarations;
using Comity.Tensors.Randomness;
using Comity.Testing;

namespace Comity.Data.Tests;

/// <summary>The real four hospitals, declared as a study would.</summary>
internal static class HeartDisease
{
    public const string ContractYaml = """
        label: { column: num, positive: "> 0" }
        missing: "?"
        features:
          - { column: age, kind: number, range: [18, 120], unit: years }
          - { column: sex, kind: boolean, values: [0, 1] }
          - { column: cp, kind: category, values: [1, 2, 3, 4] }
          - { column: trestbps, kind: number, missing: 0, unit: mm Hg }
          - { column: chol, kind: number, missing: [0] }
          - { column: fbs, kind: boolean }
          - { column: restecg, kind: category, values: [0, 1, 2] }
          - { column: thalach, kind: number }
          - { column: exang, kind: boolean }
          - { column: oldpeak, kind: number }
          - { column: slope, kind: ordinal, values: [1, 2, 3] }
          - { column: ca, kind: number, range: [0, 3] }
          - { column: thal, kind: category, values: [3, 6, 7] }
        sensitive: sex
        """;

    public static readonly string[] Header = ["age", "sex", "cp", "trestbps", "chol", "fbs", "restecg", "thalach", "exang", "oldpeak", "slope", "ca", "thal", "num"];

    public static ContractSection Contract() => Declared.Read<ContractSection>(ContractYaml);

    public static RecordTable Load(string site, ProblemList? problems = null)
    {
        var list = problems ?? new ProblemList();
        var source = new SourceSection { Csv = $"processed.{site}.data", Header = Header };
        return RecordTable.Load(Contract(), new CleanSection { Duplicates = Duplicates.Keep }, source, TestData.Folder("heart-disease"), site, list)
            ?? throw new InvalidDeclarationException(list);
    }
}

public sealed class HeartDiseaseTests
{
    [Theory]
    [InlineData("cleveland", 303, 139, 0, 4, 2)]
    [InlineData("hungarian", 294, 106, 23, 291, 266)]
    [InlineData("switzerland", 123, 115, 123, 118, 52)]
    [InlineData("va", 200, 149, 56, 198, 166)]
    public void Each_hospital_has_the_rows_positives_and_missing_values_that_its_readme_states(string site, int rows, int positives, int noChol, int noCa, int noThal)
    {
        var table = HeartDisease.Load(site);

        Assert.Equal(rows, table.Rows);
        Assert.Equal(positives, table.Labels.ToArray().Count(l => l == 1));
        Assert.Equal(noChol, Missing(table, "chol"));
        Assert.Equal(noCa, Missing(table, "ca"));
        Assert.Equal(noThal, Missing(table, "thal"));
    }

    [Fact]
    public void From_records_to_a_model_s_input_in_five_calls()
    {
        var contract = HeartDisease.Contract();
        var preprocess = new PreprocessSection();
        string[] sites = ["cleveland", "hungarian", "switzerland", "va"];
        var tables = sites.Select(s => HeartDisease.Load(s)).ToArray();
        var splits = tables.Select(t => Splitter.Split(t, new SplitSection { Test = 0.34 }, Seed.Of(7), 0)).ToArray();

        var agreed = SharedStatistics.None;
        foreach (var step in SharedStatistics.Steps(contract, preprocess))
            agreed = agreed.And(SharedStatistics.Merge(tables.Zip(splits, (t, s) => SharedStatistics.Collect(step, t, s.Training, contract, preprocess, agreed))));
        var preprocessing = Preprocessing.Fit(contract, preprocess, agreed);
        var encoded = tables.Zip(splits, (t, s) => preprocessing.Encode(t, s.Training)).ToArray();

        Assert.Equal(1 + 1 + 4 + 1 + 1 + 1 + 3 + 1 + 1 + 1 + 1 + 1 + 3, preprocessing.InputWidth);
        Assert.Equal(preprocessing.InputWidth, preprocessing.FeatureNames.Count);
        Assert.Equal(["not > 0", "> 0"], preprocessing.Classes);
        Assert.All(encoded.SelectMany(e => e.Features), x => Assert.True(float.IsFinite(x)));
        // Standard scaling over all sites: age, which nobody misses, has mean 0 and variance 1.
        var ages = encoded.SelectMany(e => e.Features.Chunk(preprocessing.InputWidth).Select(r => (double)r[0])).ToArray();
        Assert.Equal(0, ages.Average(), 1e-6);
        Assert.Equal(1, ages.Average(a => a * a), 1e-5);
    }

    private static int Missing(RecordTable table, string column) => Enumerable.Range(0, table.Rows).Count(table[column].IsMissing);
}
