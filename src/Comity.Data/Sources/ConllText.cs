using System.Text;
using Comity.Declarations;

namespace Comity.Data.Sources;

/// <summary>Sentences of a file in CoNLL's form: a token a line, its tag in the last column, an empty line between sentences.</summary>
/// <remarks>Columns stand apart by blanks or tabs; the first is the token, those between are not read. Lines that begin with -DOCSTART- part documents.</remarks>
internal sealed class ConllText
{
    private const string DocumentStart = "-DOCSTART-";

    private ConllText(IReadOnlyList<Sentence> sentences) => Sentences = sentences;

    /// <summary>The sentences in the order of the file.</summary>
    public IReadOnlyList<Sentence> Sentences { get; }

    /// <summary>Reads a file; null, with the reason among the problems, where it can't be read.</summary>
    /// <param name="path">Path to open.</param>
    /// <param name="name">The file as the user named it, for problems.</param>
    /// <param name="tagged">Whether each token must have a tag; otherwise lines of one column are tokens without one.</param>
    /// <param name="problems">Where problems go.</param>
    public static ConllText? Open(string path, string name, bool tagged, ProblemList problems)
    {
        if (FileBytes.Read(path, name, problems) is not { } bytes) return null;
        string text;
        try
        {
            text = new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(bytes.Span);
        }
        catch (DecoderFallbackException e)
        {
            problems.Add(Messages.Problem("text-encoding", Place.InFile(name), FormattableString.Invariant($"{e.Index}")));
            return null;
        }
        var (sentences, tokens, tags) = (new List<Sentence>(), new List<string>(), new List<string>());
        var (line, first, bare) = (0, 0, new List<int>());
        foreach (var range in text.AsSpan().EnumerateLines())
        {
            line++;
            var columns = new string(range).Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
            if (line == 1 && columns.Length > 0) columns[0] = columns[0].TrimStart('\uFEFF');
            if (columns.Length == 0 || columns[0] == DocumentStart)
            {
                End();
                continue;
            }
            if (tokens.Count == 0) first = line;
            if (columns.Length == 1) bare.Add(line);
            tokens.Add(columns[0]);
            if (columns.Length > 1) tags.Add(columns[^1]);
        }
        End();
        if (tagged && bare.Count > 0)
        {
            problems.Add(Messages.Problem("conll-without-tag", Place.InFile(name, bare[0]), bare.Count, string.Join(", ", bare.Take(5).Select(n => FormattableString.Invariant($"{n}"))) + (bare.Count > 5 ? ", …" : "")));
            return null;
        }
        return new ConllText(sentences);

        void End()
        {
            if (tokens.Count > 0) sentences.Add(new Sentence(string.Join(' ', tokens), tags.Count == tokens.Count ? string.Join(' ', tags) : "", first));
            tokens.Clear();
            tags.Clear();
        }
    }

    /// <summary>A sentence.</summary>
    /// <param name="Words">Its tokens, with blanks between them.</param>
    /// <param name="Tags">Its tags, as many; empty: none.</param>
    /// <param name="Line">Its first line, from 1.</param>
    internal sealed record Sentence(string Words, string Tags, int Line);
}
