using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using Comity.Data.Records;
using Comity.Declarations;
using Comity.Serving.Feedback;
using Comity.Serving.Inference;

namespace Comity.Serving.Protocol;

/// <summary>Memory of one request and its answer; used again by later ones, so that answering allocates little.</summary>
internal sealed class Exchange : IDisposable
{
    private const int MostProblems = 32;

    public Exchange(ReadOnlySpan<byte> sealKey)
    {
        Seal = new AnswerSeal(sealKey);
        Writer = new Utf8JsonWriter(Body, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true });
    }

    public ArrayBufferWriter<byte> Body { get; } = new(4096);

    public Utf8JsonWriter Writer { get; }

    public AnswerSeal Seal { get; }

    public byte[] Id { get; } = new byte[AnswerSeal.Longest];

    public float[] Features { get; private set; } = [];

    public float[] Outputs { get; private set; } = [];

    public EncodedCell[] Cells { get; private set; } = [];

    /// <summary>Values of sensitive columns that are no features, by row.</summary>
    public List<Dictionary<string, string>?> Extra { get; } = [];

    public List<Problem> Problems { get; } = [];

    public bool[] Given { get; private set; } = [];

    public int Rows { get; private set; }

    /// <summary>Whether records came as records, so that their cells are known.</summary>
    public bool HasCells { get; set; }

    public ModelVersion Version { get; private set; } = null!;

    public ServedModel Model => Version.Model;

    public int Fields => Model.Records?.Fields.Count ?? 0;

    /// <summary>Begins an answer by a version.</summary>
    public void Begin(ModelVersion version)
    {
        (Version, Rows, HasCells) = (version, 0, false);
        Problems.Clear();
        Extra.Clear();
        if (Given.Length < Fields) Given = new bool[Fields];
    }

    /// <summary>Makes room for so many rows, those that are there kept; new input is zero.</summary>
    public void Resize(int rows)
    {
        Features = Grown(Features, Rows * Model.Inputs, rows * Model.Inputs);
        Outputs = Grown(Outputs, 0, rows * Model.Outputs);
        Cells = Grown(Cells, Rows * Fields, rows * Fields);
        if (rows > Rows) Array.Clear(Features, Rows * Model.Inputs, (rows - Rows) * Model.Inputs);
        while (Extra.Count < rows) Extra.Add(null);
        Rows = rows;
    }

    public Span<float> Row(int row) => Features.AsSpan(row * Model.Inputs, Model.Inputs);

    public Span<EncodedCell> CellsOf(int row) => Cells.AsSpan(row * Fields, Fields);

    public ReadOnlySpan<float> OutputsOf(int row) => Outputs.AsSpan(row * Model.Outputs, Model.Outputs);

    public void Add(string code, string field, params object?[] arguments)
    {
        if (Problems.Count < MostProblems) Problems.Add(RequestRefusedException.Problem(code, field, arguments));
    }

    public void RefuseProblems()
    {
        if (Problems.Count > 0) throw new RequestRefusedException(400, [.. Problems]);
    }

    public void Dispose()
    {
        Seal.Dispose();
        Writer.Dispose();
    }

    private static T[] Grown<T>(T[] array, int keep, int length)
    {
        if (array.Length >= length) return array;
        var larger = new T[(int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)length)];
        array.AsSpan(0, keep).CopyTo(larger);
        return larger;
    }
}
