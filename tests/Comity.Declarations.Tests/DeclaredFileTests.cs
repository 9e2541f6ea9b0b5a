namespace Comity.Declarations.Tests;

public sealed class DeclaredFileTests
{
    [Fact]
    public void Nodes_know_file_line_column_and_path()
    {
        var root = DeclaredFile.Parse("sites:\n  - { id: a }\n  - id: b\n", "study.yaml", [])!;

        var second = ((DeclaredNode.List)root["sites"]!).Items[1];
        Assert.Equal(new Place("study.yaml", 3, 9, "sites[1].id"), ((DeclaredNode.Map)second)["id"]!.Place);
        Assert.Equal("study.yaml:3:9 (sites[1].id)", ((DeclaredNode.Map)second)["id"]!.Place.ToString());
    }

    [Theory]
    [InlineData("a: [1, 2", "not-yaml")]
    [InlineData("a: 1\na: 2", "not-yaml")] // a key given twice
    [InlineData("a: 1\n\tb: 2", "not-yaml")]
    [InlineData("- 1", "not-a-map")]
    [InlineData("", "not-a-map")]
    [InlineData("a: 1\n---\nb: 2", "not-a-map")]
    public void What_is_not_one_map_is_refused_by_name(string text, string code)
    {
        var problems = new ProblemList();

        Assert.Null(DeclaredFile.Parse(text, "study.yaml", problems));
        Assert.Equal(code, Assert.Single(problems).Code);
    }

    [Fact]
    public void A_bracket_that_is_not_closed_before_the_next_key_is_named_with_its_place()
    {
        var problems = new ProblemList();

        Assert.Null(DeclaredFile.Parse("study: x\nmodel: { kind: mlp, hidden: [5, 6]\ntraining:\n  epochs: 3\n", "study.yaml", problems));
        var problem = Assert.Single(problems);
        Assert.Equal(("not-yaml", 2), (problem.Code, problem.Place.Line));
    }

    [Fact]
    public void A_missing_file_is_a_problem_and_not_an_exception()
    {
        var problems = new ProblemList();

        Assert.Null(DeclaredFile.Read("no-such-file.yaml", problems));
        Assert.Equal("file-missing", Assert.Single(problems).Code);
    }

    [Theory]
    [InlineData(100)]
    [InlineData(1_000_000)]
    public void Nesting_beyond_reason_is_refused_without_running_out_of_stack(int depth)
    {
        var problems = new ProblemList();
        DeclaredFile.Parse("a: " + new string('[', depth), "study.yaml", problems);

        Assert.Equal("nested-too-deep", Assert.Single(problems).Code);
    }

    [Fact]
    public void Aliases_to_aliases_do_not_grow_without_bound()
    {
        var yaml = "a0: &a0 [x, x, x, x, x, x, x, x]\n" + string.Concat(Enumerable.Range(1, 9).Select(i =>
            $"a{i}: &a{i} [{string.Join(", ", Enumerable.Repeat($"*a{i - 1}", 8))}]\n"));
        var problems = new ProblemList();

        Assert.Null(DeclaredFile.Parse(yaml, "study.yaml", problems));
        Assert.Equal("too-many-nodes", Assert.Single(problems).Code);
    }
}
