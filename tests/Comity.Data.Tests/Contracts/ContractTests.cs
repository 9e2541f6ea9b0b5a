using Comity.Data.Contracts;

namespace Comity.Data.Tests.Contracts;

public sealed class ContractTests
{
    [Theory]
    [InlineData("label: { column: y, positive: 1 }\nfeatures: [{ column: a }, { column: a }]", "column-twice")]
    [InlineData("label: { column: a, positive: 1 }\nfeatures: [{ column: a }]", "label-is-feature")]
    [InlineData("label: { column: y, positive: 1 }\nfeatures: [{ column: a }]\nidentifier: a", "identifier-is-feature")]
    [InlineData("label: { column: y, positive: 1 }\nfeatures: [{ column: a }]\nidentifier: y", "identifier-is-label")]
    [InlineData("label: { column: y, positive: 1 }\nfeatures: [{ column: a }]\nidentifier: b\nsensitive: b", "identifier-is-sensitive")]
    [InlineData("label: { column: y, positive: 1 }\nfeatures: [{ column: a }]\nsensitive: y", "label-is-sensitive")]
    [InlineData("label: { column: y, positive: 1 }\nfeatures: [{ column: a }]\nsensitive: a", "sensitive-without-groups")]
    [InlineData("label: { column: y, positive: 1 }\nfeatures: [{ column: a, kind: boolean }]\nsensitive: { column: a, cuts: [1] }", "cuts-of-category")]
    [InlineData("label: { column: y, positive: 1 }\nfeatures: [{ column: a }]\nsensitive: { column: a, cuts: [2, 1] }", "cuts-order")]
    [InlineData("label: { column: y, positive: 1 }\nfeatures: [{ column: a, range: [3, 1] }]", "range-reversed")]
    [InlineData("label: { column: y, positive: 1 }\nfeatures: [{ column: a, range: [low, 1] }]", "range-form")]
    [InlineData("label: { column: y, positive: 1 }\nfeatures: [{ column: a, kind: ordinal }]", "ordinal-without-values")]
    [InlineData("label: { column: y, positive: 1 }\nfeatures: [{ column: a, kind: category, values: [x] }]", "category-one-value")]
    [InlineData("label: { column: y, positive: 1 }\nfeatures: [{ column: a, kind: category, values: [1, 1.0] }]", "value-twice")]
    [InlineData("label: { column: y, positive: 1 }\nfeatures: [{ column: a, kind: category, values: [1, 2], missing: 2 }]", "value-missing-too")]
    [InlineData("label: { column: y, positive: 1 }\nfeatures: [{ column: a, kind: boolean, values: [1, 2, 3] }]", "boolean-values")]
    [InlineData("label: { column: y, positive: 1 }\nfeatures: [{ column: a, kind: category, range: [1, 2] }]", "key-of-other-kind")]
    [InlineData("label: { column: y, positive: 1 }\nfeatures: [{ column: a, values: [1, 2] }]", "key-of-other-kind")]
    [InlineData("label: { column: y }\nfeatures: [{ column: a }]", "label-way")]
    [InlineData("label: { column: y, positive: 1, classes: [a, b] }\nfeatures: [{ column: a }]", "label-way")]
    [InlineData("label: { column: y, classes: [a] }\nfeatures: [{ column: a }]", "label-few-classes")]
    [InlineData("label: { column: y, classes: [a, b, c], names: [x, z] }\nfeatures: [{ column: a }]", "label-names")]
    [InlineData("label: { column: y, positive: '> 0', negative: 0 }\nfeatures: [{ column: a }]", "label-negative")]
    [InlineData("label: { column: y, positive: [] }\nfeatures: [{ column: a }]", "label-rule-form")]
    [InlineData("label: { column: y, positive: 1, unit: mm }\nfeatures: [{ column: a }]", "key-of-other-kind")]
    [InlineData("label: { column: y, positive: 1 }\nfeatures: []", "too-few")]
    [InlineData("label: { column: y, positive: 1 }\nfeatures: [{ colum: a }]", "misspelt-key")]
    public void A_contract_that_contradicts_itself_is_refused_by_name(string yaml, string code)
    {
        var (_, problems) = Declared.Try<ContractSection>(yaml);

        Assert.Contains(code, problems.Select(p => p.Code));
        Assert.All(problems, p => Assert.True(p.Place.Line > 0, p.ToString()));
    }

    [Fact]
    public void All_contradictions_are_reported_at_once()
    {
        var (_, problems) = Declared.Try<ContractSection>("""
            label: { column: y, positive: 1 }
            features: [{ column: y }, { column: a }, { column: a }, { column: id }]
            identifier: id
            sensitive: a
            """);

        Assert.Equal(["column-twice", "identifier-is-feature", "label-is-feature", "sensitive-without-groups"], problems.Select(p => p.Code).Order());
    }

    [Theory]
    [InlineData("> 0", ">", 0)]
    [InlineData(">=2.5", ">=", 2.5)]
    [InlineData("!= 3", "!=", 3)]
    [InlineData("<= -1", "<=", -1)]
    public void A_comparison_is_a_rule(string text, string sign, double threshold)
    {
        var rule = LabelRule.Parse(text);

        Assert.Equal((sign, threshold), (rule.Operator, rule.Threshold));
    }

    [Theory]
    [InlineData(">50K")]
    [InlineData("yes")]
    [InlineData("1")]
    [InlineData("> NaN")]
    public void What_compares_with_no_number_is_a_value(string text)
    {
        var rule = LabelRule.Parse(text);

        Assert.Null(rule.Operator);
        Assert.Equal([text], rule.Values);
    }

    [Theory]
    [InlineData("{ column: y, positive: 1 }", "binary", "0|1")]
    [InlineData("{ column: y, positive: '> 0' }", "binary", "not > 0|> 0")]
    [InlineData("{ column: y, positive: '> 0', names: [healthy, ill] }", "binary", "healthy|ill")]
    [InlineData("{ column: y, positive: ill, negative: well }", "binary", "well|ill")]
    [InlineData("{ column: y, classes: [a, b] }", "binary", "a|b")]
    [InlineData("{ column: y, classes: [a, b, c] }", "multiclass", "a|b|c")]
    [InlineData("{ column: y, kind: number, unit: g }", "regression", "")]
    public void The_label_says_the_task_and_the_classes_positive_last(string yaml, string task, string classes)
    {
        var label = Declared.Read<LabelSection>(yaml);

        Assert.Equal(task, label.TaskName);
        Assert.Equal(classes, string.Join('|', label.ClassNames));
    }

    [Theory]
    [InlineData("1.0", "1")]
    [InlineData("-3.00", "-3")]
    [InlineData("1.5", "1.5")]
    [InlineData("007", "007")]
    [InlineData("a.0", "a.0")]
    [InlineData("1.", "1.")]
    public void A_whole_number_with_zeros_after_the_point_is_the_same_category(string text, string level) => Assert.Equal(level, Level.Canonical(text));
}
