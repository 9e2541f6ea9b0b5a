using Comity.Federation.AtRest;
using Comity.Federation.Rounds;

namespace Comity.Federation.Spool;

/// <summary>Finished models in their files, read like a round's updates, so that joining many of them needs no more memory than joining two.</summary>
internal sealed class VectorFileSet : IUpdateSet, IDisposable
{
    private readonly List<(UpdateHeader Header, StateFile? File, ReadOnlyMemory<float> Memory)> _vectors = [];

    public int Count => _vectors.Count;

    public void Add(string name, int rows, StateFile file, int length) => _vectors.Add((Describe(name, rows, length), file, default));

    public void Add(string name, int rows, ReadOnlyMemory<float> vector) => _vectors.Add((Describe(name, rows, vector.Length), null, vector));

    public UpdateHeader Header(int update) => _vectors[update].Header;

    public void Read(int update, int offset, Span<float> destination)
    {
        if (_vectors[update].File is { } file) FloatFile.ReadExactly(file, 4L * offset, destination);
        else _vectors[update].Memory.Span.Slice(offset, destination.Length).CopyTo(destination);
    }

    public void Dispose()
    {
        foreach (var vector in _vectors) vector.File?.Dispose();
    }

    private static UpdateHeader Describe(string name, int rows, int length) =>
        new() { Site = name, Round = 0, Length = length, Sha256 = "", Rows = rows, Steps = 0, LearningRateSum = 0, NormalizedSteps = 0, Loss = double.NaN };
}
