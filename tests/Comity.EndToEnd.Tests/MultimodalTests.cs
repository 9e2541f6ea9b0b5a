using System.Buffers.Binary;
using System.Globalization;
using System.IO.Compression;
using Comity.Testing;
using Comity.Tensors.Randomness;

namespace Comity.EndToEnd.Tests;

/// <summary>Records with a picture, a note and a number, of which no single one tells the label.</summary>
public sealed class MultimodalTests
{
    private const string Study = """
        study: three-parts
        seed: 1
        contract:
          label: { column: label, positive: "1" }
          features:
            - { column: photo, kind: image, height: 4, width: 4 }
            - { column: note, kind: text, tokens: 6, minimumCount: 1 }
            - { column: size, kind: number }
        markets: [{ id: us, jurisdiction: US }, { id: hu, jurisdiction: HU }]
        sites:
          - { id: north, market: us, source: { csv: north/records.csv } }
          - { id: south, market: hu, source: { csv: south/records.csv } }
        clean: { duplicates: keep }
        model:
          kind: multimodal
          encoders:
            - { input: photo, model: { kind: cnn, layers: [{ kind: conv, channels: 4 }, max-pool] } }
            - { input: note, model: { kind: gru, hidden: [8], embedding: 4 } }
            - { input: features, model: { kind: mlp, hidden: [8] } }
          width: 8
          fusion: cross-attention
          hidden: [8]
        training: { optimizer: { kind: adam, learningRate: 0.01 }, batch: 16, epochs: 40 }
        evaluation: { bootstrap: 100 }
        arms: [pooled, federated]
        federation: { rounds: 30, localEpochs: 1 }
        """;

    [Fact]
    public async Task Pictures_notes_and_numbers_are_learnt_together_and_new_records_are_predicted()
    {
        using var folder = new TempFolder();
        File.WriteAllText(folder.At("study.yaml"), Study);
        foreach (var (site, seed) in new[] { ("north", 1ul), ("south", 2ul) }) Write(folder.At(site), Seed.Of(seed), 240);

        var result = await Cli.RunAsync(folder.FullPath, "run", "study.yaml", "--out", "out");
        Assert.True(result.ExitCode == 0, result.ToString());
        var accuracy = RunFiles.Results(folder.At("out"))["summary"]!.AsArray()
            .Where(s => (string?)s!["metric"] == "accuracy" && (string?)s["site"] == "*").ToDictionary(s => (string)s!["model"]!, s => (double)s!["mean"]!);
        // One bit in each part, and the label is their parity: without any one of them chance remains.
        Assert.True(accuracy["pooled"] > 0.85, $"pooled {accuracy["pooled"]}");
        Assert.True(accuracy["federated/fedavg"] > 0.7, $"federated {accuracy["federated/fedavg"]}");

        var predicted = await Cli.RunAsync(folder.FullPath, "predict", "out/models/pooled", "--input", "north/records.csv", "--output", "predicted.csv");
        Assert.True(predicted.ExitCode == 0, predicted.ToString());
        var (rows, given) = (RunFiles.Csv(folder.At("predicted.csv")), RunFiles.Csv(folder.At("north/records.csv")));
        Assert.True(rows.Zip(given).Count(r => r.First["label"] == r.Second["label"]) > 0.85 * given.Count);
    }

    private static void Write(string folder, Seed seed, int count)
    {
        Directory.CreateDirectory(folder);
        var random = seed.ToRandom();
        var lines = new List<string> { "photo,note,size,label" };
        var pixels = new byte[16];
        for (var i = 0; i < count; i++)
        {
            int bright = random.NextInt32(2), word = random.NextInt32(2), large = random.NextInt32(2);
            for (var p = 0; p < 16; p++) pixels[p] = (byte)(60 + 100 * bright + random.NextInt32(30));
            File.WriteAllBytes(Path.Combine(folder, $"{i}.png"), Png(4, 4, pixels));
            lines.Add(string.Create(CultureInfo.InvariantCulture, $"{i}.png,{(word == 1 ? "yes" : "no")}{"abc"[random.NextInt32(3)]},{large * 2 + random.NextSingle():F3},{bright ^ word ^ large}"));
        }
        File.WriteAllLines(Path.Combine(folder, "records.csv"), lines);
    }

    // Grey, 8 bits, no filter (ISO/IEC 15948).
    private static byte[] Png(int width, int height, ReadOnlySpan<byte> pixels)
    {
        using var file = new MemoryStream();
        file.Write([0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]);
        var header = new byte[13];
        BinaryPrimitives.WriteInt32BigEndian(header, width);
        BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(4), height);
        header[8] = 8;
        Chunk(file, "IHDR"u8, header);
        using var data = new MemoryStream();
        using (var zipped = new ZLibStream(data, CompressionLevel.Fastest, leaveOpen: true))
        {
            for (var y = 0; y < height; y++)
            {
                zipped.WriteByte(0);
                zipped.Write(pixels.Slice(y * width, width));
            }
        }
        Chunk(file, "IDAT"u8, data.ToArray());
        Chunk(file, "IEND"u8, []);
        return file.ToArray();
    }

    private static void Chunk(Stream file, ReadOnlySpan<byte> type, ReadOnlySpan<byte> data)
    {
        Span<byte> number = stackalloc byte[4];
        BinaryPrimitives.WriteInt32BigEndian(number, data.Length);
        file.Write(number);
        file.Write(type);
        file.Write(data);
        var crc = uint.MaxValue;
        foreach (var b in (byte[])[.. type, .. data])
        {
            crc ^= b;
            for (var bit = 0; bit < 8; bit++) crc = (crc & 1) == 0 ? crc >> 1 : crc >> 1 ^ 0xEDB88320;
        }
        BinaryPrimitives.WriteUInt32BigEndian(number, ~crc);
        file.Write(number);
    }
}
