using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Comity.Data.Records;
using Comity.Serving.Inference;

namespace Comity.Serving.Protocol;

/// <summary>Writes answers: those of <c>/predict</c>, and those of the Open Inference Protocol.</summary>
internal static class AnswerWriter
{
    /// <summary>Names of outputs that a request may ask for: the class called, and the id for feedback, which no model answers and so comes where it is asked for.</summary>
    public const string LabelOutput = "label", IdOutput = "answer_id";

    /// <summary>The answer to <c>/predict</c>: one map for one record, otherwise a list under <c>predictions</c>.</summary>
    public static void Predictions(Exchange exchange, AnswerTexts texts, DateTimeOffset now, bool single)
    {
        var body = exchange.Body;
        if (!single) body.Add("{\"predictions\":["u8);
        for (var row = 0; row < exchange.Rows; row++)
        {
            if (row > 0) body.Add((byte)',');
            Prediction(exchange, texts, row, now);
        }
        if (!single) body.Add("]}"u8);
    }

    /// <summary>The answer of the Open Inference Protocol: its JSON part into the body, what is binary into the tail.</summary>
    public static void Tensors(Exchange exchange, AnswerTexts texts, TensorReader request, DateTimeOffset now)
    {
        var body = exchange.Body;
        body.Add(texts.Head);
        if (request.Request.Id is { } id)
        {
            body.Add(",\"id\":"u8);
            body.Text(id);
        }
        var outputs = request.Request.Outputs;
        if (outputs.Count == 0 && exchange.Rows == 1)
        {
            body.Add(",\"parameters\":{\"answer_id\":"u8);
            Id(exchange, texts, 0, now);
            body.Add((byte)'}');
        }
        body.Add(",\"outputs\":["u8);
        if (outputs.Count == 0)
        {
            // Who names no outputs gets all that the model's metadata name.
            Tensor(exchange, texts, texts.OutputName, request.Request.BinaryOutput, now);
            if (texts.Labels.Length > 0)
            {
                body.Add((byte)',');
                Tensor(exchange, texts, LabelOutput, request.Request.BinaryOutput, now);
            }
        }
        for (var i = 0; i < outputs.Count; i++)
        {
            if (i > 0) body.Add((byte)',');
            Tensor(exchange, texts, outputs[i].Name, outputs[i].Binary ?? request.Request.BinaryOutput, now);
        }
        body.Add("]}"u8);
    }

    private static void Tensor(Exchange exchange, AnswerTexts texts, string name, bool asBinary, DateTimeOffset now)
    {
        var body = exchange.Body;
        var (rows, width) = (exchange.Rows, exchange.Model.Outputs);
        var values = name == texts.OutputName;
        body.Add("{\"name\":\""u8);
        body.Add(values ? texts.OutputName == "prediction" ? "prediction"u8 : "probabilities"u8 : name == LabelOutput ? "label"u8 : "answer_id"u8);
        body.Add(values ? "\",\"datatype\":\"FP32\",\"shape\":["u8 : "\",\"datatype\":\"BYTES\",\"shape\":["u8);
        body.Number(rows);
        if (values)
        {
            body.Add((byte)',');
            body.Number(width);
        }
        if (asBinary)
        {
            var before = exchange.Tail.Length;
            if (values) Floats(exchange.Tail, exchange.Outputs.AsSpan(0, rows * width));
            else Texts(exchange, texts, name, now);
            body.Add("],\"parameters\":{\"binary_data_size\":"u8);
            body.Number(exchange.Tail.Length - before);
            body.Add("}}"u8);
            return;
        }
        body.Add("],\"data\":["u8);
        var count = values ? rows * width : rows;
        for (var i = 0; i < count; i++)
        {
            if (i > 0) body.Add((byte)',');
            if (values) body.Number(exchange.Outputs[i]);
            else if (name == LabelOutput) body.Add(texts.QuotedLabels[Score.Called(exchange.OutputsOf(i))]);
            else Id(exchange, texts, i, now);
        }
        body.Add("]}"u8);
    }

    private static void Prediction(Exchange exchange, AnswerTexts texts, int row, DateTimeOffset now)
    {
        var body = exchange.Body;
        var outputs = exchange.OutputsOf(row);
        body.Add("{\"id\":"u8);
        Id(exchange, texts, row, now);
        body.Add(texts.AfterId);
        if (texts.Called.Length == 0)
        {
            body.Add("\"prediction\":"u8);
            body.Number(outputs[0]);
        }
        else
        {
            var called = Score.Called(outputs);
            body.Add(texts.Called[called]);
            var certainty = body.Length;
            body.Number(outputs[called]);
            var length = body.Length - certainty;
            for (var c = 0; c < outputs.Length; c++)
            {
                body.Add(texts.Probabilities[c]);
                if (c == called) body.Again(certainty, length);
                else body.Number(outputs[c]);
            }
            body.Add((byte)'}');
        }
        var cells = exchange.CellsOf(row);
        body.Add(",\"missing\":["u8);
        Noted(body, cells, texts, CellFinding.Missing);
        body.Add("],\"outOfRange\":["u8);
        Noted(body, cells, texts, CellFinding.OutOfRange);
        body.Add("],\"unseen\":["u8);
        Noted(body, cells, texts, CellFinding.UnknownValue);
        body.Add("]}"u8);
    }

    private static void Noted(AnswerBuffer body, ReadOnlySpan<EncodedCell> cells, AnswerTexts texts, CellFinding finding)
    {
        var first = true;
        for (var f = 0; f < cells.Length; f++)
        {
            if (cells[f].Finding != finding) continue;
            if (!first) body.Add((byte)',');
            body.Add(texts.Columns[f]);
            first = false;
        }
    }

    private static void Id(Exchange exchange, AnswerTexts texts, int row, DateTimeOffset now)
    {
        exchange.Body.Add((byte)'"');
        exchange.Body.Add(Sealed(exchange, texts, row, now));
        exchange.Body.Add((byte)'"');
    }

    private static ReadOnlySpan<byte> Sealed(Exchange exchange, AnswerTexts texts, int row, DateTimeOffset now)
    {
        Span<byte> groups = stackalloc byte[200];
        var length = texts.Groups.Length == 0 || !exchange.HasCells ? 0 : AnswerGroups.Write(exchange, texts, row, groups);
        var written = exchange.Seal.Seal(exchange.Id, texts.Id, now, groups[..length], exchange.OutputsOf(row), texts.Labels.Length == 0);
        return exchange.Id.AsSpan(0, written);
    }

    private static void Floats(AnswerBuffer tail, ReadOnlySpan<float> values)
    {
        var to = tail.Space(values.Length * sizeof(float));
        if (BitConverter.IsLittleEndian) MemoryMarshal.AsBytes(values).CopyTo(to);
        else
            for (var i = 0; i < values.Length; i++) BinaryPrimitives.WriteSingleLittleEndian(to[(i * sizeof(float))..], values[i]);
    }

    private static void Texts(Exchange exchange, AnswerTexts texts, string name, DateTimeOffset now)
    {
        for (var row = 0; row < exchange.Rows; row++)
        {
            var text = name == LabelOutput ? texts.Labels[Score.Called(exchange.OutputsOf(row))] : Sealed(exchange, texts, row, now);
            BinaryPrimitives.WriteInt32LittleEndian(exchange.Tail.Space(sizeof(int)), text.Length);
            exchange.Tail.Add(text);
        }
    }
}
