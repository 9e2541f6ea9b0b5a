using System.Collections.Concurrent;

namespace Comity.Coordinator.Studies;

/// <summary>Buffers for chunks that arrive, so many and no more: a shared pool would keep one for each thread that ever gave one back.</summary>
internal sealed class ChunkBuffers(int most) : IDisposable
{
    private readonly SemaphoreSlim _free = new(most);
    private readonly ConcurrentBag<byte[]> _buffers = [];

    /// <summary>A buffer of at least so many bytes, once one is free.</summary>
    public async Task<byte[]> RentAsync(int bytes, CancellationToken cancellationToken)
    {
        await _free.WaitAsync(cancellationToken);
        return _buffers.TryTake(out var buffer) && buffer.Length >= bytes ? buffer : new byte[bytes];
    }

    /// <summary>Gives it back.</summary>
    public void Return(byte[] buffer)
    {
        _buffers.Add(buffer);
        _free.Release();
    }

    /// <summary>Forgets them, where no study is under way.</summary>
    public void Trim() => _buffers.Clear();

    public void Dispose() => _free.Dispose();
}
