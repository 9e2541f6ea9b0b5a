namespace Comity.Declarations;

/// <summary>A node of a declared file with its place: a map, a list or a scalar.</summary>
/// <remarks>A section of another room travels as such a node, unread, until its owner binds it.</remarks>
public abstract record DeclaredNode
{
    private DeclaredNode(Place place) => Place = place;

    /// <summary>Where the node stands.</summary>
    public Place Place { get; init; }

    /// <summary>Keys and values in the order of the file.</summary>
    /// <param name="Place">Where the map starts.</param>
    /// <param name="Entries">Key, place of the key, and value.</param>
    public sealed record Map(Place Place, IReadOnlyList<DeclaredEntry> Entries) : DeclaredNode(Place)
    {
        /// <summary>The value of a key, or null when it is absent.</summary>
        public DeclaredNode? this[string key] => Entries.FirstOrDefault(e => e.Key == key)?.Value;
    }

    /// <summary>Items in the order of the file.</summary>
    public sealed record List(Place Place, IReadOnlyList<DeclaredNode> Items) : DeclaredNode(Place);

    /// <summary>A single value as it was written.</summary>
    /// <param name="Place">Where the value starts.</param>
    /// <param name="Text">The text without quotes.</param>
    /// <param name="Quoted">Whether it was quoted, hence a text even if it looks like a number.</param>
    public sealed record Scalar(Place Place, string Text, bool Quoted) : DeclaredNode(Place)
    {
        /// <summary>Whether the value is YAML's null (empty, <c>~</c> or <c>null</c>, unquoted).</summary>
        public bool IsNull => !Quoted && Text is "" or "~" or "null";
    }
}

/// <summary>One key of a <see cref="DeclaredNode.Map"/>.</summary>
public sealed record DeclaredEntry(string Key, Place KeyPlace, DeclaredNode Value);
