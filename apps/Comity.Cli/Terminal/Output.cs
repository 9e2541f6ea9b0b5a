using System.Text;

namespace Comity.Cli.Terminal;

/// <summary>A stream for people: UTF-8, flushed line by line, in colour only on a terminal that wants it.</summary>
internal sealed class Output
{
    private readonly Lock _gate = new();

    private Output(TextWriter writer, bool isTerminal, bool colour) => (Writer, IsTerminal, Colour) = (writer, isTerminal, colour);

    /// <summary>The writer beneath.</summary>
    public TextWriter Writer { get; }

    /// <summary>Whether a person sees this live; if not, one line per event and no escape codes.</summary>
    public bool IsTerminal { get; }

    /// <summary>Whether colours may be used (no-color.org: any non-empty NO_COLOR forbids them).</summary>
    public bool Colour { get; }

    public static Output Of(Stream stream, bool isTerminal, Func<string, string?> environment)
    {
        var live = isTerminal && environment("TERM") != "dumb";
        var colour = live && string.IsNullOrEmpty(environment("NO_COLOR"));
        return new Output(new StreamWriter(stream, new UTF8Encoding(false)) { AutoFlush = true, NewLine = "\n" }, live, colour);
    }

    /// <summary>Text that no terminal shows.</summary>
    public static Output Of(TextWriter writer) => new(writer, false, false);

    public void Line(string text = "")
    {
        lock (_gate) Writer.WriteLine(text);
    }

    public string Bold(string text) => Styled(text, 1);

    public string Red(string text) => Styled(text, 31);

    public string Green(string text) => Styled(text, 32);

    public string Yellow(string text) => Styled(text, 33);

    public string Dim(string text) => Styled(text, 2);

    private string Styled(string text, int code) => Colour ? $"\u001b[{code}m{text}\u001b[0m" : text;
}
