using System.Text;
using Comity.Declarations;

namespace Comity.Insight.Predictions;

/// <summary>Reads records of an RFC 4180 file one by one; a quoted field may hold commas, quotes and line ends.</summary>
internal sealed class CsvRecords(string path) : IDisposable
{
    private readonly StreamReader _reader = new(path, Encoding.UTF8);
    private readonly StringBuilder _field = new();
    private int _nextLine = 1;

    /// <summary>Line on which the last record began, from 1.</summary>
    public int Line { get; private set; }

    /// <summary>The next record's fields; null at the end.</summary>
    /// <exception cref="InvalidDeclarationException">A quote is not closed or stands in the middle of a field.</exception>
    public IReadOnlyList<string>? Next()
    {
        Line = _nextLine;
        if (_reader.Peek() < 0) return null;
        var fields = new List<string>();
        while (true)
        {
            var end = ReadField(fields);
            if (end is '\r' && _reader.Peek() == '\n') _reader.Read();
            if (end is ',') continue;
            _nextLine++;
            return fields;
        }
    }

    private int ReadField(List<string> fields)
    {
        _field.Clear();
        var quoted = _reader.Peek() == '"';
        if (quoted)
        {
            _reader.Read();
            ReadQuoted();
        }
        while (true)
        {
            var c = _reader.Read();
            if (c is -1 or ',' or '\r' or '\n')
            {
                fields.Add(_field.ToString());
                return c;
            }
            if (quoted || c == '"') throw Malformed();
            _field.Append((char)c);
        }
    }

    private void ReadQuoted()
    {
        while (true)
        {
            switch (_reader.Read())
            {
                case -1:
                    throw Malformed();
                case '"' when _reader.Peek() != '"':
                    return;
                case '"':
                    _reader.Read();
                    _field.Append('"');
                    break;
                case var c:
                    if (c == '\n') _nextLine++;
                    _field.Append((char)c);
                    break;
            }
        }
    }

    private InvalidDeclarationException Malformed() => new([Messages.Problem("predictions-quotes", Place.InFile(path, Line))]);

    public void Dispose() => _reader.Dispose();
}
