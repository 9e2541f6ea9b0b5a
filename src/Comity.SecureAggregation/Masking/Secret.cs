using System.Security.Cryptography;

namespace Comity.SecureAggregation.Masking;

/// <summary>Bytes that must not be printed, compared in variable time or left behind.</summary>
public sealed class Secret : IDisposable
{
    private readonly byte[] _bytes;

    /// <param name="bytes">Taken over: the secret clears this very array when disposed.</param>
    internal Secret(byte[] bytes) => _bytes = bytes;

    internal ReadOnlySpan<byte> Bytes => _bytes;

    internal static Secret Random(int length) => new(RandomNumberGenerator.GetBytes(length));

    /// <summary>Equality in constant time.</summary>
    public bool Matches(Secret other)
    {
        ArgumentNullException.ThrowIfNull(other);
        return CryptographicOperations.FixedTimeEquals(_bytes, other._bytes);
    }

    /// <summary>Overwrites the bytes.</summary>
    public void Dispose() => CryptographicOperations.ZeroMemory(_bytes);

    /// <summary>Never the bytes.</summary>
    public override string ToString() => "[redacted]";
}
