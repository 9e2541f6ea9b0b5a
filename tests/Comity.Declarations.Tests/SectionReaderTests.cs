using System.Globalization;

namespace Comity.Declarations.Tests;

public sealed class SectionReaderTests
{
    private static readonly CultureInfo Chinese = CultureInfo.GetCultureInfo("zh-Hans");

    private static (T? Value, ProblemList Problems) Read<T>(string yaml) where T : class
    {
        var problems = new ProblemList();
        var root = DeclaredFile.Parse(yaml, "study.yaml", problems);
        return (root is null ? null : SectionReader.Read<T>(root, problems), problems);
    }

    [Fact]
    public void A_full_section_is_bound()
    {
        var (recipe, problems) = Read<Recipe>("""
            name: bread
            batch: 32
            rate: 1e-3
            mode: slow-rise
            oven: { kind: gas, pressure: 2 }
            tags: [a, "1"]
            limits: { salt: 0.5 }
            baked: 2026-01-31
            """);

        Assert.Empty(problems);
        Assert.Equal(("bread", 32, 1e-3, Mode.SlowRise), (recipe!.Name, recipe.Batch, recipe.Rate, recipe.Mode));
        Assert.Equal(2, Assert.IsType<GasOven>(recipe.Oven).Pressure);
        Assert.Equal(["a", "1"], recipe.Tags);
        Assert.Equal(0.5, recipe.Limits!["salt"]);
        Assert.Equal(new DateOnly(2026, 1, 31), recipe.Baked);
    }

    [Fact]
    public void Absent_keys_keep_their_defaults_and_null_leaves_an_optional_key_unset()
    {
        var (recipe, problems) = Read<Recipe>("name: bread\nbaked: ~");

        Assert.Empty(problems);
        Assert.Equal(16, recipe!.Batch);
        Assert.Null(recipe.Baked);
    }

    [Fact]
    public void A_kind_whose_keys_all_have_defaults_may_stand_as_its_bare_name()
    {
        var (recipe, problems) = Read<Recipe>("{ name: bread, oven: gas }");

        Assert.Empty(problems);
        Assert.IsType<GasOven>(recipe!.Oven);
    }

    [Fact]
    public void Every_problem_is_reported_at_once_with_its_place()
    {
        var (_, problems) = Read<Recipe>("""
            batch: many
            rate: .nan
            moed: slow-rise
            mode: slow-rize
            oven: { kind: steam }
            tags: []
            """);

        Assert.Equal(
            [
                ("wrong-type", 1, 8, "batch"), ("wrong-type", 2, 7, "rate"), ("misspelt-key", 3, 1, "moed"), ("unknown-choice", 4, 7, "mode"),
                ("unknown-choice", 5, 15, "oven.kind"), ("too-few", 6, 7, "tags"), ("missing-key", 1, 1, ""),
            ],
            problems.Select(p => (p.Code, p.Place.Line, p.Place.Column, p.Place.Path)));
    }

    [Theory]
    [InlineData("batch: 0")]
    [InlineData("batch: -1")]
    [InlineData("rate: 0")]
    [InlineData("rate: 1.5")]
    public void A_number_beyond_its_bounds_is_refused(string line) =>
        Assert.Equal("out-of-range", Assert.Single(Read<Recipe>("name: bread\n" + line).Problems).Code);

    [Theory]
    [InlineData("batch: \"3\"")] // a quoted number is a text
    [InlineData("batch: 3.5")]
    [InlineData("batch: 99999999999")]
    [InlineData("rate: fast")]
    [InlineData("rate: .inf")]
    [InlineData("rate: 1,5")]
    [InlineData("batch: [1]")]
    public void A_value_of_another_type_is_refused(string line) =>
        Assert.Equal("wrong-type", Assert.Single(Read<Recipe>("name: bread\n" + line).Problems).Code);

    [Fact]
    public void A_misspelt_key_is_answered_with_the_nearest_known_one()
    {
        var problem = Assert.Single(Read<Recipe>("name: bread\nbacth: 3").Problems);

        Assert.Contains("batch", problem.Remedy(CultureInfo.GetCultureInfo("en")), StringComparison.Ordinal);
        Assert.Contains("batch", problem.Remedy(Chinese), StringComparison.Ordinal);
        Assert.Contains("此处没有名为 bacth 的键", problem.Found(Chinese), StringComparison.Ordinal);
    }

    [Fact]
    public void Words_within_a_message_are_put_into_the_readers_language_too()
    {
        var problem = Assert.Single(Read<Recipe>("name: bread\nbatch: [1]").Problems);

        Assert.Equal("The value is a list. It should be a whole number.", $"{problem.Found(CultureInfo.GetCultureInfo("en"))} {problem.Expected(CultureInfo.GetCultureInfo("en"))}");
        Assert.Equal("此处为列表。应为整数。", problem.Found(Chinese) + problem.Expected(Chinese));
    }

    [Fact]
    public void Checks_across_keys_run_only_on_a_section_whose_keys_are_sound()
    {
        Assert.Equal("checked", Assert.Single(Read<Recipe>("{ name: bread, batch: 13 }").Problems).Code);
        Assert.Equal("wrong-type", Assert.Single(Read<Recipe>("{ name: bread, batch: 13, rate: fast }").Problems).Code);
        Assert.Equal(["unknown-key", "checked"], Read<Recipe>("{ name: bread, batch: 13, zebra: 1 }").Problems.Select(p => p.Code)); // a key too many breaks nothing
    }

    [Fact]
    public void Errors_throw_all_together_and_warnings_do_not()
    {
        var (_, problems) = Read<Recipe>("batch: many");
        var thrown = Assert.Throws<InvalidDeclarationException>(problems.ThrowIfErrors);
        Assert.Equal(2, thrown.Problems.Count);

        ProblemList mild = [new Problem(TestCatalog.Instance, "unknown-key", default, "x", "y") { Severity = Severity.Warning }];
        mild.ThrowIfErrors();
        Assert.False(mild.HasErrors);
    }
}
