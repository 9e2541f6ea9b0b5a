using System.Collections.Concurrent;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text.Json;
using Comity.Federation.AtRest;
using Comity.Federation.Privacy;
using Comity.Federation.Spool;
using Comity.Transport.Bodies;
using Comity.Transport.Protocol;

namespace Comity.Transport.Sites;

/// <summary>One study's state at a site: what it fetched, what it answered, what stays there.</summary>
/// <remarks>
/// <code>
/// STATE/studies/ID/bodies/DIGEST    fetched bodies, named by what they are
///                  answers/KEY.*    answers that were stored before they were sent; a resend sends these bytes
///                  memory/…         what the site remembers from round to round
///                  gate/…           answers that were charged, in the bytes that left
///                  models/…         models that stay at home
///                  spare/…          bodies and answers of rounds that are over, which the next ones are written over
/// </code>
/// Bodies and answers go when the coordinator says that the study needs nothing any more; models stay.
/// </remarks>
internal sealed class StudySpool
{
    private const int ChunkBytes = ChunkedDigest.ChunkBytes;
    private const string Partial = ".part";
    private readonly string _folder;
    private readonly ConcurrentDictionary<string, bool> _whole = new(StringComparer.Ordinal);

    /// <summary>The spool of a study among those of a site.</summary>
    /// <exception cref="InvalidDataException">The id could lead elsewhere.</exception>
    /// <param name="studies">Folder of the studies.</param>
    /// <param name="study">The study's id.</param>
    /// <param name="vault">How bodies, answers and models are kept; null: as they are.</param>
    public static StudySpool Open(string studies, string study, StateVault? vault = null) => new(FolderOf(studies, study), vault ?? StateVault.Plain);

    /// <summary>The folder of a study.</summary>
    /// <exception cref="InvalidDataException">The id could lead elsewhere.</exception>
    public static string FolderOf(string studies, string study)
    {
        if (!IsId(study)) throw new InvalidDataException($"'{study}' is no study's id.");
        return Path.Combine(studies, study);
    }

    /// <summary>Whether a text can be a study's id, which names a folder.</summary>
    public static bool IsId(string study) => study.Length is > 0 and <= 100 && study.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.') && study[0] != '.';

    private StudySpool(string folder, StateVault vault)
    {
        (_folder, Vault, Spares) = (folder, vault, new SpareFiles(Path.Combine(folder, "spare")));
        Prepare();
    }

    /// <summary>How bodies, answers and models are kept.</summary>
    public StateVault Vault { get; }

    /// <summary>Files of rounds that are over.</summary>
    public SpareFiles Spares { get; }

    /// <summary>Makes its folders, which another process of the site may have taken away.</summary>
    public void Prepare()
    {
        foreach (var part in new[] { "bodies", "answers", "memory", "models" }) Directory.CreateDirectory(Path.Combine(_folder, part));
    }

    /// <summary>Whether a body is there and is what its digest says. One that an earlier process fetched is looked through: it may have died with the power, before all of it was on the disk.</summary>
    public async Task<bool> HasAsync(BodyReference body, CancellationToken cancellationToken)
    {
        var path = BodyPath(body);
        if (!File.Exists(path)) return false;
        if (_whole.ContainsKey(path) || await IsWholeAsync(path, VaultOf(body), body.ChunkBytes, Convert.FromHexString(body.Digest), cancellationToken).ConfigureAwait(false)) return _whole[path] = true;
        File.Delete(path);
        return false;
    }

    /// <summary>A body was fetched, and each of its chunks checked.</summary>
    /// <param name="body">The body.</param>
    /// <param name="arrived">The file in which it arrived.</param>
    public void Fetched(BodyReference body, string arrived)
    {
        File.Move(arrived, BodyPath(body), overwrite: true);
        _whole[BodyPath(body)] = true;
    }

    /// <summary>A body is no longer needed.</summary>
    public void Forget(BodyReference body)
    {
        _whole.TryRemove(BodyPath(body), out _);
        Spares.Discard(BodyPath(body));
    }

    /// <summary>How one body is kept: study files are read by people and other readers too, and are no secret.</summary>
    public StateVault VaultOf(BodyReference body) => body.Name == "study" ? StateVault.Plain : Vault;

    /// <summary>A fetched body as a whole.</summary>
    public byte[] ReadBody(BodyReference body) => VaultOf(body).ReadAll(BodyPath(body));

    public string BodyPath(BodyReference body) => Path.Combine(_folder, "bodies", Convert.ToHexStringLower(Convert.FromHexString(body.Digest)));

    public string MemoryFolder(string model, int repeat) => Path.Combine(_folder, "memory", Name(model, repeat));

    /// <summary>Folder of what the gate keeps: answers that were charged, in the bytes that left.</summary>
    public string GateFolder => _folder;

    public string ModelPath(string model, int repeat) => Path.Combine(_folder, "models", Name(model, repeat) + ".f32");

    public string AnswerBodyPath(string key) => Path.Combine(_folder, "answers", Checked(key) + ".f32");

    /// <summary>Stores an answer, so that what is sent is what was stored.</summary>
    /// <param name="key">The task.</param>
    /// <param name="answer">The answer; its body, if any, lies at <see cref="AnswerBodyPath"/> already.</param>
    public void Store(string key, StoredAnswer answer) => Vault.WriteAll(AnswerPath(key), JsonSerializer.SerializeToUtf8Bytes(answer, WireJson.Options));

    /// <summary>An answer together with its body, where there is one: inside the message if it is small.</summary>
    public StoredAnswer WithBody(string key, DoneTask done)
    {
        if (done.Answer.Outcome != TaskOutcome.Done || done.Body is not { } manifest) return new(done.Answer, null);
        var inline = manifest.Length <= WireJson.LargestInlineBytes ? Convert.ToBase64String(Vault.ReadAll(AnswerBodyPath(key))) : null;
        var body = new BodyReference("result", Convert.ToHexStringLower(manifest.Digest), manifest.Length, manifest.ChunkBytes, inline);
        return new(done.Answer with { Body = body }, inline is null ? Clients.SiteClient.WriteManifest(manifest) : null);
    }

    /// <summary>An answer stored earlier, or null.</summary>
    public async Task<StoredAnswer?> AnswerAsync(string key, CancellationToken cancellationToken)
    {
        var path = AnswerPath(key);
        if (!File.Exists(path)) return null;
        StoredAnswer? stored;
        try
        {
            stored = JsonSerializer.Deserialize<StoredAnswer>(Vault.ReadAll(path), WireJson.Options);
        }
        catch (Exception e) when (e is JsonException or InvalidDataException or EndOfStreamException or CryptographicException)
        {
            return null; // torn by a loss of power: the work is done again, or what was charged is taken from the gate
        }
        // The body went when the answer was taken; should it be asked for once more, the work is done again with the same bits.
        if (stored?.Manifest is not { } manifest) return stored;
        var body = AnswerBodyPath(key);
        if (!File.Exists(body)) return null;
        if (_whole.ContainsKey(body) || await IsWholeAsync(body, Vault, manifest.ChunkBytes, Clients.SiteClient.ReadManifest(manifest).Digest.ToArray(), cancellationToken).ConfigureAwait(false)) _whole[body] = true;
        else return null;
        return stored;
    }

    /// <summary>The answer counts. One with a body is large and goes; a small one stays, should the coordinator die before it is done with all of them.</summary>
    public void Taken(string key, StoredAnswer stored)
    {
        if (stored.Answer.Body is null) return;
        File.Delete(AnswerPath(key));
        _whole.TryRemove(AnswerBodyPath(key), out _);
        Spares.Discard(AnswerBodyPath(key));
    }

    /// <summary>The study is over: what only its course needed goes.</summary>
    public void Close()
    {
        LocalProtection.WipeKeys(Path.Combine(_folder, "memory"));
        // Models of settings that were tried, and not chosen.
        foreach (var tried in Directory.EnumerateFiles(Path.Combine(_folder, "models"), "*@*")) File.Delete(tried);
        foreach (var part in new[] { "bodies", "answers", "memory", "gate", "spare" })
        {
            var path = Path.Combine(_folder, part);
            if (Directory.Exists(path)) Directory.Delete(path, recursive: true);
        }
    }

    /// <summary>Writes the body of an answer, so that a reader sees the whole file or none, and cuts it in the same pass.</summary>
    /// <param name="key">The task.</param>
    /// <param name="values">The body.</param>
    /// <param name="known">The digests of its chunks, where they were made already; empty: they are made here.</param>
    public BodyManifest WriteAnswerBody(string key, ReadOnlySpan<float> values, ReadOnlyMemory<byte> known = default)
    {
        var length = 4L * values.Length;
        var digests = known.IsEmpty ? new byte[(length + ChunkBytes - 1) / ChunkBytes * SHA256.HashSizeInBytes] : known.ToArray();
        var chunk = 0;
        var path = AnswerBodyPath(key);
        Spares.Reuse(path + Partial, length);
        WriteFloats(path, values, bytes =>
        {
            if (known.IsEmpty) SHA256.HashData(bytes, digests.AsSpan(SHA256.HashSizeInBytes * chunk++));
        });
        _whole[path] = true;
        return new(length, ChunkBytes, digests);
    }

    /// <summary>Keeps a model of the site's own.</summary>
    /// <returns>SHA-256 (hex) of the bytes.</returns>
    public string WriteModel(string model, int repeat, ReadOnlySpan<float> values)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        WriteFloats(ModelPath(model, repeat), values, hash.AppendData);
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private delegate void Seen(ReadOnlySpan<byte> bytes);

    // Part by part: a byte view of more than 2 GiB does not exist.
    private void WriteFloats(string path, ReadOnlySpan<float> values, Seen seen)
    {
        var partial = path + Partial;
        using (var file = Vault.Assemble(partial, 4L * values.Length))
        {
            const int part = ChunkBytes / sizeof(float);
            for (var at = 0; at < values.Length; at += part)
            {
                var bytes = MemoryMarshal.AsBytes(values.Slice(at, Math.Min(part, values.Length - at)));
                file.Write(4L * at, bytes);
                seen(bytes);
                if (values.Length - at <= part) break; // at + part may pass the largest int
            }
        }
        File.Move(partial, path, overwrite: true);
    }

    /// <summary>Reads floats.</summary>
    /// <param name="path">The file.</param>
    /// <param name="vector">Makes or lends a vector of a length; null: it is made.</param>
    public float[] ReadFloats(string path, Func<int, float[]>? vector = null)
    {
        using var file = Vault.Read(path);
        var length = checked((int)(file.Length / sizeof(float)));
        var values = vector?.Invoke(length) ?? new float[length];
        for (long at = 0; at < 4L * values.Length;)
        {
            // A byte view of more than 2 GiB does not exist: it is read part by part.
            var part = MemoryMarshal.AsBytes(values.AsSpan((int)(at / 4), (int)Math.Min(1 << 24, values.Length - (at / 4))));
            var read = 0;
            while (read < part.Length)
            {
                var got = file.Read(at + read, part[read..]);
                if (got == 0) throw new EndOfStreamException($"{path} became shorter while it was read.");
                read += got;
            }
            at += read;
        }
        return values;
    }

    private static async Task<bool> IsWholeAsync(string path, StateVault vault, int chunkBytes, byte[] digest, CancellationToken cancellationToken)
    {
        try
        {
            using var stream = new StateStream(vault.Read(path), writable: false);
            return (await BodyManifest.DescribeAsync(stream, chunkBytes, cancellationToken).ConfigureAwait(false)).Matches(digest);
        }
        catch (Exception e) when (e is InvalidDataException or ArgumentException)
        {
            return false; // changed, cut short, or longer than any body
        }
    }

    // Model ids hold a slash, which a folder name must not, and '~' occurs in no id.
    private static string Name(string model, int repeat)
    {
        if (model.Contains("..", StringComparison.Ordinal) || model.IndexOfAny(['\\', '\0', '~']) >= 0) throw new InvalidDataException($"'{model}' names no model.");
        return string.Create(CultureInfo.InvariantCulture, $"{model.Replace('/', '~')}~r{repeat}");
    }

    private string AnswerPath(string key) => Path.Combine(_folder, "answers", Checked(key) + ".json");

    private static string Checked(string key) =>
        key.Length == 64 && key.All(char.IsAsciiHexDigitLower) ? key : throw new InvalidDataException($"'{key}' is no task's key.");
}

/// <summary>An answer as it is kept.</summary>
/// <param name="Answer">What is sent.</param>
/// <param name="Manifest">How its body is cut; null: there is none.</param>
internal sealed record StoredAnswer(SiteAnswer Answer, ManifestMessage? Manifest);

/// <summary>A task that was done.</summary>
/// <param name="Answer">What it came to.</param>
/// <param name="Body">How its body is cut, which lies in the spool; null: there is none.</param>
internal sealed record DoneTask(SiteAnswer Answer, BodyManifest? Body = null);
