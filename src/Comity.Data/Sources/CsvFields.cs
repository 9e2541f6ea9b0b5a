namespace Comity.Data.Sources;

/// <summary>Cuts one record into fields; the buffers are used again for the next.</summary>
internal ref struct CsvFields(CsvText text)
{
    private readonly byte _delimiter = text.Delimiter;
    private readonly bool _trim = text.Trim;
    private ReadOnlySpan<byte> _record;
    private (int Start, int Length, bool Doubled)[] _fields = new (int, int, bool)[16];
    private byte[] _scratch = [];

    /// <summary>Fields in the record.</summary>
    public int Count { get; private set; }

    /// <summary>A field without its quotes; valid until the next doubled-quote field is asked for.</summary>
    public ReadOnlySpan<byte> this[int index]
    {
        get
        {
            var (start, length, doubled) = _fields[index];
            var field = _record.Slice(start, length);
            return doubled ? Undouble(field) : field;
        }
    }

    /// <summary>Cuts the record that starts here.</summary>
    public void Cut(ReadOnlySpan<byte> from)
    {
        _record = from;
        Count = 0;
        var position = 0;
        while (true)
        {
            var start = position;
            if (_trim) while (start < from.Length && from[start] == (byte)' ') start++;
            if (start < from.Length && from[start] == (byte)'"')
            {
                var (end, doubled) = EndOfQuoted(from, start + 1);
                Add(start + 1, end - start - 1, doubled);
                position = Math.Min(end + 1, from.Length);
                // What stands between a closing quote and the next delimiter is blanks, or belongs to no field.
                var rest = from[position..].IndexOfAny(_delimiter, (byte)'\n');
                position = rest < 0 ? from.Length : position + rest;
            }
            else
            {
                var length = from[position..].IndexOfAny(_delimiter, (byte)'\n');
                var end = length < 0 ? from.Length : position + length;
                position = end;
                if ((end == from.Length || from[end] == (byte)'\n') && end > start && from[end - 1] == (byte)'\r') end--;
                if (_trim) while (end > start && from[end - 1] == (byte)' ') end--;
                Add(start, Math.Max(0, end - start), false);
            }
            if (position >= from.Length || from[position] == (byte)'\n') return;
            position++;
        }
    }

    private readonly (int End, bool Doubled) EndOfQuoted(ReadOnlySpan<byte> from, int position)
    {
        var doubled = false;
        while (true)
        {
            var next = from[position..].IndexOf((byte)'"');
            if (next < 0) return (from.Length, doubled);
            position += next;
            if (position + 1 >= from.Length || from[position + 1] != (byte)'"') return (position, doubled);
            (doubled, position) = (true, position + 2);
        }
    }

    private ReadOnlySpan<byte> Undouble(ReadOnlySpan<byte> field)
    {
        if (_scratch.Length < field.Length) _scratch = new byte[Math.Max(field.Length, 256)];
        var length = 0;
        for (var i = 0; i < field.Length; i++)
        {
            _scratch[length++] = field[i];
            if (field[i] == (byte)'"') i++;
        }
        return _scratch.AsSpan(0, length);
    }

    private void Add(int start, int length, bool doubled)
    {
        if (Count == _fields.Length) Array.Resize(ref _fields, Count * 2);
        _fields[Count++] = (start, length, doubled);
    }
}
