using System.Text.Json;

namespace Comity.Serving.Protocol;

/// <summary>Which outputs an inference request asks for, and how.</summary>
/// <param name="Name">The output.</param>
/// <param name="Binary">Whether it is wanted as binary data; null: as the request says for all.</param>
internal sealed record RequestedOutput(string Name, bool? Binary);

/// <summary>The JSON part of an inference request of the Open Inference Protocol 2: what its tensors are called, and where their data stand.</summary>
internal sealed class InferenceRequest(TensorReader rows)
{
    private const int LongestKnown = 4096;

    private byte[] _known = [];
    private int _knownLength;

    /// <summary>The input tensors in the request's order.</summary>
    public List<RequestTensor> Inputs { get; } = [];

    /// <summary>Outputs asked for; none: all of the model's.</summary>
    public List<RequestedOutput> Outputs { get; } = [];

    /// <summary>The request's own id; null: none.</summary>
    public string? Id { get; private set; }

    /// <summary>Whether outputs are binary unless they say otherwise.</summary>
    public bool BinaryOutput { get; private set; }

    /// <summary>Whether a category that no training row had counts as missing.</summary>
    public bool UnseenIsMissing { get; private set; }

    /// <summary>Reads the JSON part, or finds that it is the one that was read last: a client that sends its data in binary describes every batch in the same words.</summary>
    public void Read(ReadOnlySpan<byte> json)
    {
        if (_knownLength > 0 && json.SequenceEqual(_known.AsSpan(0, _knownLength))) return;
        _knownLength = 0;
        (Id, BinaryOutput, UnseenIsMissing) = (null, false, false);
        Inputs.Clear();
        Outputs.Clear();
        try
        {
            Request(json);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException)
        {
            var at = e as JsonException;
            throw RequestRefusedException.Of(400, "body-not-json", "", (at?.LineNumber ?? 0) + 1, (at?.BytePositionInLine ?? 0) + 1);
        }
        Remember(json);
    }

    // Data within the JSON part are read in the same pass, so such a part is read each time.
    private void Remember(ReadOnlySpan<byte> json)
    {
        if (json.Length > LongestKnown) return;
        foreach (var tensor in Inputs)
            if (tensor.BinaryLength < 0) return;
        if (_known.Length < json.Length) _known = new byte[LongestKnown];
        json.CopyTo(_known);
        _knownLength = json.Length;
    }

    private void Request(ReadOnlySpan<byte> json)
    {
        var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = 24 });
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartObject) throw RequestRefusedException.Of(400, "infer-form", "");
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("inputs"u8)) Tensors(ref reader);
            else if (reader.ValueTextEquals("outputs"u8)) Requested(ref reader);
            else if (reader.ValueTextEquals("parameters"u8)) Parameters(ref reader);
            else if (reader.ValueTextEquals("id"u8))
            {
                reader.Read();
                Id = reader.GetString();
            }
            else Pass(ref reader);
        }
        if (reader.TokenType != JsonTokenType.EndObject || reader.Read()) throw RequestRefusedException.Of(400, "infer-form", "");
        if (Inputs.Count == 0) throw RequestRefusedException.Of(400, "infer-form", "inputs");
    }

    private void Tensors(ref Utf8JsonReader reader)
    {
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartArray) throw RequestRefusedException.Of(400, "infer-form", "inputs");
        while (reader.Read() && reader.TokenType == JsonTokenType.StartObject)
        {
            var tensor = new RequestTensor { Name = "", Datatype = "", Shape = [], BinaryLength = -1 };
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName) Tensor(ref reader, ref tensor);
            Inputs.Add(tensor);
        }
        if (reader.TokenType != JsonTokenType.EndArray) throw RequestRefusedException.Of(400, "infer-form", "inputs");
    }

    private void Tensor(ref Utf8JsonReader reader, ref RequestTensor tensor)
    {
        if (reader.ValueTextEquals("name"u8))
        {
            reader.Read();
            tensor.Name = reader.ValueTextEquals("input"u8) ? TensorReader.EncodedInput : reader.GetString() ?? "";
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
            if (Inputs.Count > 0 || !rows.TryStraight(ref reader, tensor)) reader.Skip();
            tensor.Json = from..(int)reader.BytesConsumed;
        }
        else if (reader.ValueTextEquals("parameters"u8))
        {
            reader.Read();
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                if (!reader.ValueTextEquals("binary_data_size"u8))
                {
                    Pass(ref reader);
                    continue;
                }
                reader.Read();
                tensor.BinaryLength = reader.TokenType == JsonTokenType.Number && reader.TryGetInt32(out var size) && size >= 0 ? size : throw RequestRefusedException.Of(400, "tensor-binary", Path(tensor), tensor.Name);
            }
        }
        else Pass(ref reader);
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
                else if (reader.ValueTextEquals("parameters"u8)) binary = Binary(ref reader) ?? binary;
                else Pass(ref reader);
            }
            Outputs.Add(new RequestedOutput(name ?? "", binary));
        }
    }

    private static bool? Binary(ref Utf8JsonReader reader)
    {
        bool? binary = null;
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var own = reader.ValueTextEquals("binary_data"u8);
            reader.Read();
            if (own) binary = reader.TokenType == JsonTokenType.True;
            else reader.Skip();
        }
        return binary;
    }

    private void Parameters(ref Utf8JsonReader reader)
    {
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var (binary, unseen) = (reader.ValueTextEquals("binary_data_output"u8), reader.ValueTextEquals("unseen"u8));
            reader.Read();
            if (binary) BinaryOutput = reader.TokenType == JsonTokenType.True;
            else if (unseen) UnseenIsMissing = reader.TokenType == JsonTokenType.String && reader.ValueTextEquals("missing"u8);
            else reader.Skip();
        }
    }

    private static void Pass(ref Utf8JsonReader reader)
    {
        reader.Read();
        reader.Skip();
    }

    private string Path(in RequestTensor tensor) => TensorReader.Path(Inputs.Count, tensor);
}
