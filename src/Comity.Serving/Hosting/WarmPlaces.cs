namespace Comity.Serving.Hosting;

/// <summary>One place for each core: what was put there last is warm in that core's cache.</summary>
internal sealed class WarmPlaces<T>
    where T : class
{
    // Neighbouring cores' places lie on different cache lines.
    private const int Stride = 8;

    private readonly T?[] _places = new T?[Environment.ProcessorCount * Stride];

    /// <summary>Takes what lies at this core's place; null: nothing does.</summary>
    public T? Take() => Interlocked.Exchange(ref Place(), null);

    /// <summary>Puts something at this core's place.</summary>
    /// <returns>What lay there.</returns>
    public T? Exchange(T value) => Interlocked.Exchange(ref Place(), value);

    /// <summary>Takes everything.</summary>
    public IEnumerable<T> TakeAll()
    {
        for (var i = 0; i < _places.Length; i++)
            if (Interlocked.Exchange(ref _places[i], null) is { } value) yield return value;
    }

    private ref T? Place() => ref _places[Thread.GetCurrentProcessorId() % Environment.ProcessorCount * Stride];
}
