using System.Numerics.Tensors;
using System.Text.Json;

namespace Comity.Serving.Protocol;

/// <summary>Reads an inference request of the Open Inference Protocol 2, with the binary tensor extension.</summary>
/// <remarks>
/// Input is either the one tensor <c>input</c>, the model's encoded input of shape [rows, inputs], or one tensor for each column of the contract with
/// rows elements. Binary data follow the JSON part in the order of the tensors.
/// </remarks>
internal sealed class TensorReader
{
    public const string EncodedInput = "input";

    private readonly Exchange _exchange;
    private readonly ColumnTensors _columns;
    private int _mostRows;
    private bool _straight;

    public TensorReader(Exchange exchange) => (_exchange, _columns, Request) = (exchange, new ColumnTensors(exchange), new InferenceRequest(this));

    /// <summary>What the JSON part says.</summary>
    public InferenceRequest Request { get; }

    /// <param name="body">JSON part and binary data.</param>
    /// <param name="jsonLength">Length of the JSON part.</param>
    /// <param name="received">Whether the body lies in the exchange's own memory.</param>
    /// <param name="mostRows">Most rows of a request.</param>
    public void Read(ReadOnlySpan<byte> body, int jsonLength, bool received, int mostRows)
    {
        (_mostRows, _straight) = (mostRows, false);
        Request.Read(body[..jsonLength]);
        Place(body.Length, jsonLength);
        _exchange.RefuseProblems();
        var inputs = Request.Inputs;
        if (inputs.Count != 1 || inputs[0].Name != EncodedInput || !_exchange.Version.Texts.TakesEncoded) _columns.Read(Request, body, mostRows);
        else if (!_straight) Encoded(inputs[0], body, jsonLength, received);
        _exchange.RefuseProblems();
    }

    /// <summary>How a tensor is called in an error.</summary>
    public static string Path(int index, in RequestTensor tensor) => $"inputs[{index}]{(tensor.Name.Length is > 0 and <= 60 ? $" '{tensor.Name}'" : "")}";

    /// <summary>Reads the data of the encoded input in the same pass as the rest of the request.</summary>
    /// <returns>False: they are to be read later, and the reader has not moved.</returns>
    public bool TryStraight(ref Utf8JsonReader reader, in RequestTensor tensor)
    {
        if (tensor is not { Name: EncodedInput, Datatype: "FP32" } || tensor.Shape.Count == 0 || !_exchange.Version.Texts.TakesEncoded) return false;
        if (!TryShape(tensor, out var rows)) return false;
        _exchange.Resize(rows);
        var to = _exchange.Rewritable;
        int count = 0, depth = 1;
        var numbers = true;
        while (depth > 0 && reader.Read())
        {
            switch (reader.TokenType)
            {
                case JsonTokenType.Number:
                    if (count < to.Length) to[count] = DecimalText.Single(reader.ValueSpan);
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
        return _straight = true;
    }

    private void Encoded(in RequestTensor tensor, ReadOnlySpan<byte> body, int jsonLength, bool received)
    {
        if (RequestTensor.WidthOf(tensor.Datatype) <= 0) _exchange.Add("tensor-datatype", Path(0, tensor) + ".datatype", tensor.Name, "FP32");
        if (!TryShape(tensor, out var rows) || _exchange.Problems.Count > 0) return;
        var values = rows * _exchange.Model.Inputs;
        if (received && tensor.Datatype == "FP32" && tensor.BinaryLength == (long)values * sizeof(float) && _exchange.TryTake(jsonLength, tensor.BinaryStart - jsonLength, rows))
        {
            Judge(tensor, values, _exchange.Input.Span);
            return;
        }
        _exchange.Resize(rows);
        var to = _exchange.Rewritable;
        Judge(tensor, tensor.Numbers(body, to), to);
    }

    private void Place(int length, int at)
    {
        var inputs = Request.Inputs;
        for (var i = 0; i < inputs.Count; i++)
        {
            var tensor = inputs[i];
            if (tensor.BinaryLength < 0)
            {
                if (tensor.Json.Equals(default)) _exchange.Add("tensor-data-form", Path(i, tensor));
                continue;
            }
            if (tensor.BinaryLength > length - at)
            {
                _exchange.Add("tensor-binary", Path(i, tensor), tensor.Name);
                return;
            }
            inputs[i] = tensor with { BinaryStart = at };
            at += tensor.BinaryLength;
        }
        if (at != length) _exchange.Add("tensor-binary", "inputs", "");
    }

    private bool TryShape(in RequestTensor tensor, out int rows)
    {
        rows = 0;
        if (tensor.Shape.Count is 0 || tensor.Elements < 0 || tensor.Shape[0] < 1 || tensor.Elements != tensor.Shape[0] * _exchange.Model.Inputs)
        {
            _exchange.Add("tensor-shape", Path(0, tensor) + ".shape", tensor.Name, string.Join(", ", tensor.Shape), $"[n, {_exchange.Model.Inputs}]");
            return false;
        }
        if (tensor.Shape[0] > _mostRows) throw RequestRefusedException.Of(413, "rows-too-many", Path(0, tensor) + ".shape", _mostRows);
        rows = (int)tensor.Shape[0];
        return true;
    }

    private void Judge(in RequestTensor tensor, int count, ReadOnlySpan<float> values)
    {
        if (count < 0) _exchange.Add("tensor-not-number", Path(0, tensor), tensor.Name);
        else if (count != values.Length) _exchange.Add("tensor-count", Path(0, tensor) + ".data", tensor.Name, count, values.Length);
        else if (!TensorPrimitives.IsFiniteAll(values)) _exchange.Add("tensor-not-finite", Path(0, tensor) + ".data", tensor.Name);
    }
}
