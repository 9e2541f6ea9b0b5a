namespace Comity.Learning.Tagging;

/// <summary>What tags say of entities: <c>O</c> is outside, <c>B-PER</c> begins a person, <c>I-PER</c> goes on with one; any other tag is an entity of one token.</summary>
/// <remarks>
/// Entities are counted as the evaluation of CoNLL-2000 and CoNLL-2003 does (Tjong Kim Sang and De Meulder 2003, section 2.4; its script
/// conlleval): I-X after anything but B-X or I-X begins an entity too, and one counts as found only with its kind and both its ends right.
/// </remarks>
public sealed class TagScheme
{
    /// <summary>Stands for a token without a tag: it is outside all entities.</summary>
    public const int None = -1;

    private const int Outside = -1;
    private readonly Part[] _parts;
    private readonly int[] _kinds;

    /// <param name="tags">The tags by name.</param>
    public TagScheme(IReadOnlyList<string> tags)
    {
        ArgumentNullException.ThrowIfNull(tags);
        (_parts, _kinds) = (new Part[tags.Count], new int[tags.Count]);
        var kinds = new Dictionary<string, int>(StringComparer.Ordinal);
        for (var i = 0; i < tags.Count; i++)
        {
            _parts[i] = tags[i] == "O" ? Part.Outside : tags[i] switch { ['B', '-', _, ..] => Part.Begin, ['I', '-', _, ..] => Part.Inside, _ => Part.Whole };
            var kind = _parts[i] is Part.Begin or Part.Inside ? tags[i][2..] : tags[i];
            if (!kinds.TryGetValue(kind, out var number)) kinds.Add(kind, number = kinds.Count);
            _kinds[i] = _parts[i] == Part.Outside ? Outside : number;
        }
    }

    private enum Part
    {
        Outside,
        Begin,
        Inside,
        Whole,
    }

    /// <summary>How many tags there are.</summary>
    public int Count => _parts.Length;

    /// <summary>Counts the entities of a row.</summary>
    /// <param name="given">Its tags by token; <see cref="None"/>: a token has none.</param>
    /// <param name="said">A model's tags, same shape.</param>
    public EntityCounts Compare(ReadOnlySpan<int> given, ReadOnlySpan<int> said)
    {
        if (given.Length != said.Length) throw new ArgumentException($"{said.Length} tags do not fit {given.Length} tokens.", nameof(said));
        var (entities, found, matched) = (0, 0, 0);
        var open = false; // one entity runs in both, from the same token on and of the same kind
        int lastGiven = None, lastSaid = None;
        for (var i = 0; i <= given.Length; i++)
        {
            var (nowGiven, nowSaid) = i < given.Length ? (given[i], said[i]) : (None, None);
            var (endsGiven, endsSaid) = (Ends(lastGiven, nowGiven), Ends(lastSaid, nowSaid));
            if (open && (endsGiven || endsSaid))
            {
                if (endsGiven && endsSaid) matched++;
                open = false;
            }
            var (startsGiven, startsSaid) = (Starts(lastGiven, nowGiven), Starts(lastSaid, nowSaid));
            if (startsGiven) entities++;
            if (startsSaid) found++;
            if (startsGiven && startsSaid) open = KindOf(nowGiven) == KindOf(nowSaid);
            (lastGiven, lastSaid) = (nowGiven, nowSaid);
        }
        return new EntityCounts(entities, found, matched);
    }

    private Part PartOf(int tag) => tag == None ? Part.Outside : _parts[tag];

    private int KindOf(int tag) => tag == None ? Outside : _kinds[tag];

    private bool Starts(int last, int now) => PartOf(now) switch
    {
        Part.Outside => false,
        Part.Inside => !GoesOn(last, now),
        _ => true,
    };

    private bool Ends(int last, int now) => PartOf(last) != Part.Outside && !(PartOf(now) == Part.Inside && GoesOn(last, now));

    // Whether I-X stands after B-X or I-X.
    private bool GoesOn(int last, int now) => PartOf(last) is Part.Begin or Part.Inside && KindOf(last) == KindOf(now);
}
