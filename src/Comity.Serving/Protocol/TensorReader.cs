using System.Buffers.Binary;
using System.Text;
using System.Text.Json;
using Comity.Data.Records;
using Comity.Declarations;

namespace Comity.Serving.Protocol;

/// <summary>Which outputs an inference request asks for, and how.</summary>
/// <param name="Name">The output.</param>
/// <param name="Binary">Whether it is wanted as binary data; null: as the request says for all.</param>
internal sealed record RequestedOutput(string Name, bool? Binary);

/// <summary>Reads an inference request of the Open Inference Protocol 2, with the binary tensor extension.</summary>
/// <remarks>
/// Input is either the one tensor <c>input</c>, the model's encoded input of shape [rows, inputs], or one tensor for each column of the contract with
/// rows elements. Binary data follow the JSON part in the order of the tensors.
/// </remarks>
internal sealed class TensorReader(Exchange exchange, int mostRows)
{
    public const string EncodedInput = "input";

    private readonly List<RequestTensor> _inputs = [];
    private readonly List<RequestedOutput> _outputs = [];
    private bool _unseenIsMissing;
    private bool _straight;

    /// <summary>The request's own id; null: none.</summary>
    public string? Id { get; private set; }

    /// <summary>Outputs asked for; null: the usual one.</summary>
    public IReadOnlyList<RequestedOutput>? Outputs => _outputs.Count > 0 ? _outputs : null;

    /// <summary>Whether outputs are binary unless they say otherwise.</summary>
    public bool BinaryOutput { get; private set; }

    /// <param name="body">JSON part and binary data.</param>
    /// <param name="jsonLength">Length of the JSON part.</param>
    public void Read(ReadOnlySpan<byte> body, int jsonLength)
    {
        var json = body[..jsonLength];
        try
        {
            Request(json);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException)
        {
            var at = e as JsonException;
            throw RequestRefusedException.Of(400, "body-not-json", "", (at?.LineNumber ?? 0) + 1, (at?.BytePositionInLine ?? 0) + 1);
        }
        Place(body, jsonLength);
        exchange.RefuseProblems();
        if (_inputs.Count == 1 && _inputs[0].Name == EncodedInput && exchange.Model.Records?.Find(EncodedInput) is null or < 0) Encoded(_inputs[0], body);
        else Columns(body);
        exchange.RefuseProblems();
    }

    private void Request(ReadOnlySpan<byte> json)
    {
        var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = 24 });
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartObject) throw RequestRefusedException.Of(400, "infer-form", "");
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("id"u8))
            {
                reader.Read();
                Id = reader.GetString();
            }
            else if (reader.ValueTextEquals("inputs"u8)) Inputs(ref reader);
            else if (reader.ValueTextEquals("outputs"u8)) Requested(ref reader);
            else if (reader.ValueTextEquals("parameters"u8)) Parameters(ref reader);
            else
            {
                reader.Read();
                reader.Skip();
            }
        }
        if (reader.TokenType != JsonTokenType.EndObject || reader.Read()) throw RequestRefusedException.Of(400, "infer-form", "");
        if (_inputs.Count == 0) throw RequestRefusedException.Of(400, "infer-form", "inputs");
    }

    private void Inputs(ref Utf8JsonReader reader)
    {
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartArray) throw RequestRefusedException.Of(400, "infer-form", "inputs");
        while (reader.Read() && reader.TokenType == JsonTokenType.StartObject)
        {
            var tensor = new RequestTensor { Name = "", Datatype = "", Shape = [], BinaryLength = -1 };
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                if (reader.ValueTextEquals("name"u8))
                {
                    reader.Read();
                    tensor.Name = reader.ValueTextEquals("input"u8) ? EncodedInput : reader.GetString() ?? "";
                }
                else if (reader.ValueTextEquals("datatype"u8))
                {
                    reader.Read();
                    tensor.Datatype = reader.ValueTextEquals("FP32"u8) ? "FP32" : reader.GetString() ?? "";
                }
                else if (reader.ValueTextEquals("shape"u8))
                {
                    reader.Read();
                    while (reader.Read() && reader.TokenType != JsonTokenType.EndArray) tensor.Shape.Add(reader.TokenType == JsonTokenType.Number && reader.TryGetInt64(out var size) ? size : -1);
                }
                else if (reader.ValueTextEquals("data"u8))
                {
                    reader.Read();
                    var from = (int)reader.TokenStartIndex;
                    if (reader.TokenType != JsonTokenType.StartArray) throw RequestRefusedException.Of(400, "tensor-data-form", Path(tensor));
                    // The usual order has the shape before the data: then they are read at once, and not looked at twice.
                    if (tensor is { Name: EncodedInput, Datatype: "FP32" } && tensor.Shape.Count > 0 && _inputs.Count == 0 && exchange.Model.Records?.Find(EncodedInput) is null or < 0) Straight(ref reader, ref tensor);
                    else reader.Skip();
                    tensor.Json = from..(int)reader.BytesConsumed;
                }
                else if (reader.ValueTextEquals("parameters"u8))
                {
                    reader.Read();
                    while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
                    {
                        var binary = reader.ValueTextEquals("binary_data_size"u8);
                        reader.Read();
                        if (binary) tensor.BinaryLength = reader.TokenType == JsonTokenType.Number && reader.TryGetInt32(out var size) && size >= 0 ? size : throw RequestRefusedException.Of(400, "tensor-binary", Path(tensor), tensor.Name);
                        else reader.Skip();
                    }
                }
                else
                {
                    reader.Read();
                    reader.Skip();
                }
            }
            _inputs.Add(tensor);
        }
        if (reader.TokenType != JsonTokenType.EndArray) throw RequestRefusedException.Of(400, "infer-form", "inputs");
    }

    // Reads the data of the encoded input in the same pass as the rest of the request.
    private void Straight(ref Utf8JsonReader reader, ref RequestTensor tensor)
    {
        Shape(tensor);
        if (exchange.Problems.Count > 0)
        {
            reader.Skip();
            return;
        }
        var to = exchange.Features.AsSpan(0, exchange.Rows * exchange.Model.Inputs);
        int count = 0, depth = 1;
        var numbers = true;
        while (depth > 0 && reader.Read())
        {
            switch (reader.TokenType)
            {
                case JsonTokenType.Number:
                    var value = reader.GetSingle();
                    if (count < to.Length) to[count] = value;
                    count++;
                    break;
                case JsonTokenType.StartArray:
                    depth++;
                    break;
                case JsonTokenType.EndArray:
                    depth--;
                    break;
                default:
                    numbers = false;
                    reader.Skip();
                    break;
            }
        }
        Judge(tensor, numbers ? count : -1, to);
        _straight = true;
    }

    private void Requested(ref Utf8JsonReader reader)
    {
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartArray) throw RequestRefusedException.Of(400, "infer-form", "outputs");
        while (reader.Read() && reader.TokenType == JsonTokenType.StartObject)
        {
            string? name = null;
            bool? binary = null;
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                if (reader.ValueTextEquals("name"u8))
                {
                    reader.Read();
                    name = reader.GetString();
                }
                else if (reader.ValueTextEquals("parameters"u8))
                {
                    reader.Read();
                    while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
                    {
                        var own = reader.ValueTextEquals("binary_data"u8);
                        reader.Read();
                        if (own) binary = reader.TokenType == JsonTokenType.True;
                        else reader.Skip();
                    }
                }
                else
                {
                    reader.Read();
                    reader.Skip();
                }
            }
            _outputs.Add(new RequestedOutput(name ?? "", binary));
        }
    }

    private void Parameters(ref Utf8JsonReader reader)
    {
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var (binary, unseen) = (reader.ValueTextEquals("binary_data_output"u8), reader.ValueTextEquals("unseen"u8));
            reader.Read();
            if (binary) BinaryOutput = reader.TokenType == JsonTokenType.True;
            else if (unseen) _unseenIsMissing = reader.TokenType == JsonTokenType.String && reader.ValueTextEquals("missing"u8);
            else reader.Skip();
        }
    }

    private void Place(ReadOnlySpan<byte> body, int at)
    {
        for (var i = 0; i < _inputs.Count; i++)
        {
            var tensor = _inputs[i];
            if (tensor.BinaryLength < 0)
            {
                if (tensor.Json.Equals(default)) exchange.Add("tensor-data-form", Path(tensor));
                continue;
            }
            if (tensor.BinaryLength > body.Length - at)
            {
                exchange.Add("tensor-binary", Path(tensor), tensor.Name);
                return;
            }
            _inputs[i] = tensor with { BinaryStart = at };
            at += tensor.BinaryLength;
        }
        if (at != body.Length) exchange.Add("tensor-binary", "inputs", "");
    }

    private void Shape(in RequestTensor tensor)
    {
        if (tensor.Shape.Count is 0 || tensor.Elements < 0 || tensor.Shape[0] < 1 || tensor.Elements != tensor.Shape[0] * exchange.Model.Inputs)
            exchange.Add("tensor-shape", Path(tensor) + ".shape", tensor.Name, string.Join(", ", tensor.Shape), $"[n, {exchange.Model.Inputs}]");
        else if (tensor.Shape[0] > mostRows) throw RequestRefusedException.Of(413, "rows-too-many", Path(tensor) + ".shape", mostRows);
        else exchange.Resize((int)tensor.Shape[0]);
    }

    private void Encoded(in RequestTensor tensor, ReadOnlySpan<byte> body)
    {
        if (_straight) return;
        if (RequestTensor.WidthOf(tensor.Datatype) <= 0) exchange.Add("tensor-datatype", Path(tensor) + ".datatype", tensor.Name, "FP32");
        Shape(tensor);
        if (exchange.Problems.Count > 0) return;
        var to = exchange.Features.AsSpan(0, exchange.Rows * exchange.Model.Inputs);
        Judge(tensor, tensor.Numbers(body, to), to);
    }

    private void Judge(in RequestTensor tensor, int count, ReadOnlySpan<float> values)
    {
        if (count < 0) exchange.Add("tensor-not-number", Path(tensor), tensor.Name);
        else if (count != values.Length) exchange.Add("tensor-count", Path(tensor) + ".data", tensor.Name, count, values.Length);
        else if (!Finite(values)) exchange.Add("tensor-not-finite", Path(tensor) + ".data", tensor.Name);
    }

    private static bool Finite(ReadOnlySpan<float> values)
    {
        foreach (var value in values)
            if (!float.IsFinite(value)) return false;
        return true;
    }

    private void Columns(ReadOnlySpan<byte> body)
    {
        if (exchange.Model.Records is not { } encoder) throw RequestRefusedException.Of(400, "record-encoded-only", "inputs", exchange.Model.Manifest.Name);
        exchange.HasCells = true;
        var given = new bool[encoder.Fields.Count];
        foreach (var tensor in _inputs)
        {
            var field = encoder.Find(tensor.Name);
            if (field < 0)
            {
                var known = encoder.Fields.Select(f => f.Column).ToList();
                exchange.Add("tensor-unknown", Path(tensor), tensor.Name.Length <= 60 ? tensor.Name : tensor.Name[..60], string.Join(", ", known.Take(40)), Spelling.Nearest(tensor.Name, known) ?? EncodedInput);
                continue;
            }
            if (given[field]) exchange.Add("tensor-twice", Path(tensor), tensor.Name);
            given[field] = true;
            if (RequestTensor.WidthOf(tensor.Datatype) < 0)
            {
                exchange.Add("tensor-datatype", Path(tensor) + ".datatype", tensor.Name, "FP64, INT64, BYTES…");
                continue;
            }
            var rows = tensor.Shape.Count is 1 || (tensor.Shape.Count == 2 && tensor.Shape[1] == 1) ? tensor.Shape[0] : -1;
            if (rows > mostRows) throw RequestRefusedException.Of(413, "rows-too-many", Path(tensor) + ".shape", mostRows);
            if (rows < 1 || (exchange.Rows > 0 && rows != exchange.Rows))
            {
                exchange.Add("tensor-shape", Path(tensor) + ".shape", tensor.Name, string.Join(", ", tensor.Shape), exchange.Rows > 0 ? $"[{exchange.Rows}, 1]" : "[n, 1]");
                continue;
            }
            if (exchange.Rows == 0) exchange.Resize((int)rows);
            var count = tensor.BinaryLength >= 0 ? BinaryColumn(tensor, encoder, field, body) : JsonColumn(tensor, encoder, field, body);
            if (count != exchange.Rows) exchange.Add(count < 0 ? "tensor-binary" : "tensor-count", Path(tensor) + ".data", tensor.Name, count, exchange.Rows);
        }
        if (exchange.Problems.Count > 0 || exchange.Rows == 0) return;
        for (var f = 0; f < given.Length; f++)
            for (var r = 0; r < exchange.Rows && !given[f]; r++) exchange.CellsOf(r)[f] = encoder.Missing(f, exchange.Row(r));
    }

    private int JsonColumn(in RequestTensor tensor, RecordEncoder encoder, int field, ReadOnlySpan<byte> body)
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
                    JsonTokenType.Number => encoder.Number(field, reader.GetDouble(), reader.ValueSpan, input),
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

    private int BinaryColumn(in RequestTensor tensor, RecordEncoder encoder, int field, ReadOnlySpan<byte> body)
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
        CellRules.Check(exchange, field, cell, $"row {row}: ", _unseenIsMissing);
    }

    private string Path(in RequestTensor tensor) => $"inputs[{_inputs.Count}]{(tensor.Name.Length is > 0 and <= 60 ? $" '{tensor.Name}'" : "")}";
}
