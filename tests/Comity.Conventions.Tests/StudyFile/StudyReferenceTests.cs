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

    [Fact]
    public void Every_yaml_example_of_the_page_is_a_study_without_problems()
    {
        var examples = Markdown.Fences(Page, "yaml").ToList();
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

    private static void Bind(string path, DeclaredNode? node, ProblemList problems)
    {
        if (node is null || StudyReference.OwnerOf(path) is not { } owner) return;
        typeof(SectionReader).GetMethod(nameof(SectionReader.Read), BindingFlags.Public | BindingFlags.Static)!
            .MakeGenericMethod(owner).Invoke(null, [node, problems]);
    }
}
