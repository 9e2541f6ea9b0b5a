using System.Security.Cryptography;

namespace Comity.Transport.Signing;

/// <summary>What became of a signed call.</summary>
public enum CallVerdict
{
    /// <summary>It is new and fresh.</summary>
    Fresh,

    /// <summary>It was made too long ago, or in the future: one of the clocks is wrong, or the call is stale.</summary>
    Stale,

    /// <summary>It was meant for this coordinator before it was started again; the caller asks for the new epoch and signs again.</summary>
    OtherEpoch,

    /// <summary>A call with this number has been accepted already, or so many since that it is too old to tell.</summary>
    Replayed,
}

/// <summary>Remembers the calls of each key for as long as they count as fresh, so that none is accepted twice.</summary>
/// <remarks>
/// Calls may overtake one another (HTTP/2 carries many at once), so a growing counter would refuse honest ones. Memory is bounded: at most
/// <see cref="MostPerKey"/> numbers a key, and only keys that were approved get here.
/// </remarks>
public sealed class ReplayGuard
{
    /// <summary>Calls remembered of one key; older numbers than these are refused.</summary>
    public const int MostPerKey = 65536;

    private readonly Lock _gate = new();
    private readonly Dictionary<string, KeyMemory> _keys = new(StringComparer.Ordinal);
    private readonly TimeSpan _skew;

    /// <param name="skew">How far a caller's clock may be off, and how old a call may be.</param>
    public ReplayGuard(TimeSpan skew)
    {
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(skew, TimeSpan.Zero);
        _skew = skew;
        Epoch = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(12));
    }

    /// <summary>Names this process's life; random.</summary>
    public string Epoch { get; }

    /// <summary>Judges a call whose signature was found right, and remembers it.</summary>
    public CallVerdict Judge(RequestSignature call, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(call);
        if ((now - call.Created).Duration() > _skew) return CallVerdict.Stale;
        if (call.Epoch != Epoch) return CallVerdict.OtherEpoch;
        lock (_gate)
        {
            if (!_keys.TryGetValue(call.KeyId, out var memory)) _keys[call.KeyId] = memory = new();
            return memory.Take(call, now - _skew) ? CallVerdict.Fresh : CallVerdict.Replayed;
        }
    }

    private sealed class KeyMemory
    {
        private readonly HashSet<long> _seen = [];
        private readonly PriorityQueue<(long Sequence, DateTimeOffset Created), long> _oldest = new();
        private long _floor = -1;

        public bool Take(RequestSignature call, DateTimeOffset stale)
        {
            // What is stale would be refused for its age, so its number need not be remembered.
            while (_oldest.TryPeek(out var first, out _) && first.Created < stale) _seen.Remove(_oldest.Dequeue().Sequence);
            if (call.Sequence <= _floor || !_seen.Add(call.Sequence)) return false;
            _oldest.Enqueue((call.Sequence, call.Created), call.Sequence);
            if (_seen.Count > MostPerKey)
            {
                _floor = _oldest.Dequeue().Sequence;
                _seen.Remove(_floor);
            }
            return true;
        }
    }
}
