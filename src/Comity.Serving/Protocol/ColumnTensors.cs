using System.Buffers.Binary;
using System.Text;
using System.Text.Json;
using Comity.Data.Records;
using Comity.Declarations;

namespace Comity.Serving.Protocol;

/// <summary>Reads records that came as one tensor for each column of the contract.</summary>
internal sealed class ColumnTensors(Exchange exchange)
{
    private bool _unseenIsMissing;

    public void Read(InferenceRequest request, ReadOnlySpan<byte> body, int mostRows)
    {
        if (exchange.Model.Records is not { } encoder) throw RequestRefusedException.Of(400, "record-encoded-only", "inputs", exchange.Model.Manifest.Name);
        (exchange.HasCells, _unseenIsMissing) = (true, request.UnseenIsMissing);
        var given = exchange.Given;
        Array.Clear(given);
        for (var i = 0; i < request.Inputs.Count; i++)
        {
            var tensor = request.Inputs[i];
            var field = encoder.Find(tensor.Name);
            if (field < 0)
            {
                var known = encoder.Fields.Select(f => f.Column).ToList();
                exchange.Add("tensor-unknown", TensorReader.Path(i, tensor), tensor.Name.Length <= 60 ? tensor.Name : tensor.Name[..60], string.Join(", ", known.Take(40)), Spelling.Nearest(tensor.Name, known) ?? TensorReader.EncodedInput);
                continue;
            }
            if (given[field]) exchange.Add("tensor-twice", TensorReader.Path(i, tensor), tensor.Name);
            given[field] = true;
            Column(i, tensor, encoder, field, body, mostRows);
        }
        if (exchange.Problems.Count > 0 || exchange.Rows == 0) return;
        for (var f = 0; f < encoder.Fields.Count; f++)
            for (var r = 0; r < exchange.Rows && !given[f]; r++) exchange.CellsOf(r)[f] = encoder.Missing(f, exchange.Row(r));
    }

    private void Column(int index, in RequestTensor tensor, RecordEncoder encoder, int field, ReadOnlySpan<byte> body, int mostRows)
    {
        var path = TensorReader.Path(index, tensor);
        if (RequestTensor.WidthOf(tensor.Datatype) < 0)
        {
            exchange.Add("tensor-datatype", path + ".datatype", tensor.Name, "FP64, INT64, BYTES…");
            return;
        }
        var rows = tensor.Shape.Count is 1 || (tensor.Shape.Count == 2 && tensor.Shape[1] == 1) ? tensor.Shape[0] : -1;
        if (rows > mostRows) throw RequestRefusedException.Of(413, "rows-too-many", path + ".shape", mostRows);
        if (rows < 1 || (exchange.Rows > 0 && rows != exchange.Rows))
        {
            exchange.Add("tensor-shape", path + ".shape", tensor.Name, string.Join(", ", tensor.Shape), exchange.Rows > 0 ? $"[{exchange.Rows}, 1]" : "[n, 1]");
            return;
        }
        if (exchange.Rows == 0) exchange.Resize((int)rows);
        var count = tensor.BinaryLength >= 0 ? Binary(tensor, encoder, field, body) : Json(tensor, encoder, field, body);
        if (count != exchange.Rows) exchange.Add(count < 0 ? "tensor-binary" : "tensor-count", path + ".data", tensor.Name, count, exchange.Rows);
    }

    private int Json(in RequestTensor tensor, RecordEncoder encoder, int field, ReadOnlySpan<byte> body)
    {
        var reader = new Utf8JsonReader(body[tensor.Json], new JsonReaderOptions { MaxDepth = 16 });
        var row = 0;
        while (reader.Read())
        {
            if (reader.TokenType is JsonTokenType.StartArray or JsonTokenType.EndArray) continue;
            if (row < exchange.Rows)
            {
                var input = exchange.Row(row);
                Take(row, field, reader.TokenType switch
                {
                    JsonTokenType.Number => encoder.Number(field, DecimalText.Double(reader.ValueSpan), reader.ValueSpan, input),
                    JsonTokenType.String => encoder.Text(field, reader.ValueIsEscaped ? Encoding.UTF8.GetBytes(reader.GetString()!) : reader.ValueSpan, input),
                    JsonTokenType.True => encoder.Text(field, "true"u8, input),
                    JsonTokenType.False => encoder.Text(field, "false"u8, input),
                    _ => encoder.Missing(field, input),
                });
            }
            row++;
        }
        return row;
    }

    private int Binary(in RequestTensor tensor, RecordEncoder encoder, int field, ReadOnlySpan<byte> body)
    {
        var data = body.Slice(tensor.BinaryStart, tensor.BinaryLength);
        var width = RequestTensor.WidthOf(tensor.Datatype);
        var row = 0;
        while (data.Length > 0)
        {
            EncodedCell cell = default;
            if (width == 0)
            {
                if (data.Length < 4 || BinaryPrimitives.ReadUInt32LittleEndian(data) is var length && length > data.Length - 4) return -1;
                var text = data.Slice(4, (int)BinaryPrimitives.ReadUInt32LittleEndian(data));
                if (row < exchange.Rows) cell = encoder.Text(field, text, exchange.Row(row));
                data = data[(4 + text.Length)..];
            }
            else
            {
                if (data.Length < width) return -1;
                var value = tensor.Number(data);
                if (row < exchange.Rows) cell = encoder.Number(field, value, Encoding.UTF8.GetBytes(RequestTensor.Text(value)), exchange.Row(row));
                data = data[width..];
            }
            if (row < exchange.Rows) Take(row, field, cell);
            row++;
        }
        return row;
    }

    private void Take(int row, int field, EncodedCell cell)
    {
        exchange.CellsOf(row)[field] = cell;
        CellRules.Check(exchange, field, cell, new RowName(row, Tensor: true), _unseenIsMissing);
    }
}
