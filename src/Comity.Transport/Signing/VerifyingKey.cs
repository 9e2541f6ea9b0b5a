using System.Collections.Concurrent;
using System.Security.Cryptography;

namespace Comity.Transport.Signing;

/// <summary>A public key that judges many signatures: brought into the platform's form once, since that costs nearly twice a verification.</summary>
/// <remarks>For several threads at once: each has a copy of the key to itself while it verifies.</remarks>
public sealed class VerifyingKey
{
    private readonly ConcurrentBag<ECDsa> _spare = [];
    private readonly byte[] _publicKey;

    private VerifyingKey(byte[] publicKey) => _publicKey = publicKey;

    /// <summary>A key from its SubjectPublicKeyInfo; null where it is none of P-256.</summary>
    public static VerifyingKey? Of(ReadOnlySpan<byte> publicKey)
    {
        var made = new VerifyingKey(publicKey.ToArray());
        try
        {
            var key = made.Import();
            if (key.KeySize == 256)
            {
                made._spare.Add(key);
                return made;
            }
            key.Dispose();
        }
        catch (Exception e) when (e is CryptographicException or PlatformNotSupportedException)
        {
            // No key, or one on a curve that nobody here knows.
        }
        return null;
    }

    /// <summary>Whether a signature is this key's over the SHA-256 of a text.</summary>
    public bool Verify(ReadOnlySpan<byte> data, ReadOnlySpan<byte> signature, DSASignatureFormat format = DSASignatureFormat.IeeeP1363FixedFieldConcatenation)
    {
        var key = Take();
        try
        {
            return key.VerifyData(data, signature, HashAlgorithmName.SHA256, format);
        }
        catch (CryptographicException)
        {
            return false;
        }
        finally
        {
            _spare.Add(key);
        }
    }

    /// <summary>Verifies what has a form of its own, by the key in the platform's form; nobody else uses it meanwhile.</summary>
    public bool Verify(Func<ECDsa, bool> verify)
    {
        ArgumentNullException.ThrowIfNull(verify);
        var key = Take();
        try
        {
            return verify(key);
        }
        finally
        {
            _spare.Add(key);
        }
    }

    private ECDsa Take() => _spare.TryTake(out var spare) ? spare : Import();

    private ECDsa Import()
    {
        var key = ECDsa.Create();
        key.ImportSubjectPublicKeyInfo(_publicKey, out _);
        return key;
    }
}
