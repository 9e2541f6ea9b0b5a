using Comity.Tensors;
using Comity.Tensors.Differentiation;
using Comity.Tensors.Randomness;

namespace Comity.Learning.Augmentation;

/// <summary>Puts training rows on the tape, changed at random. Allocates nothing after it was made.</summary>
/// <remarks>A row's changes follow from the epoch's seed and its number alone, so they are the same in any batch, order and thread.</remarks>
internal sealed class Augmenter
{
    private readonly AugmentSection[] _changes;
    private readonly MixUpSection? _mixUp;
    private readonly InputShape _input;
    private readonly Dataset _rows;
    private readonly float[] _spare;
    private readonly float[] _partner;
    private readonly int[] _partners;
    private readonly float[] _shares;
    private readonly SeededRandom _random = Seed.Of(0).ToRandom();
    private ulong _epoch;

    /// <param name="changes">What is done, in order.</param>
    /// <param name="input">What a row holds.</param>
    /// <param name="rows">The training rows.</param>
    /// <param name="batch">Most rows that are asked for at once.</param>
    /// <exception cref="ArgumentException">A change is not for such rows; check the section first.</exception>
    public Augmenter(IReadOnlyList<AugmentSection> changes, InputShape input, Dataset rows, int batch)
    {
        if (changes.FirstOrDefault(c => !c.Fits(input)) is { } odd)
            throw new ArgumentException($"{odd.Name} cannot be applied to rows of kind {InputNames.Of(input)}; it needs {odd.Needs}.", nameof(changes));
        (_input, _rows) = (input, rows);
        _changes = [.. changes.Where(c => c is not MixUpSection)];
        _mixUp = changes.OfType<MixUpSection>().FirstOrDefault();
        batch = Math.Min(batch, rows.Rows);
        _spare = new float[rows.Width];
        (_partner, _partners, _shares) = _mixUp is null ? ([], [], []) : (new float[rows.Width], new int[batch], new float[batch]);
    }

    /// <summary>An epoch starts.</summary>
    public void Begin(Seed epoch) => _epoch = epoch.ToRandom().NextUInt64();

    /// <summary>Chosen rows, changed, as a constant on the tape, shape [n, width].</summary>
    public Tensor OnTape(Tape tape, ReadOnlySpan<int> chosen)
    {
        var tensor = tape.Blank(new Shape(chosen.Length, _rows.Width), out var values);
        for (var i = 0; i < chosen.Length; i++)
        {
            var row = values.Slice(i * _rows.Width, _rows.Width);
            Fill(chosen[i], row);
            if (_mixUp is not null) (_partners[i], _shares[i]) = MixIn(chosen[i], row);
        }
        return tensor;
    }

    /// <summary>With which rows the last batch's were mixed.</summary>
    public MixedRows Mixed(int count) => _mixUp is null ? default : new MixedRows(_partners.AsSpan(0, count), _shares.AsSpan(0, count));

    /// <summary>Writes one row, changed.</summary>
    internal void Fill(int row, Span<float> to)
    {
        _rows.Row(row).CopyTo(to);
        Restart(row, 0);
        var map = PlaneMap.Identity;
        foreach (var change in _changes)
        {
            if (change.Probability < 1 && _random.NextDouble() >= change.Probability) continue;
            if (Geometry.Of(change, _input, _random) is { } next)
            {
                map = map.Then(next);
                continue;
            }
            Draw(ref map, to);
            Values.Change(change, to, _input, _random);
        }
        Draw(ref map, to);
    }

    private void Draw(ref PlaneMap map, Span<float> row)
    {
        if (map == PlaneMap.Identity) return;
        row.CopyTo(_spare);
        map.Draw(_spare, row, (ImageInput)_input);
        map = PlaneMap.Identity;
    }

    private (int Partner, float Share) MixIn(int row, Span<float> values)
    {
        Restart(row, 1);
        if (_mixUp!.Probability < 1 && _random.NextDouble() >= _mixUp.Probability) return (row, 1);
        var partner = _random.NextInt32(_rows.Rows);
        var share = (float)Beta(_mixUp.Alpha);
        Fill(partner, _partner);
        for (var i = 0; i < values.Length; i++) values[i] = share * values[i] + (1 - share) * _partner[i];
        return (partner, share);
    }

    // Jöhnk 1964: of two powers of uniforms whose sum is at most 1, the share of the first is Beta(α, α); made for α ≤ 1.
    private double Beta(double alpha)
    {
        while (true)
        {
            var (x, y) = (Math.Pow(_random.NextDouble(), 1 / alpha), Math.Pow(_random.NextDouble(), 1 / alpha));
            // For small α both powers may vanish; then one of the ends is as good as the law's own answer.
            if (x + y == 0) return _random.NextDouble() < 0.5 ? 0 : 1;
            if (x + y <= 1) return x / (x + y);
        }
    }

    // SplitMix64, whose outputs are a bijection of the counter: two records never share a state.
    private void Restart(int row, int purpose)
    {
        var x = _epoch + ((ulong)(uint)row * 2 + (ulong)purpose) * 4 * 0x9E3779B97F4A7C15;
        _random.State = (Next(ref x), Next(ref x), Next(ref x), Next(ref x));
    }

    private static ulong Next(ref ulong x)
    {
        x += 0x9E3779B97F4A7C15;
        var z = x;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
}
