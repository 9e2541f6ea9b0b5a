using System.Text;
using System.Text.Json;
using Comity.Data.Records;
using Comity.Declarations;
using CsvHelper;

namespace Comity.Serving.Protocol;

/// <summary>Reads records by column names: a JSON map, a list of maps, <c>{"records": […]}</c>, or CSV with a header line.</summary>
/// <remarks>A column that is left out is missing. A problem says field, kind and expectation, and never a value.</remarks>
internal sealed class RecordReader(Exchange exchange)
{
    private RecordEncoder _encoder = null!;
    private string[] _sensitive = [];
    private int _mostRows;
    private bool _unseenIsMissing;

    /// <summary>Whether one record came, and no list.</summary>
    public bool IsSingle { get; private set; }

    /// <summary>Reads a body in one of its two forms.</summary>
    public void Read(ReadOnlyMemory<byte> body, bool csv, int mostRows, bool unseenIsMissing)
    {
        _encoder = exchange.Model.Records ?? throw RequestRefusedException.Of(400, "record-encoded-only", "", exchange.Model.Manifest.Name);
        (_sensitive, _mostRows, _unseenIsMissing) = (exchange.Version.Texts.Sensitive, mostRows, unseenIsMissing);
        (exchange.HasCells, IsSingle) = (true, false);
        if (csv) Csv(body);
        else Json(body.Span);
        exchange.RefuseProblems();
        if (exchange.Rows == 0) throw RequestRefusedException.Of(400, "rows-none", "records");
    }

    private void Json(ReadOnlySpan<byte> body)
    {
        var reader = new Utf8JsonReader(body, new JsonReaderOptions { MaxDepth = 8 });
        try
        {
            reader.Read();
            if (reader.TokenType == JsonTokenType.StartObject && IsBatch(reader))
            {
                reader.Read();
                reader.Read();
                List(ref reader);
                reader.Read();
                if (reader.TokenType != JsonTokenType.EndObject) throw RequestRefusedException.Of(400, "record-form", "records");
            }
            else if (reader.TokenType == JsonTokenType.StartArray) List(ref reader);
            else if (reader.TokenType == JsonTokenType.StartObject)
            {
                IsSingle = true;
                Record(ref reader, new RowName(-1, Tensor: false));
            }
            else throw RequestRefusedException.Of(400, "record-form", "");
            if (reader.Read()) throw RequestRefusedException.Of(400, "record-form", "");
        }
        catch (JsonException e)
        {
            throw RequestRefusedException.Of(400, "body-not-json", "", e.LineNumber + 1, e.BytePositionInLine + 1);
        }
    }

    private void Csv(ReadOnlyMemory<byte> body)
    {
        if (!System.Text.Unicode.Utf8.IsValid(body.Span)) throw RequestRefusedException.Of(400, "body-not-utf8", "");
        using var reader = CsvReader.Create(body, new CsvReaderOptions { Separator = ',', HasHeader = true, TrimWhitespace = true, IncludeValuesInExceptions = false });
        reader.ReadHeader();
        var header = reader.Headers.Select(h => h.Trim()).ToList();
        var fields = new List<int>();
        foreach (var name in header)
        {
            var field = _encoder.Find(name);
            if (field < 0 && !_sensitive.Contains(name)) Unknown(name, name);
            if (field >= 0 && fields.Contains(field)) exchange.Add("column-twice", name, name);
            fields.Add(field);
        }
        exchange.RefuseProblems();
        while (reader.Read())
        {
            var row = Next();
            if (reader.FieldCount != header.Count)
            {
                exchange.Add("csv-width", $"records[{row}]", reader.FieldCount, header.Count);
                continue;
            }
            for (var c = 0; c < header.Count; c++)
            {
                if (fields[c] < 0) exchange.Keep(row, header[c], Encoding.UTF8.GetString(reader.GetSpan(c)));
                else Take(row, fields[c], _encoder.Text(fields[c], reader.GetSpan(c), exchange.Row(row)), new RowName(row, Tensor: false));
            }
            Complete(row);
        }
    }

    // A map whose only key is "records" holds a list of records; a column of that name would not hold a list.
    private static bool IsBatch(Utf8JsonReader ahead) =>
        ahead.Read() && ahead.TokenType == JsonTokenType.PropertyName && ahead.ValueTextEquals("records"u8) && ahead.Read() && ahead.TokenType == JsonTokenType.StartArray;

    private void List(ref Utf8JsonReader reader)
    {
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (reader.TokenType != JsonTokenType.StartObject) throw RequestRefusedException.Of(400, "record-form", $"records[{exchange.Rows}]");
            Record(ref reader, new RowName(exchange.Rows, Tensor: false));
        }
    }

    private void Record(ref Utf8JsonReader reader, RowName at)
    {
        var row = Next();
        var expected = 0;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var field = reader.ValueIsEscaped ? _encoder.Find(reader.GetString()!) : _encoder.Find(reader.ValueSpan, expected);
            if (field < 0)
            {
                var name = reader.GetString()!;
                reader.Read();
                if (_sensitive.Contains(name) && reader.TokenType is JsonTokenType.String) exchange.Keep(row, name, reader.GetString()!);
                else if (_sensitive.Contains(name) && reader.TokenType is JsonTokenType.Number) exchange.Keep(row, name, Encoding.UTF8.GetString(reader.ValueSpan));
                else if (!_sensitive.Contains(name)) Unknown(name, at + name);
                reader.Skip();
                continue;
            }
            if (exchange.Given[field]) exchange.Add("column-twice", at + _encoder.Fields[field].Column, _encoder.Fields[field].Column);
            expected = field + 1;
            reader.Read();
            Take(row, field, Cell(ref reader, field, exchange.Row(row), at), at);
        }
        Complete(row);
    }

    private EncodedCell Cell(ref Utf8JsonReader reader, int field, Span<float> input, RowName at)
    {
        switch (reader.TokenType)
        {
            case JsonTokenType.Number:
                return _encoder.Number(field, DecimalText.Double(reader.ValueSpan), reader.ValueSpan, input);
            case JsonTokenType.String when !reader.ValueIsEscaped:
                return _encoder.Text(field, reader.ValueSpan, input);
            case JsonTokenType.String:
                return _encoder.Text(field, Encoding.UTF8.GetBytes(reader.GetString()!), input);
            case JsonTokenType.True:
                return _encoder.Text(field, "true"u8, input);
            case JsonTokenType.False:
                return _encoder.Text(field, "false"u8, input);
            case JsonTokenType.Null:
                return _encoder.Missing(field, input);
            default:
                exchange.Add("value-form", at + _encoder.Fields[field].Column);
                reader.Skip();
                return _encoder.Missing(field, input);
        }
    }

    private int Next()
    {
        if (exchange.Rows == _mostRows) throw RequestRefusedException.Of(413, "rows-too-many", "records", _mostRows);
        exchange.Resize(exchange.Rows + 1);
        Array.Clear(exchange.Given, 0, exchange.Fields);
        return exchange.Rows - 1;
    }

    private void Take(int row, int field, EncodedCell cell, RowName at)
    {
        exchange.Given[field] = true;
        exchange.CellsOf(row)[field] = cell;
        CellRules.Check(exchange, field, cell, at, _unseenIsMissing);
    }

    private void Complete(int row)
    {
        for (var f = 0; f < _encoder.Fields.Count; f++)
            if (!exchange.Given[f]) exchange.CellsOf(row)[f] = _encoder.Missing(f, exchange.Row(row));
    }

    private void Unknown(string name, string field)
    {
        var known = _encoder.Fields.Select(f => f.Column).ToList();
        // The name of a column is no value of a record, but it comes from outside: only what could be a name is repeated.
        exchange.Add("column-not-known", field.Length <= 120 ? field : "", name.Length <= 60 ? name : name[..60], string.Join(", ", known.Take(40)), Spelling.Nearest(name, known) ?? known[0]);
    }
}
