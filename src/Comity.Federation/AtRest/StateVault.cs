using System.Security.Cryptography;
using System.Text.Json;
using Comity.Declarations;

namespace Comity.Federation.AtRest;

/// <summary>Where a party's models, updates, shares and keys go and come from: encrypted files where the state has a key, else files as they are.</summary>
/// <remarks>
/// <code>
/// key from file, environment or passphrase ──wraps──► data keys in STATE/vault.json ──HKDF, a salt for each file──► AES-256-GCM, page by page
/// </code>
/// Rotation wraps the data keys anew and adds one for what is written from then on; nothing else is written again. A file shows by its first bytes whether it is
/// sealed, so what lay there before the state had a key stays readable until it is replaced; <see cref="SealWhatIsNot"/> replaces it.
/// </remarks>
public sealed class StateVault : IDisposable
{
    /// <summary>Name of the file with the wrapped data keys in the folder of a state.</summary>
    public const string FileName = "vault.json";

    private readonly VaultKeys? _keys;

    private StateVault(VaultKeys? keys) => _keys = keys;

    /// <summary>Files as they are.</summary>
    public static StateVault Plain { get; } = new(null);

    /// <summary>Whether what is written is encrypted.</summary>
    public bool IsSealed => _keys is not null;

    /// <summary>Names of the data keys that it holds, the oldest first: what one vault sealed, another one opens only with all of them. Empty: nothing is sealed.</summary>
    public IReadOnlyList<string> KeyNames => _keys?.Names ?? [];

    /// <summary>Whether the state in a folder has a key.</summary>
    public static bool IsSealedState(string folder) => File.Exists(Path.Combine(folder, FileName));

    /// <summary>Opens a state; with a key and no vault, a vault is made.</summary>
    /// <param name="folder">The folder of the state.</param>
    /// <param name="key">What opens it; null: nothing was given.</param>
    /// <exception cref="InvalidDeclarationException">The state has a key and another one or none was given, or its vault is damaged or gone.</exception>
    public static StateVault Open(string folder, StateKey? key)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        var path = Path.Combine(folder, FileName);
        if (!File.Exists(path))
        {
            // A fresh vault would open none of it, and would be kept in the place of the one that does.
            if (SealedFileIn(folder) is { } orphan) throw Refused("state-vault-gone", path, Path.GetFileName(orphan));
            if (key is null) return Plain;
            Directory.CreateDirectory(folder);
            var made = VaultKeys.Make();
            Write(path, made.Wrap(key));
            return new(made);
        }
        if (key is null) throw Refused("state-key-missing", path);
        return new(Unwrap(path, key) ?? throw Refused("state-key-wrong", path, key.Source));
    }

    /// <summary>Has a state opened by another key from here on, and seals what is written later with a fresh data key. Stopped at any point the state is opened by one of the two; done again it is the same.</summary>
    /// <param name="folder">The folder of the state.</param>
    /// <param name="old">What opens it now.</param>
    /// <param name="next">What shall open it.</param>
    /// <returns>How many data keys there are.</returns>
    /// <exception cref="InvalidDeclarationException">The state has no key, or it is neither of these.</exception>
    public static int Rotate(string folder, StateKey? old, StateKey next)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        ArgumentNullException.ThrowIfNull(next);
        var path = Path.Combine(folder, FileName);
        if (!File.Exists(path)) throw Refused("state-not-sealed", folder);
        using var keys = old is null ? null : Unwrap(path, old);
        if (keys is null)
        {
            using var already = Unwrap(path, next); // it was done, and whoever asked was killed before he heard of it
            return already?.Count ?? throw (old is null ? Refused("state-key-missing", path) : Refused("state-key-wrong", path, old.Source));
        }
        using var renewed = keys.Renewed();
        Write(path, renewed.Wrap(next));
        return renewed.Count;
    }

    /// <summary>Opens a file to read it.</summary>
    /// <exception cref="InvalidDataException">It is sealed, and was changed, or its key is not there.</exception>
    public StateFile Read(string path) => Opened(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, growing: false);

    /// <summary>Begins a file of a length, or empties the one that is there.</summary>
    /// <param name="path">The file.</param>
    /// <param name="length">Bytes of its content.</param>
    /// <param name="ownerOnly">Whether nobody else may read it.</param>
    public StateFile Create(string path, long length, bool ownerOnly = false)
    {
        if (ownerOnly) OwnerOnly(path);
        var handle = File.OpenHandle(path, FileMode.Create, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete, _keys is null ? FileOptions.Asynchronous : FileOptions.None);
        return _keys is null ? new PlainStateFile(handle) : SealedStateFile.Create(path, handle, _keys, length);
    }

    /// <summary>Goes on with a file that is put together from parts in any order, or begins it. What is not there yet reads as zeros, or not at all.</summary>
    /// <param name="path">The file.</param>
    /// <param name="length">Bytes of its content when it is whole.</param>
    public StateFile Assemble(string path, long length)
    {
        if (!File.Exists(path)) return Create(path, length);
        StateFile? there = null;
        try
        {
            there = Opened(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete, growing: true);
            // Begun before the state had a key, or for another body.
            if (there is SealedStateFile sealedFile ? IsSealed && sealedFile.Whole == length : !IsSealed && there.Length <= length) return there;
        }
        catch (InvalidDataException)
        {
            // Torn in its header: begun anew.
        }
        there?.Dispose();
        return Create(path, length);
    }

    /// <summary>Reads a whole file.</summary>
    /// <exception cref="InvalidDataException">It is sealed, and was changed, or its key is not there.</exception>
    public byte[] ReadAll(string path)
    {
        using var file = Read(path);
        var bytes = new byte[file.Length];
        file.ReadExactly(0, bytes);
        return bytes;
    }

    /// <summary>Writes a file whole or not at all.</summary>
    /// <param name="path">The file.</param>
    /// <param name="bytes">Its content.</param>
    /// <param name="flush">Whether it must survive loss of power.</param>
    /// <param name="ownerOnly">Whether nobody else may read it.</param>
    public void WriteAll(string path, ReadOnlySpan<byte> bytes, bool flush = false, bool ownerOnly = false)
    {
        var partial = path + ".part";
        using (var file = Create(partial, bytes.Length, ownerOnly))
        {
            file.Write(0, bytes);
            if (flush) file.FlushToDisk();
        }
        File.Move(partial, path, overwrite: true);
    }

    /// <summary>Whether a file is sealed.</summary>
    public static bool IsSealedFile(string path)
    {
        using var handle = File.OpenHandle(path);
        return SealedStateFile.Is(handle);
    }

    /// <summary>Seals files that lay there before the state had a key. Each is replaced as a whole, and what was there is overwritten.</summary>
    /// <returns>How many were not sealed.</returns>
    public int SealWhatIsNot(IEnumerable<string> files)
    {
        ArgumentNullException.ThrowIfNull(files);
        if (!IsSealed) throw new InvalidOperationException("The state has no key.");
        var count = 0;
        foreach (var path in files.ToList().Where(f => !IsSealedFile(f)))
        {
            var partial = path + ".sealing";
            using (var from = File.OpenHandle(path))
            using (var to = Create(partial, RandomAccess.GetLength(from), ownerOnly: true))
            {
                var buffer = new byte[1 << 20];
                for (long at = 0; ;)
                {
                    var read = RandomAccess.Read(from, buffer, at);
                    if (read == 0) break;
                    to.Write(at, buffer.AsSpan(0, read));
                    at += read;
                }
                to.FlushToDisk();
                CryptographicOperations.ZeroMemory(buffer);
            }
            using var old = new FileStream(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete);
            File.Move(partial, path, overwrite: true);
            Masking.PrivateFile.Overwrite(old);
            count++;
        }
        return count;
    }

    /// <inheritdoc/>
    public void Dispose() => _keys?.Dispose();

    private static string? SealedFileIn(string folder)
    {
        if (!Directory.Exists(folder)) return null;
        return Directory.EnumerateFiles(folder).Order(StringComparer.Ordinal).FirstOrDefault(f =>
        {
            try
            {
                return IsSealedFile(f);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                return false; // whoever needs it will say so
            }
        });
    }

    private static void OwnerOnly(string path)
    {
        File.Delete(path);
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        new FileStream(path, options).Dispose();
    }

    private StateFile Opened(string path, FileMode mode, FileAccess access, FileShare share, bool growing)
    {
        var handle = File.OpenHandle(path, mode, access, share, _keys is null ? FileOptions.Asynchronous : FileOptions.None);
        try
        {
            if (!SealedStateFile.Is(handle)) return new PlainStateFile(handle);
            return SealedStateFile.Open(path, handle, _keys ?? throw new InvalidDataException($"{path} is sealed, and no key was given."), growing);
        }
        catch
        {
            handle.Dispose();
            throw;
        }
    }

    private static VaultKeys? Unwrap(string path, StateKey key)
    {
        try
        {
            var wrapped = JsonSerializer.Deserialize<VaultKeys.WrappedKeys>(File.ReadAllBytes(path), JsonSerializerOptions.Web) ?? throw new InvalidDataException("null");
            return VaultKeys.Unwrap(wrapped, key);
        }
        catch (Exception e) when (e is JsonException or InvalidDataException)
        {
            throw Refused("state-vault-damaged", path, e.Message);
        }
    }

    private static void Write(string path, VaultKeys.WrappedKeys wrapped)
    {
        var draft = path + ".new";
        OwnerOnly(draft);
        using (var file = new FileStream(draft, FileMode.Open, FileAccess.Write))
        {
            JsonSerializer.Serialize(file, wrapped, JsonSerializerOptions.Web);
            file.Flush(flushToDisk: true);
        }
        File.Move(draft, path, overwrite: true);
    }

    private static InvalidDeclarationException Refused(string code, string path, params object?[] arguments) => new([Messages.Problem(code, Place.InFile(path), arguments)]);
}
