namespace Comity.Serving.Inference;

/// <summary>Answers of one version, found again by the content of their input.</summary>
/// <remarks>
/// Each version has a cache of its own, so an answer of another version can't be found. A place holds one immutable entry and is
/// replaced as a whole: readers need no lock. Hashes are seeded by the process, so nobody can aim at one place; the
/// whole input is compared besides.
/// </remarks>
internal sealed class ResultCache
{
    private const int EntryOverhead = 96;
    private readonly Entry?[] _places;

    private ResultCache(int places) => _places = new Entry?[places];

    /// <summary>A cache of about so many bytes; null: none.</summary>
    public static ResultCache? Of(ServedModel model, long bytes)
    {
        var places = bytes / (EntryOverhead + (sizeof(float) * (long)(model.Inputs + model.Outputs)));
        return places < 1 ? null : new ResultCache((int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)Math.Min(places, 1 << 20)) / (places > 1 ? 2 : 1));
    }

    /// <summary>Looks an input up.</summary>
    /// <param name="input">Shape [inputs].</param>
    /// <param name="outputs">Shape [outputs]; overwritten where the input is known.</param>
    /// <param name="hash">The input's hash, for <see cref="Keep"/>.</param>
    public bool TryFind(ReadOnlySpan<float> input, Span<float> outputs, out int hash)
    {
        var code = new HashCode();
        code.AddBytes(System.Runtime.InteropServices.MemoryMarshal.AsBytes(input));
        hash = code.ToHashCode();
        if (Volatile.Read(ref _places[hash & (_places.Length - 1)]) is not { } entry || entry.Hash != hash || !SameBits(entry.Input, input)) return false;
        entry.Outputs.CopyTo(outputs);
        return true;
    }

    /// <summary>Keeps an answer, in the place of whichever was there.</summary>
    public void Keep(ReadOnlySpan<float> input, ReadOnlySpan<float> outputs, int hash) =>
        Volatile.Write(ref _places[hash & (_places.Length - 1)], new Entry(hash, input.ToArray(), outputs.ToArray()));

    // Bits and not values: 0 and −0 are equal and need not be the same input.
    private static bool SameBits(ReadOnlySpan<float> a, ReadOnlySpan<float> b) =>
        System.Runtime.InteropServices.MemoryMarshal.AsBytes(a).SequenceEqual(System.Runtime.InteropServices.MemoryMarshal.AsBytes(b));

    private sealed record Entry(int Hash, float[] Input, float[] Outputs);
}
