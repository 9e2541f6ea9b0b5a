using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Comity.Data.Contracts;
using Comity.Serving.Inference;

namespace Comity.Serving.Protocol;

/// <summary>What of a version stands in each of its answers, written down once.</summary>
internal sealed class AnswerTexts
{
    public AnswerTexts(ServedModel model)
    {
        var manifest = model.Manifest;
        var classes = model.Classes.Select(Quoted).ToList();
        Id = Encoding.UTF8.GetBytes(manifest.Id);
        AfterId = Bytes($",\"model\":{Quoted(manifest.Name)},\"version\":{Quoted(manifest.Version)},");
        Head = Bytes($"{{\"model_name\":{Quoted(manifest.Name)},\"model_version\":{Quoted(manifest.Version)}");
        Labels = [.. model.Classes.Select(c => Encoding.UTF8.GetBytes(c))];
        QuotedLabels = [.. classes.Select(Bytes)];
        Called = [.. classes.Select(c => Bytes($"\"label\":{c},\"certainty\":"))];
        Probabilities = [.. classes.Select((c, i) => Bytes((i == 0 ? ",\"probabilities\":{" : ",") + c + ":"))];
        Columns = [.. (model.Records?.Fields ?? []).Select(f => Bytes(Quoted(f.Column)))];
        OutputName = model.Classes.Count > 0 ? "probabilities" : "prediction";
        Groups = [.. model.Preprocessing.Contract.Sensitive.Select(s => (s, model.Records?.Find(s.Column) ?? -1))];
        Sensitive = [.. Groups.Where(g => g.Field < 0).Select(g => g.Section.Column)];
        TakesEncoded = model.Records?.Find(TensorReader.EncodedInput) is null or < 0;
    }

    /// <summary><c>name@version</c>.</summary>
    public byte[] Id { get; }

    /// <summary>What follows an answer's id in <c>/predict</c>.</summary>
    public byte[] AfterId { get; }

    /// <summary>What an answer of the protocol begins with.</summary>
    public byte[] Head { get; }

    /// <summary>Classes as they are.</summary>
    public byte[][] Labels { get; }

    /// <summary>Classes as texts of JSON.</summary>
    public byte[][] QuotedLabels { get; }

    /// <summary>By class, what stands before its certainty.</summary>
    public byte[][] Called { get; }

    /// <summary>By class, what stands before its probability.</summary>
    public byte[][] Probabilities { get; }

    /// <summary>Names of the columns as texts of JSON.</summary>
    public byte[][] Columns { get; }

    /// <summary>Name of the output that holds the model's values.</summary>
    public string OutputName { get; }

    /// <summary>Sensitive attributes, and where they stand among the record's fields; −1: they are no features.</summary>
    public (SensitiveSection Section, int Field)[] Groups { get; }

    /// <summary>Sensitive columns that are no features: a record may name them.</summary>
    public string[] Sensitive { get; }

    /// <summary>Whether the tensor <c>input</c> means the encoded rows, and no column of that name.</summary>
    public bool TakesEncoded { get; }

    private static string Quoted(string text) => $"\"{JsonEncodedText.Encode(text, JavaScriptEncoder.UnsafeRelaxedJsonEscaping)}\"";

    private static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);
}
