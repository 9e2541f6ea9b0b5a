using System.Security.Cryptography;
using System.Text.Json;

namespace Comity.Federation.AtRest;

/// <summary>A state's data keys, of which the newest seals and all open; and the form in which they are wrapped.</summary>
internal sealed class VaultKeys : IDisposable
{
    private const int Entry = sizeof(ulong) + 32;
    private const int TagBytes = 16;
    private readonly List<(ulong Id, byte[] Key)> _keys;

    private VaultKeys(List<(ulong, byte[])> keys) => _keys = keys;

    /// <summary>Id of the key that seals.</summary>
    public ulong Newest => _keys[^1].Id;

    /// <summary>How many there are.</summary>
    public int Count => _keys.Count;

    /// <summary>Ids of all of them, in hexadecimal.</summary>
    public IReadOnlyList<string> Names => [.. _keys.Select(k => k.Id.ToString("x16", System.Globalization.CultureInfo.InvariantCulture))];

    public static VaultKeys Make() => new([Fresh()]);

    /// <summary>The same keys and a fresh one, which seals from here on.</summary>
    public VaultKeys Renewed() => new([.. _keys.Select(k => (k.Id, k.Key.AsSpan().ToArray())), Fresh()]);

    public byte[]? Find(ulong id)
    {
        foreach (var (known, key) in _keys)
        {
            if (known == id) return key;
        }
        return null;
    }

    /// <summary>The keys, wrapped by what opens the state.</summary>
    public WrappedKeys Wrap(StateKey by)
    {
        var (salt, nonce, plain) = (RandomNumberGenerator.GetBytes(16), RandomNumberGenerator.GetBytes(12), new byte[_keys.Count * Entry]);
        for (var i = 0; i < _keys.Count; i++)
        {
            BitConverter.TryWriteBytes(plain.AsSpan(i * Entry), _keys[i].Id);
            _keys[i].Key.CopyTo(plain, (i * Entry) + sizeof(ulong));
        }
        var iterations = by.IsPassphrase ? StateKey.Iterations : 0;
        var (cipher, tag, wrapping) = (new byte[plain.Length], new byte[TagBytes], by.Wrapping(salt, iterations));
        var wrapped = new WrappedKeys(1, by.IsPassphrase ? "pbkdf2-sha256" : "hkdf-sha256", iterations, salt, nonce, [], tag);
        using (var aes = new AesGcm(wrapping, TagBytes)) aes.Encrypt(nonce, plain, cipher, tag, wrapped.Context());
        CryptographicOperations.ZeroMemory(wrapping);
        CryptographicOperations.ZeroMemory(plain);
        return wrapped with { Keys = cipher };
    }

    /// <summary>Opens wrapped keys; null: they are another key's.</summary>
    /// <exception cref="InvalidDataException">Their form is none.</exception>
    public static VaultKeys? Unwrap(WrappedKeys wrapped, StateKey by)
    {
        if (!wrapped.IsWhole) throw new InvalidDataException("version, derivation or lengths");
        if (wrapped.ByPassphrase != by.IsPassphrase) return null;
        var (plain, wrapping) = (new byte[wrapped.Keys.Length], by.Wrapping(wrapped.Salt, wrapped.Iterations));
        try
        {
            using var aes = new AesGcm(wrapping, TagBytes);
            aes.Decrypt(wrapped.Nonce, wrapped.Keys, wrapped.Tag, plain, wrapped.Context());
            var keys = new List<(ulong, byte[])>();
            for (var at = 0; at < plain.Length; at += Entry) keys.Add((BitConverter.ToUInt64(plain, at), plain[(at + sizeof(ulong))..(at + Entry)]));
            return new(keys);
        }
        catch (AuthenticationTagMismatchException)
        {
            return null;
        }
        finally
        {
            CryptographicOperations.ZeroMemory(wrapping);
            CryptographicOperations.ZeroMemory(plain);
        }
    }

    public void Dispose()
    {
        foreach (var (_, key) in _keys) CryptographicOperations.ZeroMemory(key);
    }

    private static (ulong, byte[]) Fresh() => (BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(sizeof(ulong))), RandomNumberGenerator.GetBytes(32));

    /// <summary>Data keys as <c>vault.json</c> keeps them.</summary>
    /// <param name="Version">Form of the file: 1.</param>
    /// <param name="Derivation">How the wrapping key follows from the given one.</param>
    /// <param name="Iterations">Rounds of PBKDF2; 0 where there is none.</param>
    /// <param name="Salt">16 bytes.</param>
    /// <param name="Nonce">12 bytes.</param>
    /// <param name="Keys">The keys, encrypted.</param>
    /// <param name="Tag">16 bytes.</param>
    internal sealed record WrappedKeys(int Version, string Derivation, int Iterations, byte[] Salt, byte[] Nonce, byte[] Keys, byte[] Tag)
    {
        public bool ByPassphrase => Derivation == "pbkdf2-sha256";

        // Rounds are bounded above too: a changed file must not keep a process busy for hours.
        public bool IsWhole => Version == 1 && Derivation is "pbkdf2-sha256" or "hkdf-sha256" && Salt is { Length: 16 } && Nonce is { Length: 12 } && Tag is { Length: TagBytes }
            && Keys is { Length: > 0 and <= 4096 * Entry } && Keys.Length % Entry == 0 && (ByPassphrase ? Iterations is >= StateKey.Iterations and <= 100 * StateKey.Iterations : Iterations == 0);

        public byte[] Context() => JsonSerializer.SerializeToUtf8Bytes(new { context = "comity state vault", Version, Derivation, Iterations });
    }
}
