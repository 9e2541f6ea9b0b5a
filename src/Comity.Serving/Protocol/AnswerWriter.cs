using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using Comity.Data.Contracts;
using Comity.Data.Records;
using Comity.Serving.Inference;

namespace Comity.Serving.Protocol;

/// <summary>What of a version stands in each of its answers, written down once.</summary>
internal sealed class AnswerTexts
{
    public AnswerTexts(ServedModel model)
    {
        var manifest = model.Manifest;
        (Name, Version, Id) = (JsonEncodedText.Encode(manifest.Name), JsonEncodedText.Encode(manifest.Version), Encoding.UTF8.GetBytes(manifest.Id));
        Classes = [.. model.Classes.Select(c => JsonEncodedText.Encode(c, System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping))];
        Labels = [.. model.Classes.Select(c => Encoding.UTF8.GetBytes(c))];
        Columns = [.. (model.Records?.Fields ?? []).Select(f => JsonEncodedText.Encode(f.Column, System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping))];
        OutputName = model.Classes.Count > 0 ? "probabilities" : "prediction";
        Groups = [.. model.Preprocessing.Contract.Sensitive.Select(s => (s, model.Records?.Find(s.Column) ?? -1))];
    }

    public JsonEncodedText Name { get; }

    public JsonEncodedText Version { get; }

    public byte[] Id { get; }

    public JsonEncodedText[] Classes { get; }

    public byte[][] Labels { get; }

    public JsonEncodedText[] Columns { get; }

    public string OutputName { get; }

    public (SensitiveSection Section, int Field)[] Groups { get; }
}

/// <summary>Writes answers: those of <c>/predict</c>, and those of the Open Inference Protocol.</summary>
internal static class AnswerWriter
{
    /// <summary>Names of the outputs that a request may ask for.</summary>
    public const string LabelOutput = "label", IdOutput = "answer_id";

    /// <summary>The answer to <c>/predict</c>: one map for one record, otherwise a list under <c>predictions</c>.</summary>
    public static void Predictions(Exchange exchange, AnswerTexts texts, DateTimeOffset now, bool single)
    {
        var writer = exchange.Writer;
        writer.Reset(exchange.Body);
        if (!single)
        {
            writer.WriteStartObject();
            writer.WriteStartArray("predictions"u8);
        }
        for (var row = 0; row < exchange.Rows; row++) Prediction(exchange, texts, row, now);
        if (!single)
        {
            writer.WriteEndArray();
            writer.WriteEndObject();
        }
        writer.Flush();
    }

    /// <summary>The answer of the Open Inference Protocol.</summary>
    /// <returns>Length of the JSON part where binary data follow it; 0: there are none.</returns>
    public static int Tensors(Exchange exchange, AnswerTexts texts, TensorReader request, DateTimeOffset now)
    {
        var writer = exchange.Writer;
        writer.Reset(exchange.Body);
        writer.WriteStartObject();
        writer.WriteString("model_name"u8, texts.Name);
        writer.WriteString("model_version"u8, texts.Version);
        if (request.Id is not null) writer.WriteString("id"u8, request.Id);
        var outputs = request.Outputs;
        if (outputs is null && exchange.Rows == 1)
        {
            writer.WriteStartObject("parameters"u8);
            writer.WriteString(IdOutput, Id(exchange, texts, 0, now));
            writer.WriteEndObject();
        }
        writer.WriteStartArray("outputs"u8);
        var binary = new List<byte[]>();
        if (outputs is null) Tensor(exchange, texts, texts.OutputName, request.BinaryOutput, binary, now);
        else foreach (var output in outputs) Tensor(exchange, texts, output.Name, output.Binary ?? request.BinaryOutput, binary, now);
        writer.WriteEndArray();
        writer.WriteEndObject();
        writer.Flush();
        if (binary.Count == 0) return 0;
        var json = exchange.Body.WrittenCount;
        foreach (var bytes in binary) exchange.Body.Write(bytes);
        return json;
    }

    private static void Tensor(Exchange exchange, AnswerTexts texts, string name, bool asBinary, List<byte[]> binary, DateTimeOffset now)
    {
        var writer = exchange.Writer;
        var (rows, width) = (exchange.Rows, exchange.Model.Outputs);
        var values = name == texts.OutputName;
        writer.WriteStartObject();
        writer.WriteString("name"u8, name);
        writer.WriteString("datatype"u8, values ? "FP32"u8 : "BYTES"u8);
        writer.WriteStartArray("shape"u8);
        writer.WriteNumberValue(rows);
        if (values) writer.WriteNumberValue(width);
        writer.WriteEndArray();
        if (asBinary)
        {
            var bytes = values ? Floats(exchange.Outputs.AsSpan(0, rows * width)) : Texts(exchange, texts, name, now);
            writer.WriteStartObject("parameters"u8);
            writer.WriteNumber("binary_data_size"u8, bytes.Length);
            writer.WriteEndObject();
            binary.Add(bytes);
        }
        else
        {
            writer.WriteStartArray("data"u8);
            if (values) foreach (var value in exchange.Outputs.AsSpan(0, rows * width)) writer.WriteNumberValue(value);
            else
                for (var row = 0; row < rows; row++)
                    writer.WriteStringValue(name == LabelOutput ? texts.Labels[Score.Called(exchange.OutputsOf(row))] : Id(exchange, texts, row, now));
            writer.WriteEndArray();
        }
        writer.WriteEndObject();
    }

    private static void Prediction(Exchange exchange, AnswerTexts texts, int row, DateTimeOffset now)
    {
        var writer = exchange.Writer;
        var outputs = exchange.OutputsOf(row);
        writer.WriteStartObject();
        writer.WriteString("id"u8, Id(exchange, texts, row, now));
        writer.WriteString("model"u8, texts.Name);
        writer.WriteString("version"u8, texts.Version);
        if (texts.Classes.Length == 0)
        {
            writer.WriteNumber("prediction"u8, outputs[0]);
        }
        else
        {
            var called = Score.Called(outputs);
            writer.WriteString("label"u8, texts.Classes[called]);
            writer.WriteNumber("certainty"u8, outputs[called]);
            writer.WriteStartObject("probabilities"u8);
            for (var c = 0; c < outputs.Length; c++) writer.WriteNumber(texts.Classes[c], outputs[c]);
            writer.WriteEndObject();
        }
        Noted(exchange, texts, row, "missing"u8, CellFinding.Missing);
        Noted(exchange, texts, row, "outOfRange"u8, CellFinding.OutOfRange);
        Noted(exchange, texts, row, "unseen"u8, CellFinding.UnknownValue);
        writer.WriteEndObject();
    }

    private static void Noted(Exchange exchange, AnswerTexts texts, int row, ReadOnlySpan<byte> name, CellFinding finding)
    {
        exchange.Writer.WriteStartArray(name);
        var cells = exchange.CellsOf(row);
        for (var f = 0; f < cells.Length; f++)
            if (cells[f].Finding == finding) exchange.Writer.WriteStringValue(texts.Columns[f]);
        exchange.Writer.WriteEndArray();
    }

    private static ReadOnlySpan<byte> Id(Exchange exchange, AnswerTexts texts, int row, DateTimeOffset now)
    {
        Span<byte> groups = stackalloc byte[200];
        var length = texts.Groups.Length == 0 || !exchange.HasCells ? 0 : Groups(exchange, texts, row, groups);
        var written = exchange.Seal.Seal(exchange.Id, texts.Id, now, groups[..length], exchange.OutputsOf(row), texts.Classes.Length == 0);
        return exchange.Id.AsSpan(0, written);
    }

    private static int Groups(Exchange exchange, AnswerTexts texts, int row, Span<byte> to)
    {
        var at = 0;
        for (var g = 0; g < texts.Groups.Length; g++)
        {
            var (section, field) = texts.Groups[g];
            if (g > 0) to[at++] = 0x1f;
            var text = "";
            if (field < 0)
            {
                if (exchange.Extra[row]?.GetValueOrDefault(section.Column) is { } value) text = section.Cuts.Count > 0 ? Interval(section, value) : value;
            }
            else if (exchange.CellsOf(row)[field] is { Finding: CellFinding.Present } cell)
            {
                var levels = exchange.Model.Records!.Fields[field].Levels;
                text = levels.Count > 0 ? levels[(int)cell.Value] : Interval(section, cell.Value);
            }
            if (Encoding.UTF8.GetByteCount(text) > to.Length - at - texts.Groups.Length) return 0;
            at += Encoding.UTF8.GetBytes(text, to[at..]);
        }
        return at;
    }

    private static string Interval(SensitiveSection section, string value) =>
        double.TryParse(value, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) ? Interval(section, number) : "";

    // The same names as in the study's results.
    private static string Interval(SensitiveSection section, double value)
    {
        if (section.Cuts.Count == 0 || double.IsNaN(value)) return "";
        var at = section.Cuts.Count(cut => value >= cut);
        string Text(int i) => section.Cuts[i].ToString("R", CultureInfo.InvariantCulture);
        return at == 0 ? $"< {Text(0)}" : at == section.Cuts.Count ? $"≥ {Text(at - 1)}" : $"{Text(at - 1)} – < {Text(at)}";
    }

    private static byte[] Floats(ReadOnlySpan<float> values)
    {
        if (BitConverter.IsLittleEndian) return MemoryMarshal.AsBytes(values).ToArray();
        var bytes = new byte[values.Length * sizeof(float)];
        for (var i = 0; i < values.Length; i++) BinaryPrimitives.WriteSingleLittleEndian(bytes.AsSpan(i * sizeof(float)), values[i]);
        return bytes;
    }

    private static byte[] Texts(Exchange exchange, AnswerTexts texts, string name, DateTimeOffset now)
    {
        var bytes = new ArrayBufferWriter<byte>();
        for (var row = 0; row < exchange.Rows; row++)
        {
            var text = name == LabelOutput ? texts.Labels[Score.Called(exchange.OutputsOf(row))] : Id(exchange, texts, row, now);
            BinaryPrimitives.WriteInt32LittleEndian(bytes.GetSpan(4), text.Length);
            bytes.Advance(4);
            bytes.Write(text);
        }
        return bytes.WrittenSpan.ToArray();
    }
}
