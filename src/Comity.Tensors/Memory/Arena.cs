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
    private nint _inChunks;
    private nint _least;
    private bool _grew;

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

    /// <summary>Floats that are held.</summary>
    public nint Capacity => _current.Length + (nint)_chunks.Sum(c => (long)c.Length);

    /// <summary>Floats that were taken in this pass.</summary>
    public nint Taken => _inChunks + _current.Length - _left;

    /// <summary>The next pass begins with at least so many floats, and a few more, so that the same asked for again, differently rounded, is there already.</summary>
    public void Reserve(nint length)
    {
        if (length > Capacity) _least = Math.Max(_least, length + (length / 64) + Granule);
    }

    /// <summary>Gives all pieces back.</summary>
    public void Reset()
    {
        if (_chunks.Count > 0 || _least > _current.Length)
        {
            // One chunk next time, as large as what was taken and not as what was held; who grows again has passes of several sizes, and gets room for the next one.
            var taken = Taken;
            var length = Math.Max(_chunks.Count == 0 ? _current.Length : _grew ? taken + (taken / 8) : taken, _least);
            _grew |= _chunks.Count > 0;
            _chunks.Clear();
            _current = new AlignedBuffer(checked((int)((length + Granule - 1) & ~(nint)(Granule - 1))));
        }
        _inChunks = 0;
        Begin();
    }

    private void Grow(nint length)
    {
        _chunks.Add(_current);
        _inChunks += _current.Length - _left;
        _current = new AlignedBuffer(checked((int)Math.Max(length, (nint)_current.Length * 2)));
        Begin();
    }

    private void Begin()
    {
        _next = _current.Pointer;
        _left = _current.Length;
    }
}
