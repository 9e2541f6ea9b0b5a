using System.Collections.Concurrent;
using Comity.Serving.Protocol;

namespace Comity.Serving.Hosting;

/// <summary>Exchanges that are not in use. The one that was given back last is warm in the processor's cache and goes out first.</summary>
internal sealed class ExchangePool(byte[] sealKey) : IDisposable
{
    private readonly ConcurrentQueue<Exchange> _spare = [];
    private readonly WarmPlaces<Exchange> _warm = new();

    public Exchange Take() => _warm.Take() ?? (_spare.TryDequeue(out var spare) ? spare : new Exchange(sealKey));

    public void Return(Exchange exchange)
    {
        if (_warm.Exchange(exchange) is { } before) _spare.Enqueue(before);
    }

    public void Dispose()
    {
        foreach (var exchange in _warm.TakeAll()) exchange.Dispose();
        while (_spare.TryDequeue(out var exchange)) exchange.Dispose();
    }
}
