using System.Text;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Comity.Declarations;

/// <summary>Reads a YAML file (JSON is YAML too) into nodes that know their places.</summary>
public static class DeclaredFile
{
    private const int LargestBytes = 4 * 1024 * 1024;
    private const int DeepestNesting = 64;
    private const int MostNodes = 1_000_000;

    /// <summary>Reads a file. Returns null, and adds to <paramref name="problems"/>, when it can't be read as one map.</summary>
    public static DeclaredNode.Map? Read(string path, ProblemList problems)
    {
        if (!File.Exists(path))
        {
            problems.Add(Messages.Problem("file-missing", Place.InFile(path), path));
            return null;
        }
        if (new FileInfo(path).Length > LargestBytes)
        {
            problems.Add(Messages.Problem("file-too-large", Place.InFile(path), LargestBytes / 1024 / 1024));
            return null;
        }
        return Parse(File.ReadAllText(path, Encoding.UTF8), path, problems);
    }

    /// <summary>Reads a text; <paramref name="file"/> is the name that problems show.</summary>
    public static DeclaredNode.Map? Parse(string text, string file, ProblemList problems)
    {
        var stream = new YamlStream();
        try
        {
            if (TooDeep(text) is { } mark)
            {
                problems.Add(Messages.Problem("nested-too-deep", Place.InFile(file, (int)mark.Line, (int)mark.Column), DeepestNesting));
                return null;
            }
            stream.Load(new StringReader(text));
        }
        catch (YamlException e)
        {
            var place = Place.InFile(file, (int)e.Start.Line, (int)e.Start.Column);
            problems.Add(Messages.Problem("not-yaml", place, e.InnerException?.Message ?? e.Message));
            return null;
        }
        if (stream.Documents.Count != 1 || stream.Documents[0].RootNode is not YamlMappingNode root)
        {
            problems.Add(Messages.Problem("not-a-map", Place.InFile(file, 1, 1)));
            return null;
        }
        var nodesLeft = MostNodes;
        var result = Convert(root, file, "", ref nodesLeft) as DeclaredNode.Map;
        if (nodesLeft > 0) return result;
        problems.Add(Messages.Problem("too-many-nodes", Place.InFile(file, 1, 1), MostNodes));
        return null;
    }

    // The YAML reader recurses, so depth is measured on its events before it builds anything.
    private static Mark? TooDeep(string text)
    {
        var parser = new Parser(new StringReader(text));
        var depth = 0;
        while (MovesOn(parser))
        {
            depth += parser.Current!.NestingIncrease;
            if (depth > DeepestNesting) return parser.Current.Start;
        }
        return null;
    }

    // Where a key follows an open bracket, the reader stops with an exception that names neither place nor reason.
    private static bool MovesOn(Parser parser)
    {
        try
        {
            return parser.MoveNext();
        }
        catch (InvalidOperationException)
        {
            var last = parser.Current;
            throw new YamlException(last?.Start ?? Mark.Empty, last?.End ?? Mark.Empty, "a bracket or brace is open at the end of this line");
        }
    }

    // An alias repeats what it refers to, so a short file of aliases to aliases could grow without bound.
    private static DeclaredNode? Convert(YamlNode node, string file, string path, ref int nodesLeft)
    {
        if (--nodesLeft <= 0) return null;
        var place = new Place(file, (int)node.Start.Line, (int)node.Start.Column, path);
        switch (node)
        {
            case YamlMappingNode map:
                var entries = new List<DeclaredEntry>();
                foreach (var (keyNode, valueNode) in map.Children)
                {
                    var key = (keyNode as YamlScalarNode)?.Value ?? "";
                    var below = path.Length == 0 ? key : $"{path}.{key}";
                    var keyPlace = new Place(file, (int)keyNode.Start.Line, (int)keyNode.Start.Column, below);
                    if (Convert(valueNode, file, below, ref nodesLeft) is { } value)
                        entries.Add(new DeclaredEntry(key, keyPlace, value));
                }
                return new DeclaredNode.Map(place, entries);
            case YamlSequenceNode list:
                var items = new List<DeclaredNode>();
                foreach (var item in list.Children)
                {
                    if (Convert(item, file, $"{path}[{items.Count}]", ref nodesLeft) is { } value) items.Add(value);
                }
                return new DeclaredNode.List(place, items);
            case YamlScalarNode scalar:
                return new DeclaredNode.Scalar(place, scalar.Value ?? "", scalar.Style is not (ScalarStyle.Plain or ScalarStyle.Any));
            default:
                return null;
        }
    }
}
