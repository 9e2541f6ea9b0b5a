using System.Collections.Concurrent;
using Comity.Serving.Protocol;

namespace Comity.Serving.Hosting;

/// <summary>Exchanges that are not in use. The one that was given back last is warm in the processor's cache and goes out first.</summary>
internal sealed class ExchangePool(byte[] sealKey) : IDisposable
{
    private readonly ConcurrentQueue<Exchange> _spare = [];
    private readonly Exchange?[] _warm = new Exchange?[Environment.ProcessorCount * Stride];

    // Neighbouring cores' places lie on different cache lines.
    private const int Stride = 8;

    public Exchange Take() =>
        Interlocked.Exchange(ref Place(), null) ?? (_spare.TryDequeue(out var spare) ? spare : new Exchange(sealKey));

    public void Return(Exchange exchange)
    {
        if (Interlocked.Exchange(ref Place(), exchange) is { } before) _spare.Enqueue(before);
    }

    public void Dispose()
    {
        for (var i = 0; i < _warm.Length; i++) Interlocked.Exchange(ref _warm[i], null)?.Dispose();
        while (_spare.TryDequeue(out var exchange)) exchange.Dispose();
    }

    private ref Exchange? Place() => ref _warm[Thread.GetCurrentProcessorId() % Environment.ProcessorCount * Stride];
}
