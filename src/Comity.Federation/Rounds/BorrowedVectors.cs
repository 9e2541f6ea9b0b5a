namespace Comity.Federation.Rounds;

/// <summary>The vectors that one site call works with, borrowed from the slots and given back together when its answer is stored.</summary>
/// <remarks>A call that fails keeps them: what it began may still write into them.</remarks>
internal sealed class BorrowedVectors(WorkSlots slots)
{
    private readonly List<float[]> _taken = [];

    /// <summary>A vector with any content.</summary>
    public float[] Take(int length)
    {
        var vector = slots.Rent(length);
        _taken.Add(vector);
        return vector;
    }

    /// <summary>A vector of zeros.</summary>
    public float[] TakeZeros(int length)
    {
        var vector = Take(length);
        Array.Clear(vector);
        return vector;
    }

    /// <summary>Gives them all back; nobody may look at them any more.</summary>
    public void Return()
    {
        foreach (var vector in _taken) slots.Return(vector);
        _taken.Clear();
    }
}
