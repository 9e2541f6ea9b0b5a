namespace Comity.Tensors.Memory;

/// <summary>Memory for one pass over a model: taken piece by piece, given back all at once, and kept for the next pass.</summary>
/// <remarks>After the first pass of the largest size nothing is allocated any more. Not for several threads.</remarks>
internal sealed unsafe class Arena
{
    private const int Granule = 16; // a cache line, so that every piece is aligned and has its own lines
    private readonly List<AlignedBuffer> _chunks = [];
    private AlignedBuffer _current = new(4096);
    private float* _next;
    private nint _left;

    public Arena() => Begin();

    /// <summary>Uninitialised floats, aligned to a cache line.</summary>
    public float* Take(nint length)
    {
        var rounded = (length + Granule - 1) & ~(nint)(Granule - 1);
        if (rounded > _left) Grow(rounded);
        var piece = _next;
        _next += rounded;
        _left -= rounded;
        return piece;
    }

    /// <summary>Gives all pieces back.</summary>
    public void Reset()
    {
        if (_chunks.Count > 0)
        {
            // One chunk of the whole size next time.
            var total = _current.Length;
            foreach (var chunk in _chunks) total = checked(total + chunk.Length);
            _chunks.Clear();
            _current = new AlignedBuffer(total);
        }
        Begin();
    }

    private void Grow(nint length)
    {
        _chunks.Add(_current);
        _current = new AlignedBuffer(checked((int)Math.Max(length, (nint)_current.Length * 2)));
        Begin();
    }

    private void Begin()
    {
        _next = _current.Pointer;
        _left = _current.Length;
    }
}
