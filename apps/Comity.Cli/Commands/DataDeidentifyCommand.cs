using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Serialization;
using Comity.Cli.Terminal;
using Comity.Data.Identifiers;
using Comity.Declarations;
using Comity.Insight.Results;

namespace Comity.Cli.Commands;

/// <summary><c>comity data deidentify FILE --out FILE</c>: makes a table that points at persons less, and reports what became of each column. No value is shown.</summary>
internal static class DataDeidentifyCommand
{
    private static readonly JsonSerializerOptions Options = new()
    {
        WriteIndented = true, PropertyNamingPolicy = JsonNamingPolicy.CamelCase, Converters = { new JsonStringEnumConverter(JsonNamingPolicy.KebabCaseLower) },
    };

    public static Command Create(Session session)
    {
        var file = new Argument<string>("FILE") { HelpName = "FILE", Description = session.Text("argument.deidentify") };
        var output = new Option<string>("--out") { Description = session.Text("option.deidentify-out"), HelpName = "FILE", Required = true };
        var delimiter = new Option<string>("--delimiter") { Description = session.Text("option.delimiter"), HelpName = "C", DefaultValueFactory = _ => "," };
        var (keep, drop, known) = (Columns("--keep"), Columns("--drop"), Columns("--known"));
        var sensitive = new Option<string?>("--sensitive") { Description = session.Text("option.deidentify-sensitive"), HelpName = "COLUMN" };
        var k = new Option<int>("--k") { Description = session.Text("option.deidentify-k"), HelpName = "N", DefaultValueFactory = _ => 5 };
        k.Validators.Add(result => RunOptions.AtLeastOne(session, result, "--k"));
        var suppress = new Option<bool>("--suppress") { Description = session.Text("option.deidentify-suppress") };
        file.CompletionSources.Add(CommonOptions.Paths);
        var command = new Command("deidentify", session.Text("data.deidentify.description")) { file, output, delimiter, keep, drop, known, sensitive, k, suppress };
        command.SetAction(parsed =>
        {
            var problems = new ProblemList();
            if (parsed.GetRequiredValue(delimiter) is not ("tab" or { Length: 1 })) throw new StoppedException(ExitCode.Usage, Texts.Problem("deidentify-delimiter", Place.InFile("--delimiter")));
            var plan = new DeidentificationPlan
            {
                Keep = parsed.GetValue(keep)!, Drop = parsed.GetValue(drop)!, Known = parsed.GetValue(known)!, Sensitive = parsed.GetValue(sensitive), K = parsed.GetValue(k), Suppress = parsed.GetValue(suppress),
                Now = session.Time.GetUtcNow().Year,
            };
            var made = Deidentifier.Read(parsed.GetRequiredValue(file), parsed.GetRequiredValue(delimiter), problems)?.Apply(plan, problems);
            if (made is null) throw new StoppedException(ExitCode.InvalidStudy, problems);
            Write(parsed.GetRequiredValue(output), made);
            Print(session, made, parsed.GetRequiredValue(output));
            return (int)ExitCode.Done;
        });
        return command;

        Option<string[]> Columns(string name) => new(name)
        {
            Description = session.Text("option.deidentify-" + name[2..]), HelpName = "COLUMN,…", DefaultValueFactory = _ => [],
            CustomParser = result => [.. result.Tokens.SelectMany(t => t.Value.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))],
        };
    }

    private static void Write(string path, Deidentified made)
    {
        try
        {
            AtomicFile.Write(path, stream =>
            {
                using var writer = new StreamWriter(stream, new System.Text.UTF8Encoding(false), leaveOpen: true);
                made.Write(writer);
            });
            var report = new { made.Columns, made.Known, made.K, made.Before, made.After, made.Suppressed };
            AtomicFile.Write(path + ".report.json", JsonSerializer.Serialize(report, Options) + "\n");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StoppedException(ExitCode.Output, Texts.Problem("deidentify-unwritable", Place.InFile(path), e.Message));
        }
    }

    private static void Print(Session session, Deidentified made, string path)
    {
        var table = new TextTable([.. new[] { "column", "holds", "matched", "treatment" }.Select(c => session.Text("data.deidentify." + c))]);
        foreach (var column in made.Columns)
            table.Add(column.Column, column.Kind is { } kind ? session.Text("identifier." + JsonNamingPolicy.KebabCaseLower.ConvertName(kind.ToString())) : "–", $"{column.Matched} / {column.Values}",
                session.Text("treatment." + JsonNamingPolicy.KebabCaseLower.ConvertName(column.Treatment.ToString())));
        foreach (var line in table.Lines()) session.Out.Line(line);
        session.Out.Line();
        session.Out.Line(session.Text("data.deidentify.known", made.Known.Count == 0 ? "–" : string.Join(", ", made.Known)));
        session.Out.Line(session.Text("data.deidentify.k", made.After.K, made.After.Rows, made.After.Alone, made.After.BelowK, made.K));
        if (made.After.L is { } l) session.Out.Line(session.Text("data.deidentify.l", l));
        if (made.Suppressed > 0) session.Out.Line(session.Text("data.deidentify.suppressed", made.Suppressed));
        if (made.After.BelowK > 0) session.Error.Line(session.Error.Yellow(session.Text("data.deidentify.few", made.After.BelowK, made.K)));
        session.Out.Line(session.Text("data.deidentify.done", path, path + ".report.json"));
        session.Out.Line(session.Out.Dim(session.Text("data.deidentify.no-promise")));
    }
}
