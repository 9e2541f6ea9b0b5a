using System.Buffers;
using System.Buffers.Binary;
using System.Security.Cryptography;
using Microsoft.Win32.SafeHandles;

namespace Comity.Federation.AtRest;

/// <summary>A file whose pages are encrypted and authenticated one by one, so that any of them is read and written without the others.</summary>
/// <remarks>
/// <code>
/// file   = header (48) | page | page | … | last page
/// header = "CMTYSEA1" | data key's id (8) | salt (16) | content's length i64 | bytes of a page i32 | 0 i32
/// page   = nonce (12) | tag (16) | ciphertext: AES-256-GCM (NIST SP 800-38D), authenticated with its number and whether it is the last
/// </code>
/// Each file has a key of its own: HKDF-SHA256 (RFC 5869) of the data key with the file's salt and its whole header, so a changed header opens nothing.
/// The number keeps pages in their places and the mark of the last one shows truncation, as in STREAM (Hoang, Reyhanitabar, Rogaway and Vizár 2015).
/// A page that is written again gets a new random nonce; below one key there are never near the 2³² of them that SP 800-38D allows.
/// </remarks>
internal sealed class SealedStateFile : StateFile
{
    public const int PageBytes = 1 << 16;
    private const int HeaderBytes = 48;
    private const int NonceBytes = 12;
    private const int TagBytes = 16;
    private const int Overhead = NonceBytes + TagBytes;

    private readonly Lock _gate = new();
    private readonly string _path;
    private readonly SafeFileHandle _handle;
    private readonly AesGcm _aes;
    private readonly bool _growing;

    private SealedStateFile(string path, SafeFileHandle handle, AesGcm aes, long length, bool growing) => (_path, _handle, _aes, Whole, _growing) = (path, handle, aes, length, growing);

    private static ReadOnlySpan<byte> Magic => "CMTYSEA1"u8;

    /// <summary>Bytes of the content; of one that is being put together, those up to its last page on the disk.</summary>
    public override long Length => _growing ? Math.Min(Whole, Math.Max(0, (RandomAccess.GetLength(_handle) - HeaderBytes + PageBytes + Overhead - 1) / (PageBytes + Overhead) * PageBytes)) : Whole;

    /// <summary>Bytes of the content when all of it is there.</summary>
    public long Whole { get; }

    private long LastPage => Math.Max(0, (Whole - 1) / PageBytes);

    /// <summary>Whether a file begins like a sealed one.</summary>
    public static bool Is(SafeFileHandle handle)
    {
        Span<byte> start = stackalloc byte[8];
        return RandomAccess.Read(handle, start, 0) == start.Length && start.SequenceEqual(Magic);
    }

    /// <summary>Begins a file: its header is written. It takes over the handle.</summary>
    public static SealedStateFile Create(string path, SafeFileHandle handle, VaultKeys keys, long length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        Span<byte> header = stackalloc byte[HeaderBytes];
        header.Clear();
        Magic.CopyTo(header);
        BinaryPrimitives.WriteUInt64LittleEndian(header[8..], keys.Newest);
        RandomNumberGenerator.Fill(header.Slice(16, 16));
        BinaryPrimitives.WriteInt64LittleEndian(header[32..], length);
        BinaryPrimitives.WriteInt32LittleEndian(header[40..], PageBytes);
        RandomAccess.Write(handle, header, 0);
        var file = new SealedStateFile(path, handle, KeyOf(keys, header)!, length, growing: true);
        if (length == 0) file.Store(0, []); // else nothing would be authenticated
        return file;
    }

    /// <summary>Opens a file. It takes over the handle.</summary>
    /// <param name="path">What errors call it.</param>
    /// <param name="handle">The file.</param>
    /// <param name="keys">The data keys.</param>
    /// <param name="growing">Whether pages may still be missing: they then read as zeros.</param>
    /// <exception cref="InvalidDataException">It was changed or cut short, or its key is not there.</exception>
    public static SealedStateFile Open(string path, SafeFileHandle handle, VaultKeys keys, bool growing)
    {
        Span<byte> header = stackalloc byte[HeaderBytes];
        if (RandomAccess.Read(handle, header, 0) != HeaderBytes) throw Damaged(path);
        var length = BinaryPrimitives.ReadInt64LittleEndian(header[32..]);
        if (length < 0 || BinaryPrimitives.ReadInt32LittleEndian(header[40..]) != PageBytes || KeyOf(keys, header) is not { } aes) throw Damaged(path);
        var file = new SealedStateFile(path, handle, aes, length, growing);
        if (growing || RandomAccess.GetLength(handle) == Place(file.LastPage) + Overhead + file.LengthOf(file.LastPage)) return file;
        aes.Dispose();
        throw Damaged(path);
    }

    public override int Read(long at, Span<byte> destination)
    {
        destination = destination[..(int)Math.Clamp(Whole - at, 0, destination.Length)];
        var buffer = ArrayPool<byte>.Shared.Rent(PageBytes);
        try
        {
            for (var done = 0; done < destination.Length;)
            {
                var (page, within) = Math.DivRem(at + done, PageBytes);
                var part = Math.Min(LengthOf(page) - (int)within, destination.Length - done);
                if (part == LengthOf(page)) Load(page, destination.Slice(done, part));
                else
                {
                    Load(page, buffer.AsSpan(0, LengthOf(page)));
                    buffer.AsSpan((int)within, part).CopyTo(destination[done..]);
                }
                done += part;
            }
        }
        finally
        {
            CryptographicOperations.ZeroMemory(buffer.AsSpan(0, PageBytes));
            ArrayPool<byte>.Shared.Return(buffer);
        }
        return destination.Length;
    }

    public override void Write(long at, ReadOnlySpan<byte> bytes)
    {
        if (at < 0 || at + bytes.Length > Whole) throw new ArgumentOutOfRangeException(nameof(at), at, $"A sealed file of {Whole} bytes does not grow.");
        lock (_gate) // two neighbours may share a page
        {
            byte[]? buffer = null;
            for (var done = 0; done < bytes.Length;)
            {
                var (page, within) = Math.DivRem(at + done, PageBytes);
                var part = Math.Min(LengthOf(page) - (int)within, bytes.Length - done);
                if (part == LengthOf(page)) Store(page, bytes.Slice(done, part));
                else
                {
                    buffer ??= new byte[Math.Min(Whole, PageBytes)];
                    var whole = buffer.AsSpan(0, LengthOf(page));
                    Load(page, whole);
                    bytes.Slice(done, part).CopyTo(whole[(int)within..]);
                    Store(page, whole);
                }
                done += part;
            }
        }
    }

    public override void FlushToDisk() => RandomAccess.FlushToDisk(_handle);

    protected override void Dispose(bool disposing)
    {
        if (disposing) _aes.Dispose();
        _handle.Dispose();
    }

    private static long Place(long page) => HeaderBytes + (page * (PageBytes + Overhead));

    private static AesGcm? KeyOf(VaultKeys keys, ReadOnlySpan<byte> header)
    {
        if (keys.Find(BinaryPrimitives.ReadUInt64LittleEndian(header[8..])) is not { } data) return null;
        Span<byte> key = stackalloc byte[32];
        HKDF.DeriveKey(HashAlgorithmName.SHA256, data, key, header.Slice(16, 16), header);
        var aes = new AesGcm(key, TagBytes);
        CryptographicOperations.ZeroMemory(key);
        return aes;
    }

    private static InvalidDataException Damaged(string path) => new($"{path} was changed or cut short, or is sealed by the key of another state.");

    private int LengthOf(long page) => (int)Math.Min(PageBytes, Whole - (page * PageBytes));

    private void Mark(long page, Span<byte> mark)
    {
        BinaryPrimitives.WriteInt64LittleEndian(mark, page);
        mark[8] = page == LastPage ? (byte)1 : (byte)0;
    }

    private void Store(long page, ReadOnlySpan<byte> content)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(Overhead + content.Length);
        Span<byte> mark = stackalloc byte[9];
        Mark(page, mark);
        var stored = buffer.AsSpan(0, Overhead + content.Length);
        RandomNumberGenerator.Fill(stored[..NonceBytes]);
        lock (_aes) _aes.Encrypt(stored[..NonceBytes], content, stored[Overhead..], stored.Slice(NonceBytes, TagBytes), mark);
        RandomAccess.Write(_handle, stored, Place(page));
        ArrayPool<byte>.Shared.Return(buffer);
    }

    private void Load(long page, Span<byte> content)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(Overhead + content.Length);
        try
        {
            Span<byte> mark = stackalloc byte[9];
            Mark(page, mark);
            var stored = buffer.AsSpan(0, Overhead + content.Length);
            if (RandomAccess.Read(_handle, stored, Place(page)) == stored.Length)
            {
                lock (_aes) _aes.Decrypt(stored[..NonceBytes], stored[Overhead..], stored.Slice(NonceBytes, TagBytes), content, mark);
                return;
            }
        }
        catch (AuthenticationTagMismatchException)
        {
            // Falls through: it is not there, or not what was written.
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
        if (!_growing) throw Damaged(_path);
        content.Clear();
    }
}
