namespace Comity.Tensors.Parameters;

/// <summary>Lays tensors one after another into a flat vector.</summary>
public sealed class ParameterLayoutBuilder
{
    private readonly List<ParameterEntry> _entries = [];
    private int _next;

    /// <summary>Appends a tensor.</summary>
    /// <param name="name">Dotted name, unique within the layout.</param>
    /// <param name="role">What the values are.</param>
    /// <param name="shape">Row-major shape, each size at least 1.</param>
    /// <returns>The tensor's index in <see cref="ParameterLayout.Entries"/>.</returns>
    /// <exception cref="ArgumentException">The shape is empty or has a size below 1.</exception>
    /// <exception cref="OverflowException">The vector would be longer than 2³¹−1.</exception>
    public int Add(string name, ParameterRole role, params ReadOnlySpan<int> shape)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        if (shape.IsEmpty) throw new ArgumentException($"'{name}' needs a shape.", nameof(shape));
        foreach (var size in shape)
        {
            if (size < 1) throw new ArgumentException($"'{name}' has a size of {size}; 1 is the smallest.", nameof(shape));
        }
        var entry = new ParameterEntry(name, shape.ToArray(), _next, role);
        _next = checked(_next + entry.Length);
        _entries.Add(entry);
        return _entries.Count - 1;
    }

    /// <summary>The layout so far.</summary>
    /// <exception cref="ArgumentException">A name was used twice.</exception>
    public ParameterLayout Build() => new([.. _entries]);
}
