using System.Buffers;
using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using Microsoft.AspNetCore.Connections;

namespace Comity.Serving.Hosting;

/// <summary>The memory that a connection's bytes pass through, in larger pieces than the platform's of 4 KiB.</summary>
/// <remarks>
/// A body of binary tensors is received with one call of the system for each piece: with 4 KiB, 200 of them for 256 rows of 784 numbers, and a turn of the connection's reader for
/// each. The block that was given back last is warm in the processor's cache and goes out first.
/// </remarks>
internal sealed class ReceiveBlocks : MemoryPool<byte>, IMemoryPoolFactory<byte>
{
    public const int BlockBytes = 32 * 1024;

    /// <summary>Blocks that are kept for later; what a burst needed beyond is given to the collector.</summary>
    private const int MostSpare = 512;

    private readonly ConcurrentQueue<Block> _spare = [];
    private readonly WarmPlaces<Block> _warm = new();
    private int _spares;

    public override int MaxBufferSize => BlockBytes;

    public override IMemoryOwner<byte> Rent(int minBufferSize = -1)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(minBufferSize, BlockBytes);
        if (_warm.Take() is { } warm) return warm;
        if (!_spare.TryDequeue(out var spare)) return new Block(this);
        Interlocked.Decrement(ref _spares);
        return spare;
    }

    // One pool for all listeners: it lives as long as the server.
    MemoryPool<byte> IMemoryPoolFactory<byte>.Create(MemoryPoolOptions? options) => this;

    protected override void Dispose(bool disposing)
    {
        // A listener that ends disposes what it was given; other connections may still hold blocks of it. The collector takes the rest.
    }

    private void Return(Block block)
    {
        if (_warm.Exchange(block) is not { } before) return;
        if (Interlocked.Increment(ref _spares) <= MostSpare) _spare.Enqueue(before);
        else Interlocked.Decrement(ref _spares);
    }

    private sealed class Block(ReceiveBlocks owner) : IMemoryOwner<byte>
    {
        // Pinned for good: the system writes into it.
        private readonly byte[] _bytes = GC.AllocateUninitializedArray<byte>(BlockBytes, pinned: true);

        public Memory<byte> Memory => MemoryMarshal.CreateFromPinnedArray(_bytes, 0, BlockBytes);

        public void Dispose() => owner.Return(this);
    }
}
