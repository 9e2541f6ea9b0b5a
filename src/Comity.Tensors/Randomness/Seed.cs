using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Comity.Tensors.Randomness;

/// <summary>A seed from which further seeds are derived by name, so that adding a consumer moves nobody else's stream.</summary>
/// <remarks>
/// <c>seed.For("shuffle", round, site)</c> is SHA-256 over the parent and the length-prefixed parts. Equal names give equal
/// streams on every platform. Never a source of privacy noise or masks in a real federation.
/// </remarks>
public readonly struct Seed : IEquatable<Seed>
{
    private readonly UInt128 _value;

    private Seed(UInt128 value) => _value = value;

    /// <summary>The seed of a study.</summary>
    public static Seed Of(ulong value) => new(value);

    /// <summary>The seed of a named purpose below this one.</summary>
    /// <param name="purpose">What the stream is for, such as <c>shuffle</c>.</param>
    /// <param name="parts">What tells this stream from its siblings: texts and whole numbers.</param>
    public Seed For(string purpose, params ReadOnlySpan<object> parts)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Span<byte> parent = stackalloc byte[16];
        BinaryPrimitives.WriteUInt128LittleEndian(parent, _value);
        hash.AppendData(parent);
        Append(hash, purpose);
        foreach (var part in parts)
        {
            Append(hash, part switch
            {
                string text => text,
                IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
                _ => throw new ArgumentException($"A seed is named by texts and numbers, not by {part.GetType().Name}.", nameof(parts)),
            });
        }
        Span<byte> digest = stackalloc byte[32];
        hash.GetHashAndReset(digest);
        return new Seed(BinaryPrimitives.ReadUInt128LittleEndian(digest));
    }

    /// <summary>A generator that starts here.</summary>
    public SeededRandom ToRandom() => new((ulong)_value, (ulong)(_value >> 64));

    /// <inheritdoc/>
    public bool Equals(Seed other) => _value == other._value;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is Seed other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => _value.GetHashCode();

    /// <summary>Equality of seeds.</summary>
    public static bool operator ==(Seed left, Seed right) => left.Equals(right);

    /// <summary>Inequality of seeds.</summary>
    public static bool operator !=(Seed left, Seed right) => !left.Equals(right);

    private static void Append(IncrementalHash hash, string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        Span<byte> length = stackalloc byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(length, bytes.Length);
        hash.AppendData(length);
        hash.AppendData(bytes);
    }
}
