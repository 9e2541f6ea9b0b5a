using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text.Json;
using Comity.Transport.Bodies;
using Comity.Transport.Protocol;

namespace Comity.Transport.Sites;

/// <summary>One study's state at a site: what it fetched, what it answered, what stays there.</summary>
/// <remarks>
/// <code>
/// STATE/studies/ID/bodies/DIGEST    fetched bodies, named by what they are
///                  answers/KEY.*    answers that were stored before they were sent; a resend sends these bytes
///                  memory/…         what the site remembers from round to round
///                  models/…         models that stay at home
/// </code>
/// Bodies and answers go when the coordinator says that the study needs nothing any more; models stay.
/// </remarks>
internal sealed class StudySpool
{
    private const int ChunkBytes = 4 << 20;
    private readonly string _folder;

    public StudySpool(string folder)
    {
        _folder = folder;
        foreach (var part in new[] { "bodies", "answers", "memory", "models" }) Directory.CreateDirectory(Path.Combine(folder, part));
    }

    public string BodyPath(BodyReference body) => Path.Combine(_folder, "bodies", Convert.ToHexStringLower(Convert.FromHexString(body.Digest)));

    public string MemoryFolder(string model, int repeat) => Path.Combine(_folder, "memory", Name(model, repeat));

    public string ModelPath(string model, int repeat) => Path.Combine(_folder, "models", Name(model, repeat) + ".f32");

    public string AnswerBodyPath(string key) => Path.Combine(_folder, "answers", Checked(key) + ".f32");

    /// <summary>Stores an answer, so that what is sent is what was stored.</summary>
    /// <param name="key">The task.</param>
    /// <param name="answer">The answer; its body, if any, lies at <see cref="AnswerBodyPath"/> already.</param>
    public void Store(string key, StoredAnswer answer) => Write(AnswerPath(key), JsonSerializer.SerializeToUtf8Bytes(answer, WireJson.Options));

    /// <summary>An answer stored earlier, or null.</summary>
    public StoredAnswer? Answer(string key)
    {
        var path = AnswerPath(key);
        if (!File.Exists(path)) return null;
        var stored = JsonSerializer.Deserialize<StoredAnswer>(File.ReadAllBytes(path), WireJson.Options);
        // The body went when the answer was taken; should it be asked for once more, the work is done again with the same bits.
        return stored?.Manifest is null || File.Exists(AnswerBodyPath(key)) ? stored : null;
    }

    /// <summary>The answer counts. One with a body is large and goes; a small one stays, should the coordinator die before it is done with all of them.</summary>
    public void Taken(string key, StoredAnswer stored)
    {
        if (stored.Answer.Body is null) return;
        File.Delete(AnswerPath(key));
        File.Delete(AnswerBodyPath(key));
    }

    /// <summary>Deletes fetched bodies but those of the given digests.</summary>
    public void KeepBodies(IReadOnlySet<string> digests)
    {
        foreach (var path in Directory.EnumerateFiles(Path.Combine(_folder, "bodies")))
        {
            if (!digests.Contains(Path.GetFileName(path))) File.Delete(path);
        }
    }

    /// <summary>The study is over: what only its course needed goes.</summary>
    public void Close()
    {
        foreach (var part in new[] { "bodies", "answers", "memory" })
        {
            var path = Path.Combine(_folder, part);
            if (Directory.Exists(path)) Directory.Delete(path, recursive: true);
        }
    }

    /// <summary>Writes floats so that a reader sees the whole file or none.</summary>
    /// <returns>SHA-256 (hex) of the bytes.</returns>
    public static string WriteFloats(string path, ReadOnlySpan<float> values)
    {
        var bytes = MemoryMarshal.AsBytes(values);
        Write(path, bytes);
        return Convert.ToHexStringLower(SHA256.HashData(bytes));
    }

    /// <summary>Reads floats.</summary>
    public static float[] ReadFloats(string path)
    {
        using var file = File.OpenHandle(path, options: FileOptions.SequentialScan);
        var values = new float[checked((int)(RandomAccess.GetLength(file) / sizeof(float)))];
        var bytes = MemoryMarshal.AsBytes(values.AsSpan());
        for (long at = 0; at < 4L * values.Length;)
        {
            // A byte view of more than 2 GiB does not exist: it is read part by part.
            var part = MemoryMarshal.AsBytes(values.AsSpan((int)(at / 4), (int)Math.Min(1 << 24, values.Length - (at / 4))));
            var read = 0;
            while (read < part.Length)
            {
                var got = RandomAccess.Read(file, part[read..], at + read);
                if (got == 0) throw new EndOfStreamException($"{path} became shorter while it was read.");
                read += got;
            }
            at += read;
        }
        return values;
    }

    /// <summary>How a stored body is cut.</summary>
    public static async Task<BodyManifest> DescribeAsync(string path, CancellationToken cancellationToken)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 0, FileOptions.Asynchronous | FileOptions.SequentialScan);
        return await BodyManifest.DescribeAsync(file, ChunkBytes, cancellationToken).ConfigureAwait(false);
    }

    private static void Write(string path, ReadOnlySpan<byte> bytes)
    {
        var partial = path + ".part";
        using (var file = File.OpenHandle(partial, FileMode.Create, FileAccess.Write)) RandomAccess.Write(file, bytes, 0);
        File.Move(partial, path, overwrite: true);
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
