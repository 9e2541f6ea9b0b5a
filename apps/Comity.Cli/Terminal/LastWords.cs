using System.Text;

namespace Comity.Cli.Terminal;

/// <summary>Keeps the end of what is written to it, for a process that nobody watches.</summary>
internal sealed class LastWords : TextWriter
{
    private const int Most = 8 << 10; // an entry of Windows' event log holds 31,839 characters
    private readonly Lock _gate = new();
    private readonly StringBuilder _end = new();

    public override Encoding Encoding => Encoding.UTF8;

    public override void Write(char value)
    {
        lock (_gate)
        {
            if (_end.Length == 2 * Most) _end.Remove(0, Most);
            _end.Append(value);
        }
    }

    public override string ToString()
    {
        lock (_gate) return _end.ToString(Math.Max(0, _end.Length - Most), Math.Min(Most, _end.Length));
    }
}
