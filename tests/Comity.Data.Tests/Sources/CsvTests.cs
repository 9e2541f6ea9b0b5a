using System.Text;
using Comity.Data.Sources;
using Comity.Declarations;
using CsvHelper;
using FsCheck;
using FsCheck.Fluent;

namespace Comity.Data.Tests.Sources;

public sealed class CsvTests
{
    [Fact]
    public void Any_fields_survive_being_quoted_and_read_whole_or_record_by_record()
    {
        var field = Gen.ListOf(Gen.Elements('a', 'b', ',', '"', '\n', 'é', '1', '\'', ' ')).Select(chars => new string([.. chars]));
        var rows = Gen.ArrayOf(Gen.ArrayOf(field, 3)).Where(r => r.Length > 0);

        Prop.ForAll(Arb.From(rows), records =>
        {
            var text = string.Join('\n', records.Prepend(["h1", "h2", "h3"]).Select(r => string.Join(',', r.Select(f => $"\"{f.Replace("\"", "\"\"", StringComparison.Ordinal)}\""))));
            Assert.Equal(records, Read(text));
            using var folder = new TemporaryFolder();
            var csv = Open(folder, text, new SourceSection());
            int[] backwards = [.. Enumerable.Range(0, csv.Records).Reverse()];
            Assert.Equal(records.Reverse(), Fields(csv.Open(backwards)));
        }).QuickCheckThrowOnFailure();
    }

    [Theory]
    [InlineData("a,b\r\n1,2\r\n")]
    [InlineData("\uFEFFa,b\n1,2")]
    [InlineData("a,b\n\n1,2\n\n")]
    [InlineData("\"a\", \"b\" \n 1 , 2 \n")]
    [InlineData("a,b\n\"1\",\"2\"")]
    public void Line_ends_marks_blanks_and_quotes_do_not_matter(string text) => Assert.Equal([["1", "2"]], Read(text));

    [Fact]
    public void An_empty_last_field_is_a_field() => Assert.Equal([["1", "", ""], ["", "", "2"]], Read("a,b,c\n1,,\n,,2"));

    [Fact]
    public void Comments_skipped_lines_and_another_delimiter()
    {
        var source = new SourceSection { Skip = 1, Comment = "|", Delimiter = "tab", Header = ["a", "b"] };

        Assert.Equal([["1", "2"], ["3", "4"]], Read("junk \"\n|1x3 Cross validator\n1\t2\n| more\n3\t4\n", source));
    }

    [Fact]
    public void A_record_knows_its_line_even_after_a_field_with_line_ends()
    {
        using var folder = new TemporaryFolder();
        var name = folder.Write("x.csv", "a,b\n\"1\n\n\",2\n3,4\n");
        var text = CsvText.Read(Path.Combine(folder.Path, name), name, new SourceSection(), new ProblemList())!;

        Assert.Equal([2, 5], [text.Line(0), text.Line(1)]);
    }

    [Fact]
    public void A_text_in_another_encoding_is_named_with_its_line()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllBytes(Path.Combine(folder.Path, "x.csv"), [.. "a,b\n1,2\n"u8, 0xC4, 0xE3, .. ",4\n"u8]);
        var problems = new ProblemList();

        Assert.Null(CsvText.Read(Path.Combine(folder.Path, "x.csv"), "x.csv", new SourceSection(), problems));

        var problem = Assert.Single(problems);
        Assert.Equal(("not-utf8", 3), (problem.Code, problem.Place.Line));
    }

    [Fact]
    public void A_quote_that_is_never_closed_is_an_error_and_swallows_nothing_silently()
    {
        var site = new SiteBuilder("label: { column: y, positive: 1 }\nfeatures: [{ column: a, kind: category }]");

        Assert.Null(site.TryLoad("a,y\nx,0\n\"z,1\nx,0\n"));

        Assert.Contains(site.Problems, p => p is { Code: "quote-open", Place.Line: 3 });
    }

    private static List<string[]> Read(string text, SourceSection? source = null)
    {
        using var folder = new TemporaryFolder();
        return Fields(Open(folder, text, source ?? new SourceSection()).Open());
    }

    private static CsvText Open(TemporaryFolder folder, string text, SourceSection source)
    {
        var problems = new ProblemList();
        var csv = CsvText.Read(Path.Combine(folder.Path, folder.Write("x.csv", text)), "x.csv", source, problems);
        problems.ThrowIfErrors();
        return csv!;
    }

    private static List<string[]> Fields(CsvReader reader)
    {
        using (reader)
        {
            var records = new List<string[]>();
            while (reader.Read()) records.Add([.. Enumerable.Range(0, reader.FieldCount).Select(i => Encoding.UTF8.GetString(reader.GetSpan(i)))]);
            return records;
        }
    }
}
