using System.Collections.Concurrent;

namespace Comity.Transport.Signing;

/// <summary>The public keys whose signatures arrive, each made ready once. What a key may do is asked elsewhere, at every call.</summary>
public sealed class VerifyingKeys
{
    // Keys of former members would stay for ever: beyond this all are dropped, and made again when they are needed.
    private const int Most = 8192;
    private readonly ConcurrentDictionary<string, VerifyingKey> _keys = new(StringComparer.Ordinal);

    /// <summary>A key by its SubjectPublicKeyInfo; null where it is none of P-256.</summary>
    public VerifyingKey? Of(ReadOnlySpan<byte> publicKey)
    {
        var name = Convert.ToBase64String(publicKey);
        if (_keys.TryGetValue(name, out var known)) return known;
        if (VerifyingKey.Of(publicKey) is not { } made) return null;
        if (_keys.Count >= Most) _keys.Clear();
        return _keys.GetOrAdd(name, made);
    }
}
