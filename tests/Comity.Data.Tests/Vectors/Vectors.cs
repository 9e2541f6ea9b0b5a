using System.Text.Json;

namespace Comity.Data.Tests.Vectors;

/// <summary>What other programs make of small files; <c>make.py</c> beside it says how.</summary>
internal static class Vectors
{
    public static JsonElement Read(string name)
    {
        using var stream = typeof(Vectors).Assembly.GetManifestResourceStream($"Comity.Data.Tests.Vectors.{name}.json")!;
        using var document = JsonDocument.Parse(stream);
        return document.RootElement.Clone();
    }

    public static byte[] Bytes(this JsonElement element, string key) => element.GetProperty(key).GetBytesFromBase64();

    public static int Number(this JsonElement element, string key) => element.GetProperty(key).GetInt32();

    public static double[] Numbers(this JsonElement element, string key) => [.. element.GetProperty(key).EnumerateArray().Select(e => e.GetDouble())];
}
