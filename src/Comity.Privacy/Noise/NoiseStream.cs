using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Comity.Privacy.Noise;

/// <summary>An unpredictable stream of uniform bits: AES-256 in counter mode under a fresh key.</summary>
/// <remarks>
/// NIST SP 800-38A, §6.5. A key serves one stream and is never stored, so no draw can happen twice. Only simulations and
/// tests choose the key themselves. Not thread-safe.
/// </remarks>
public sealed class NoiseStream : IDisposable
{
    private const int BlockBytes = 16;
    private readonly Aes _aes;
    private readonly ICryptoTransform _encryptor;
    private readonly byte[] _counters = new byte[512 * BlockBytes];
    private readonly byte[] _stream = new byte[512 * BlockBytes];
    private ulong _block;
    private int _used;

    private NoiseStream(byte[] key)
    {
        _aes = Aes.Create();
        (_aes.Mode, _aes.Padding) = (CipherMode.ECB, PaddingMode.None);
        _aes.Key = key;
        CryptographicOperations.ZeroMemory(key);
        _encryptor = _aes.CreateEncryptor();
        _used = _stream.Length;
    }

    /// <summary>A stream under a key from the operating system's generator.</summary>
    public static NoiseStream Secure() => new(RandomNumberGenerator.GetBytes(32));

    /// <summary>A repeatable stream, for simulations and tests only: whoever knows the key can take the noise off again.</summary>
    /// <param name="key">32 bytes.</param>
    public static NoiseStream Repeatable(ReadOnlySpan<byte> key)
    {
        if (key.Length != 32) throw new ArgumentException("The key must have 32 bytes.", nameof(key));
        return new(key.ToArray());
    }

    /// <summary>Fills with uniform bytes.</summary>
    public void Fill(Span<byte> destination)
    {
        while (destination.Length > 0)
        {
            if (_used == _stream.Length) Refill();
            var taken = Math.Min(destination.Length, _stream.Length - _used);
            _stream.AsSpan(_used, taken).CopyTo(destination);
            destination = destination[taken..];
            _used += taken;
        }
    }

    /// <summary>64 uniform bits.</summary>
    public ulong NextUInt64()
    {
        Span<byte> bytes = stackalloc byte[8];
        Fill(bytes);
        return BinaryPrimitives.ReadUInt64LittleEndian(bytes);
    }

    /// <summary>Uniform in [0, <paramref name="bound"/>), without bias.</summary>
    public UInt128 Below(UInt128 bound)
    {
        if (bound == 0) throw new ArgumentOutOfRangeException(nameof(bound), "The bound must be positive.");
        var mask = bound - 1;
        for (var shift = 1; shift < 128; shift *= 2) mask |= mask >> shift;
        while (true)
        {
            var draw = mask >> 64 == 0 ? NextUInt64() & (ulong)mask : new UInt128(NextUInt64(), NextUInt64()) & mask;
            if (draw < bound) return draw;
        }
    }

    /// <summary>Forgets the key and what was not used.</summary>
    public void Dispose()
    {
        CryptographicOperations.ZeroMemory(_stream);
        _encryptor.Dispose();
        _aes.Dispose();
    }

    /// <summary>Never the key.</summary>
    public override string ToString() => "NoiseStream [redacted]";

    private void Refill()
    {
        for (var at = 0; at < _counters.Length; at += BlockBytes)
            BinaryPrimitives.WriteUInt128BigEndian(_counters.AsSpan(at), _block++);
        _encryptor.TransformBlock(_counters, 0, _counters.Length, _stream, 0);
        _used = 0;
    }
}
