using System.Security.Cryptography;
using System.Text.Json;

namespace Comity.Federation.Policies;

/// <summary>What a person at a site decided, in a file under the signature of the site's key: who can only write into the folder decides nothing.</summary>
internal interface ISignedAct
{
    /// <summary>The signature, in hexadecimal.</summary>
    string Signature { get; }

    /// <summary>What is signed. The key signs calls and logs too, so it begins with a text that stands nowhere else, and lengths keep names from running into what follows.</summary>
    byte[] Signed();
}

/// <summary>Files of acts.</summary>
internal static class SignedAct
{
    private const DSASignatureFormat Format = DSASignatureFormat.IeeeP1363FixedFieldConcatenation;

    /// <summary>Reads an act; null: there is none that the key signed.</summary>
    /// <param name="path">Its file.</param>
    /// <param name="key">The site's key; its public half is enough.</param>
    public static T? Read<T>(string path, ECDsa key)
        where T : class, ISignedAct
    {
        ArgumentNullException.ThrowIfNull(key);
        try
        {
            return File.Exists(path) && JsonSerializer.Deserialize<T>(File.ReadAllBytes(path), JsonSerializerOptions.Web) is { Signature.Length: 128 } act
                && key.VerifyData(act.Signed(), Convert.FromHexString(act.Signature), HashAlgorithmName.SHA256, Format) ? act : null;
        }
        catch (Exception e) when (e is JsonException or FormatException)
        {
            return null; // nothing that anybody signed
        }
    }

    /// <summary>The signature of an act.</summary>
    public static string Sign(ISignedAct act, ECDsa key)
    {
        ArgumentNullException.ThrowIfNull(key);
        return Convert.ToHexStringLower(key.SignData(act.Signed(), HashAlgorithmName.SHA256, Format));
    }

    /// <summary>Writes an act durably, whole or not at all.</summary>
    public static void Write<T>(string path, T act)
        where T : class, ISignedAct
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        var draft = path + ".new";
        using (var file = new FileStream(draft, FileMode.Create, FileAccess.Write))
        {
            JsonSerializer.Serialize(file, act, JsonSerializerOptions.Web);
            file.Flush(flushToDisk: true);
        }
        File.Move(draft, path, overwrite: true);
    }
}
