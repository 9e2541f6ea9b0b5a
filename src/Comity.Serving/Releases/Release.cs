using System.Security.Cryptography;
using System.Text.Json;

namespace Comity.Serving.Releases;

/// <summary>A released model: one signed file <c>name-version.comity</c>, verified before anything of it is used.</summary>
public sealed class Release
{
    /// <summary>Weights.</summary>
    public const string WeightsPart = "model.safetensors";

    /// <summary>Preprocessing, with the contract.</summary>
    public const string PreprocessingPart = "preprocessing.json";

    /// <summary>What the training records looked like.</summary>
    public const string StatisticsPart = "statistics.json";

    /// <summary>The card in English.</summary>
    public const string CardPart = "card.en.md";

    /// <summary>The card in Simplified Chinese.</summary>
    public const string ChineseCardPart = "card.zh-Hans.md";

    private const string ManifestPart = "manifest.json";
    private const string SignaturePart = "signature.json";
    private const int LargestManifest = 4 * 1024 * 1024;

    private static readonly string[] Parts = [WeightsPart, PreprocessingPart, StatisticsPart, CardPart, ChineseCardPart];
    private static readonly HashSet<string> Known = [.. Parts, ManifestPart, SignaturePart];
    private static readonly JsonSerializerOptions Options = new() { PropertyNamingPolicy = JsonNamingPolicy.CamelCase, WriteIndented = true, NewLine = "\n" };

    private readonly Dictionary<string, byte[]> _parts;

    private Release(ReleaseManifest manifest, string signer, string sha256, Dictionary<string, byte[]> parts) =>
        (Manifest, Signer, Sha256, _parts) = (manifest, signer, sha256, parts);

    /// <summary>What it is.</summary>
    public ReleaseManifest Manifest { get; }

    /// <summary>Fingerprint of the key that signed it.</summary>
    public string Signer { get; }

    /// <summary>SHA-256 (hex) of the file.</summary>
    public string Sha256 { get; }

    /// <summary>Bytes of a part.</summary>
    /// <exception cref="KeyNotFoundException">The release has no such part.</exception>
    public ReadOnlyMemory<byte> this[string part] => _parts[part];

    /// <summary>Signs a release.</summary>
    /// <param name="manifest">What it is; its parts are filled in.</param>
    /// <param name="parts">All five parts by name.</param>
    /// <param name="key">Who signs.</param>
    /// <returns>The file's bytes.</returns>
    /// <exception cref="ArgumentException">A part is missing or unknown, or name or version can't be used.</exception>
    public static byte[] Write(ReleaseManifest manifest, IReadOnlyDictionary<string, byte[]> parts, SigningKey key)
    {
        ArgumentNullException.ThrowIfNull(manifest);
        ArgumentNullException.ThrowIfNull(parts);
        ArgumentNullException.ThrowIfNull(key);
        if (!ReleaseManifest.IsName(manifest.Name) || !ReleaseManifest.IsVersion(manifest.Version)) throw new ArgumentException($"'{manifest.Id}' can't name a release.", nameof(manifest));
        if (parts.Count != Parts.Length || Parts.Any(p => !parts.ContainsKey(p))) throw new ArgumentException($"A release has exactly these parts: {string.Join(", ", Parts)}.", nameof(parts));
        var signed = (manifest with { Parts = [.. Parts.Select(p => new ReleasePart(p, parts[p].LongLength, Digest(parts[p])))] }).ToBytes();
        using var stream = new MemoryStream();
        StoredZip.Write(stream, [new(ManifestPart, signed), new(SignaturePart, Signature(key.PublicKey, key.Sign(signed))), .. Parts.Select(p => KeyValuePair.Create(p, parts[p]))]);
        return stream.ToArray();
    }

    /// <summary>Reads and verifies a release.</summary>
    /// <param name="file">The file.</param>
    /// <param name="trusted">Who may have signed it; null: anybody, to show who did.</param>
    /// <exception cref="ReleaseRefusedException">It is damaged, foreign, newer, or signed by somebody not pinned.</exception>
    /// <exception cref="IOException">It can't be read.</exception>
    public static Release Read(string file, TrustedSigners? trusted)
    {
        using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.Read);
        return Read(stream, file, trusted);
    }

    /// <summary>Reads and verifies a release.</summary>
    /// <param name="stream">The file's bytes; must seek.</param>
    /// <param name="file">What problems call it.</param>
    /// <param name="trusted">Who may have signed it; null: anybody, to show who did.</param>
    /// <exception cref="ReleaseRefusedException">It is damaged, foreign, newer, or signed by somebody not pinned.</exception>
    public static Release Read(Stream stream, string file, TrustedSigners? trusted)
    {
        ArgumentNullException.ThrowIfNull(stream);
        var entries = StoredZip.Read(stream, file, Known);
        var missing = Known.Except(entries.Select(e => e.Name)).Order(StringComparer.Ordinal).ToList();
        if (missing.Count > 0) throw Refused("release-part-missing", file, string.Join(", ", missing));

        byte[] Bytes(string name)
        {
            var entry = entries.First(e => e.Name == name);
            if (entry.Length > (name is ManifestPart or SignaturePart ? LargestManifest : Array.MaxLength)) throw Refused("release-part-too-large", file, name, entry.Length);
            var bytes = new byte[entry.Length];
            stream.Position = entry.Offset;
            stream.ReadExactly(bytes);
            return StoredZip.Crc(bytes) == entry.Crc ? bytes : throw Refused("release-tampered", file, name);
        }

        // The signature is judged before any other byte is interpreted.
        var (signed, signature) = (Bytes(ManifestPart), Bytes(SignaturePart));
        var signer = SignerOf(signed, signature) ?? throw Refused("release-signature", file);
        if (trusted is not null && !trusted.Contains(signer)) throw Refused("release-signer", file, signer);
        var format = ReleaseManifest.FormatOf(signed);
        if (format > ReleaseManifest.CurrentFormat) throw Refused("release-newer", file, format, ReleaseManifest.CurrentFormat);
        var manifest = ReleaseManifest.Read(signed) ?? throw Refused("release-manifest", file);
        if (!manifest.Parts.Select(p => p.Name).SequenceEqual(Parts, StringComparer.Ordinal)) throw Refused("release-manifest", file);
        var parts = new Dictionary<string, byte[]>(StringComparer.Ordinal);
        foreach (var part in manifest.Parts)
        {
            var bytes = Bytes(part.Name);
            if (bytes.LongLength != part.Bytes || Digest(bytes) != part.Sha256) throw Refused("release-tampered", file, part.Name);
            parts.Add(part.Name, bytes);
        }
        stream.Position = 0;
        return new Release(manifest, signer, Convert.ToHexStringLower(SHA256.HashData(stream)), parts);
    }

    private static byte[] Signature(byte[] publicKey, byte[] signature) =>
        JsonSerializer.SerializeToUtf8Bytes(new SignatureRecord(SigningKey.Algorithm, publicKey, signature), Options);

    private static string? SignerOf(byte[] signed, byte[] written)
    {
        try
        {
            return JsonSerializer.Deserialize<SignatureRecord>(written, Options) is { Algorithm: SigningKey.Algorithm, PublicKey: { } key, Signature: { } signature }
                && Signature(key, signature).AsSpan().SequenceEqual(written) && SigningKey.Verify(key, signed, signature)
                    ? SigningKey.FingerprintOf(key)
                    : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static string Digest(byte[] bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes));

    private static ReleaseRefusedException Refused(string code, string file, params object?[] arguments) =>
        new(Messages.Problem(code, Declarations.Place.InFile(file), arguments));

    private sealed record SignatureRecord(string Algorithm, byte[] PublicKey, byte[] Signature);
}
