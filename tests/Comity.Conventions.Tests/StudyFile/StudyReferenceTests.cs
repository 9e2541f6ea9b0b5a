using System.Globalization;
using System.Reflection;
using Comity.Conventions.Tests.Documents;
using Comity.Declarations;
using Comity.Federation.Studies;
using Comity.Testing;

namespace Comity.Conventions.Tests.StudyFile;

/// <summary>docs/study-file.md: its reference is the program's, and its examples are studies.</summary>
public sealed class StudyReferenceTests
{
    private const string Page = "docs/study-file.md";
    private const string Begin = "<!-- The rest of this page is written by StudyReferenceTests from the code: COMITY_APPROVE=1 dotnet test tests/Comity.Conventions.Tests -->\n";

    [Fact]
    public void The_reference_is_the_one_that_the_code_gives()
    {
        var page = Markdown.Read(Page);
        var start = page.IndexOf(Begin, StringComparison.Ordinal);
        Assert.True(start >= 0, $"{Page} has lost the line '{Begin.Trim()}'.");
        var approved = page[(start + Begin.Length)..];
        var actual = StudyReference.Write();
        if (Environment.GetEnvironmentVariable("COMITY_APPROVE") == "1")
        {
            File.WriteAllText(Repository.At(Page), page[..(start + Begin.Length)] + actual);
            return;
        }
        if (approved != actual)
            Assert.Fail($"{Page} is behind the code:\n\n{PublicApi.LineDiff.Between(approved, actual)}\nAccept it:  COMITY_APPROVE=1 dotnet test tests/Comity.Conventions.Tests");
    }

    [Theory]
    [InlineData(Page)]
    [InlineData("README.md")]
    [InlineData("README.zh-CN.md")]
    public void Every_yaml_example_of_the_page_is_a_study_without_problems(string page)
    {
        var examples = Markdown.Fences(page, "yaml").ToList();
        Assert.NotEmpty(examples);
        using var folder = new TempFolder();
        foreach (var example in examples)
        {
            var problems = new ProblemList();
            var study = StudyReader.Read(folder.Write("study.yaml", example), problems);
            if (study is not null)
            {
                foreach (var path in StudyReference.Owners.Keys.Where(p => !p.Contains('.', StringComparison.Ordinal)))
                    Bind(path, study.Root[path], problems);
                foreach (var site in study.Section.Sites) Bind("sites[].source", site.Source, problems);
            }
            Findings.None(problems.Select(p => p.ToString()));
            Assert.NotNull(study);
        }
    }

    [Theory]
    [InlineData("README.md", "en")]
    [InlineData("README.zh-CN.md", "zh-Hans")]
    public void The_mistake_that_a_readme_shows_is_reported_in_these_words(string page, string language)
    {
        var culture = CultureInfo.GetCultureInfo(language);
        var text = Assert.Single(Markdown.Fences(page, "yaml")).Replace("hidden:", "hiden:", StringComparison.Ordinal);
        var problems = new ProblemList();
        Bind("model", DeclaredFile.Parse(text, "study.yaml", problems)!["model"], problems);
        var mistake = problems.First(p => p.Code == "misspelt-key");
        Assert.Contains($"    {mistake.Place}: {mistake.Found(culture)} {mistake.Expected(culture)} {mistake.Remedy(culture)}\n", Markdown.Read(page), StringComparison.Ordinal);
    }

    [Fact]
    public void Every_section_that_rooms_own_is_found_by_its_name() =>
        Findings.None(StudyReference.Owners.Where(o => StudyReference.OwnerOf(o.Key) is null).Select(o => $"{o.Key}: no room has a public {o.Value}"));

    private static void Bind(string path, DeclaredNode? node, ProblemList problems)
    {
        if (node is null || StudyReference.OwnerOf(path) is not { } owner) return;
        typeof(SectionReader).GetMethod(nameof(SectionReader.Read), BindingFlags.Public | BindingFlags.Static)!
            .MakeGenericMethod(owner).Invoke(null, [node, problems]);
    }
}
