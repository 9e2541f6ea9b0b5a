using System.Globalization;
using System.Text;
using Comity.Cli.Runs;
using Comity.Data.Tables;
using Comity.Data.Texts;
using Comity.Learning.Tagging;

namespace Comity.Cli.Commands;

/// <summary>What <c>comity predict</c> writes for a model that tags: for each row its words, and as many tags.</summary>
internal static class TaggedText
{
    public static (string Text, int Noted) Of(ModelFolder model, RecordTable table, CancellationToken cancellationToken)
    {
        var contract = model.Preprocessing.Contract;
        var encoded = model.Preprocessing.Encode(table, [.. Enumerable.Range(0, table.Rows)]);
        var tagger = new TokenTagger(model.Model, model.Parameters);
        var tags = new int[table.Rows * tagger.Tokens];
        tagger.Tag(encoded.Features, tags);
        var texts = (TextColumn)table[contract.Features[0].Column];
        var issues = table.Issues.ToLookup(i => i.Row);
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"row,{PredictCommand.Quoted(contract.Features[0].Column)},{PredictCommand.Quoted(contract.Label.Column)},notes\n");
        var noted = 0;
        for (var i = 0; i < table.Rows; i++)
        {
            if ((i & 0xFFF) == 0) cancellationToken.ThrowIfCancellationRequested();
            var words = WordBuckets.WordsOf(texts.Values[i] ?? "");
            var seen = Math.Min(words.Length, tagger.Tokens - 1);
            // Words behind the last that the model sees stand without a tag, and a note says so.
            var said = Enumerable.Range(0, seen).Select(t => contract.Label.Classes[tags[i * tagger.Tokens + 1 + t]]);
            var notes = PredictCommand.Notes(table, [.. contract.Features], i, [.. issues[encoded.Rows[i]]]);
            if (seen < words.Length) notes = string.Join("; ", new[] { notes, FormattableString.Invariant($"cut-after:{seen}") }.Where(n => n.Length > 0));
            if (notes.Length > 0) noted++;
            text.Append(CultureInfo.InvariantCulture, $"{encoded.Rows[i]},{PredictCommand.Quoted(string.Join(' ', words))},{PredictCommand.Quoted(string.Join(' ', said))},{PredictCommand.Quoted(notes)}\n");
        }
        return (text.ToString(), noted);
    }
}
