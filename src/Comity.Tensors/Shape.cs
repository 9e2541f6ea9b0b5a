namespace Comity.Tensors;

/// <summary>Sizes of a tensor in row-major order, at most four.</summary>
/// <remarks>Kernels see a matrix: <see cref="Columns"/> is the last size, <see cref="Rows"/> the product of the others.</remarks>
public readonly record struct Shape
{
    private readonly int _size0, _size1, _size2, _size3;

    /// <summary>A vector.</summary>
    public Shape(int size) => (Rank, _size0, _size1, _size2, _size3) = (1, Positive(size), 1, 1, 1);

    /// <summary>A matrix.</summary>
    public Shape(int rows, int columns) => (Rank, _size0, _size1, _size2, _size3) = (2, Positive(rows), Positive(columns), 1, 1);

    /// <summary>Three sizes.</summary>
    public Shape(int size0, int size1, int size2) => (Rank, _size0, _size1, _size2, _size3) = (3, Positive(size0), Positive(size1), Positive(size2), 1);

    /// <summary>Four sizes.</summary>
    public Shape(int size0, int size1, int size2, int size3) => (Rank, _size0, _size1, _size2, _size3) = (4, Positive(size0), Positive(size1), Positive(size2), Positive(size3));

    /// <summary>Number of sizes.</summary>
    public int Rank { get; }

    /// <summary>One of the sizes.</summary>
    public int this[int index] => index switch
    {
        0 when Rank > 0 => _size0,
        1 when Rank > 1 => _size1,
        2 when Rank > 2 => _size2,
        3 when Rank > 3 => _size3,
        _ => throw new ArgumentOutOfRangeException(nameof(index), index, $"The shape has {Rank} sizes."),
    };

    /// <summary>Number of elements.</summary>
    public int Length => checked(_size0 * _size1 * _size2 * _size3);

    /// <summary>The last size.</summary>
    public int Columns => Rank == 0 ? 1 : this[Rank - 1];

    /// <summary>Product of all sizes but the last.</summary>
    public int Rows => Length / Columns;

    /// <summary>The shape that holds both when sizes of 1, or missing first ones, are repeated; aligned at the last size, as NumPy does.</summary>
    /// <returns>Whether there is one.</returns>
    public static bool TryBroadcast(Shape x, Shape y, out Shape shape)
    {
        var rank = Math.Max(x.Rank, y.Rank);
        shape = rank == x.Rank ? x : y;
        for (var i = 1; i <= rank; i++)
        {
            int a = x.FromEnd(i), b = y.FromEnd(i);
            if (a != b && a != 1 && b != 1) return false;
            shape = shape.With(rank - i, Math.Max(a, b));
        }
        return true;
    }

    /// <summary>A parameter's shape.</summary>
    /// <exception cref="ArgumentException">There are more than four sizes, or none.</exception>
    public static Shape Of(IReadOnlyList<int> sizes) => sizes.Count switch
    {
        1 => new(sizes[0]),
        2 => new(sizes[0], sizes[1]),
        3 => new(sizes[0], sizes[1], sizes[2]),
        4 => new(sizes[0], sizes[1], sizes[2], sizes[3]),
        _ => throw new ArgumentException($"A tensor has 1 to 4 sizes, not {sizes.Count}.", nameof(sizes)),
    };

    /// <inheritdoc/>
    public override string ToString() => Rank switch
    {
        1 => $"[{_size0}]",
        2 => $"[{_size0}, {_size1}]",
        3 => $"[{_size0}, {_size1}, {_size2}]",
        _ => $"[{_size0}, {_size1}, {_size2}, {_size3}]",
    };

    /// <summary>A size counted from the last one, which is 1; where there is none: 1.</summary>
    internal int FromEnd(int place) => place <= Rank ? this[Rank - place] : 1;

    /// <summary>The same with another size at an index.</summary>
    internal Shape With(int index, int size) => Rank switch
    {
        1 => new(size),
        2 => new(index == 0 ? size : _size0, index == 1 ? size : _size1),
        3 => new(index == 0 ? size : _size0, index == 1 ? size : _size1, index == 2 ? size : _size2),
        _ => new(index == 0 ? size : _size0, index == 1 ? size : _size1, index == 2 ? size : _size2, index == 3 ? size : _size3),
    };

    /// <summary>The same without the size at an index; there are others.</summary>
    internal Shape Without(int index) => Rank switch
    {
        2 => new(this[1 - index]),
        3 => new(index == 0 ? _size1 : _size0, index == 2 ? _size1 : _size2),
        _ => new(index == 0 ? _size1 : _size0, index <= 1 ? _size2 : _size1, index == 3 ? _size2 : _size3),
    };

    private static int Positive(int size) => size > 0 ? size : throw new ArgumentOutOfRangeException(nameof(size), size, "A size must be at least 1.");
}
