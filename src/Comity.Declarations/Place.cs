namespace Comity.Declarations;

/// <summary>Where a declared value stands: file, line and column (from 1; 0 when unknown) and the path of keys to it.</summary>
/// <param name="File">The file as the user named it.</param>
/// <param name="Line">Line, from 1.</param>
/// <param name="Column">Column, from 1.</param>
/// <param name="Path">Keys from the root, such as <c>training.optimizer.learningRate</c> or <c>sites[2].id</c>.</param>
public readonly record struct Place(string File, int Line, int Column, string Path)
{
    /// <summary>A place in a data file, where no key leads to the value.</summary>
    public static Place InFile(string file, int line = 0, int column = 0) => new(file, line, column, "");

    /// <summary><c>file:line:column (path)</c>, leaving out what is unknown.</summary>
    public override string ToString()
    {
        var position = Line == 0 ? File : Column == 0 ? $"{File}:{Line}" : $"{File}:{Line}:{Column}";
        return Path.Length == 0 ? position : $"{position} ({Path})";
    }
}
