using System.Runtime.InteropServices;
using Comity.Data.Records;
using Comity.Declarations;
using Comity.Serving.Feedback;
using Comity.Serving.Inference;

namespace Comity.Serving.Protocol;

/// <summary>Memory of one request and its answer; used again by later ones, so that answering allocates little.</summary>
internal sealed class Exchange : IDisposable
{
    private const int MostProblems = 32;

    private readonly List<Dictionary<string, string>?> _extra = [];
    private float[] _features = [];
    private readonly FloatView _view = new();
    private float[] _received = [];
    private ReadOnlyMemory<float> _straight;
    private int _inputs, _outputs;

    public Exchange(ReadOnlySpan<byte> sealKey)
    {
        Seal = new AnswerSeal(sealKey);
        (Records, Tensors) = (new RecordReader(this), new TensorReader(this));
    }

    /// <summary>The answer, and the binary data that follow it.</summary>
    public AnswerBuffer Body { get; } = new();

    public AnswerBuffer Tail { get; } = new();

    public RecordReader Records { get; }

    public TensorReader Tensors { get; }

    public AnswerSeal Seal { get; }

    public byte[] Id { get; } = new byte[AnswerSeal.Longest];

    public float[] Outputs { get; private set; } = [];

    public EncodedCell[] Cells { get; private set; } = [];

    public List<Problem> Problems { get; } = [];

    public bool[] Given { get; private set; } = [];

    public int Rows { get; private set; }

    /// <summary>Whether records came as records, so that their cells are known.</summary>
    public bool HasCells { get; set; }

    public ModelVersion Version { get; private set; } = null!;

    public ServedModel Model => Version.Model;

    public int Fields { get; private set; }

    /// <summary>The model's input, shape [rows, inputs].</summary>
    public ReadOnlyMemory<float> Input => _straight.IsEmpty ? _features.AsMemory(0, Rows * _inputs) : _straight;

    /// <summary>The body in the connection's own memory; empty: it was received into the exchange's, or is not kept.</summary>
    public ReadOnlyMemory<byte> InPlace { get; set; }

    /// <summary>Begins an answer by a version.</summary>
    public void Begin(ModelVersion version)
    {
        (Version, Rows, HasCells, _straight) = (version, 0, false, default);
        (Fields, _inputs, _outputs) = (version.Model.Records?.Fields.Count ?? 0, version.Model.Inputs, version.Model.Outputs);
        Body.Clear();
        Tail.Clear();
        Problems.Clear();
        _extra.Clear();
        if (Given.Length < Fields) Given = new bool[Fields];
    }

    /// <summary>Makes room for so many rows, those that are there kept; new input is zero.</summary>
    public void Resize(int rows)
    {
        _features = Grown(_features, Rows * _inputs, rows * _inputs);
        if (rows > Rows) Array.Clear(_features, Rows * _inputs, (rows - Rows) * _inputs);
        Announce(rows);
        Cells = Grown(Cells, Rows * Fields, rows * Fields);
        Rows = rows;
    }

    /// <summary>Room for a body whose binary part begins after so many bytes: that part lies where floats may lie.</summary>
    public Span<byte> Receive(int jsonLength, int length)
    {
        _received = Grown(_received, 0, (Padded(jsonLength) + length - jsonLength + sizeof(float) - 1) / sizeof(float));
        return MemoryMarshal.AsBytes(_received.AsSpan()).Slice(Padded(jsonLength) - jsonLength, length);
    }

    /// <summary>The body that was received.</summary>
    public ReadOnlySpan<byte> ReceivedBytes(int jsonLength, int length) => MemoryMarshal.AsBytes(_received.AsSpan()).Slice(Padded(jsonLength) - jsonLength, length);

    /// <summary>Takes floats of the binary part as the input, where they lie.</summary>
    /// <param name="jsonLength">Length of the JSON part.</param>
    /// <param name="start">Bytes from the binary part's beginning to the first of them.</param>
    /// <param name="rows">Rows of the model's input.</param>
    /// <returns>False: they can't be read as they lie.</returns>
    public bool TryTake(int jsonLength, int start, int rows)
    {
        if ((InPlace.IsEmpty && start % sizeof(float) != 0) || !BitConverter.IsLittleEndian) return false;
        var values = rows * _inputs;
        _straight = InPlace.IsEmpty
            ? _received.AsMemory((Padded(jsonLength) + start) / sizeof(float), values)
            : _view.Over(InPlace.Slice(jsonLength + start, values * sizeof(float)));
        Announce(rows);
        Rows = rows;
        return true;
    }

    public Span<float> Row(int row) => _features.AsSpan(row * _inputs, _inputs);

    public Span<float> Rewritable => _features.AsSpan(0, Rows * _inputs);

    public Span<EncodedCell> CellsOf(int row) => Cells.AsSpan(row * Fields, HasCells ? Fields : 0);

    public ReadOnlySpan<float> OutputsOf(int row) => Outputs.AsSpan(row * _outputs, _outputs);

    /// <summary>Keeps the value of a sensitive column that is no feature.</summary>
    public void Keep(int row, string column, string value)
    {
        while (_extra.Count <= row) _extra.Add(null);
        _extra[row] ??= new Dictionary<string, string>(StringComparer.Ordinal);
        _extra[row]![column] = value;
    }

    /// <summary>The value of a sensitive column that is no feature; null: not given.</summary>
    public string? ExtraOf(int row, string column) => row < _extra.Count ? _extra[row]?.GetValueOrDefault(column) : null;

    public void Add(string code, string field, params object?[] arguments)
    {
        if (Problems.Count < MostProblems) Problems.Add(RequestRefusedException.Problem(code, field, arguments));
    }

    /// <summary>Forgets what lies in the connection's memory, which others will write into.</summary>
    public void LetGo() => (InPlace, _straight, _) = (default, default, _view.Over(default));

    public void RefuseProblems()
    {
        if (Problems.Count > 0) throw new RequestRefusedException(400, [.. Problems]);
    }

    public void Dispose() => Seal.Dispose();

    private void Announce(int rows) => Outputs = Grown(Outputs, 0, rows * _outputs);

    // Vectors load fastest where a cache line begins.
    private static int Padded(int jsonLength) => (jsonLength + 63) & ~63;

    private static T[] Grown<T>(T[] array, int keep, int length)
    {
        if (array.Length >= length) return array;
        var larger = new T[(int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)length)];
        array.AsSpan(0, keep).CopyTo(larger);
        return larger;
    }
}
