using System.CommandLine;
using System.Globalization;
using System.Text;
using Comity.Cli.Composition;
using Comity.Cli.Runs;
using Comity.Data.Contracts;
using Comity.Data.Tables;
using Comity.Declarations;
using Comity.Insight.Results;
using Comity.Learning;

namespace Comity.Cli.Commands;

/// <summary><c>comity predict MODEL_DIR --input FILE --output FILE</c>: load, check, preprocess, infer, postprocess, write.</summary>
internal static class PredictCommand
{
    public static Command Create(Session session)
    {
        var folder = new Argument<string>("MODEL_DIR") { HelpName = "MODEL_DIR", Description = session.Text("argument.model") };
        var input = new Option<string>("--input") { Description = session.Text("option.input"), Required = true, HelpName = "FILE" };
        var output = new Option<string>("--output") { Description = session.Text("option.output"), Required = true, HelpName = "FILE" };
        var header = new Option<string?>("--header") { Description = session.Text("option.header"), HelpName = "A,B,…" };
        var site = new Option<string?>("--site") { Description = session.Text("option.site"), HelpName = "ID" };
        folder.CompletionSources.Add(CommonOptions.Paths);
        input.CompletionSources.Add(CommonOptions.Paths);
        output.CompletionSources.Add(CommonOptions.Paths);
        var command = new Command("predict", session.Text("predict.description")) { folder, input, output, header, site };
        command.SetAction((parsed, cancellationToken) =>
        {
            var model = ModelFolder.Read(parsed.GetRequiredValue(folder), parsed.GetValue(site));
            var source = PredictionSource.Of(Path.GetFullPath(parsed.GetRequiredValue(input)), parsed.GetValue(header)?.Split(',', StringSplitOptions.TrimEntries) ?? []);
            var problems = new ProblemList();
            var table = model.Preprocessing.LoadRecords(source, "", problems, cancellationToken);
            if (table is null || problems.HasErrors) throw new StoppedException(ExitCode.InvalidStudy, problems);
            var (text, noted) = Predict(model, table, cancellationToken);
            var path = Path.GetFullPath(parsed.GetRequiredValue(output));
            try
            {
                AtomicFile.Write(path, text);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                throw new StoppedException(ExitCode.Output, Texts.Problem("output-unwritable", Place.InFile(path), e.Message));
            }
            session.Out.Line(session.Text("predict.written", table.Rows, noted, path));
            return Task.FromResult((int)ExitCode.Done);
        });
        return command;
    }

    private static (string Text, int Noted) Predict(ModelFolder model, RecordTable table, CancellationToken cancellationToken)
    {
        if (model.Model.Task == TaskKind.Tagging) return TaggedText.Of(model, table, cancellationToken);
        var all = Enumerable.Range(0, table.Rows).ToArray();
        var encoded = model.Preprocessing.Encode(table, all);
        var outputs = new float[table.Rows * model.Model.Outputs];
        model.Model.Predict(model.Parameters, (encoded with { Labels = new float[table.Rows] }).ToDataset(model.Model.Inputs), outputs);
        var classes = model.Preprocessing.Classes;
        var issues = table.Issues.ToLookup(i => i.Row);
        var features = model.Preprocessing.Contract.Features.Where(f => table.Has(f.Column)).ToArray();
        var text = new StringBuilder();
        text.Append(table.Names.Count > 0 ? "row,file," : "row,").Append(classes.Count > 0 ? "label," + string.Join(',', classes.Select(c => Quoted("p:" + c))) : "prediction").Append(",notes\n");
        var noted = 0;
        for (var i = 0; i < table.Rows; i++)
        {
            if ((i & 0xFFF) == 0) cancellationToken.ThrowIfCancellationRequested();
            var row = outputs.AsSpan(i * model.Model.Outputs, model.Model.Outputs);
            text.Append(CultureInfo.InvariantCulture, $"{encoded.Rows[i]},");
            if (table.Names.Count > 0) text.Append(Quoted(table.Names[i])).Append(',');
            if (classes.Count > 0) text.Append(Quoted(classes[Called(row)])).Append(',');
            foreach (var value in row) text.Append(CultureInfo.InvariantCulture, $"{value:R},");
            var notes = Notes(table, features, i, [.. issues[encoded.Rows[i]]]);
            if (notes.Length > 0) noted++;
            text.Append(Quoted(notes)).Append('\n');
        }
        return (text.ToString(), noted);
    }

    /// <summary>The class called: for two classes the positive one from a half on, as in the study's judging by default.</summary>
    private static int Called(ReadOnlySpan<float> probabilities)
    {
        if (probabilities.Length == 2) return probabilities[1] >= 0.5f ? 1 : 0;
        var best = 0;
        for (var c = 1; c < probabilities.Length; c++) if (probabilities[c] > probabilities[best]) best = c;
        return best;
    }

    /// <summary>Language-neutral codes with their columns, such as <c>missing:dose; cell-unknown-value:ward</c>.</summary>
    internal static string Notes(RecordTable table, FeatureSection[] features, int row, IReadOnlyList<RowIssue> issues)
    {
        var told = issues.Select(i => i.Column).ToHashSet(StringComparer.Ordinal);
        return string.Join("; ", issues.Select(i => $"{i.Code}:{i.Column}")
            .Concat(features.Where(f => !told.Contains(f.Column) && table[f.Column].IsMissing(row)).Select(f => $"missing:{f.Column}")));
    }

    internal static string Quoted(string text) =>
        text.AsSpan().IndexOfAny(",\"\r\n") < 0 ? text : $"\"{text.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
}
