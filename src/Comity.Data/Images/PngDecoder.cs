using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;
using Comity.Data.Tables;

namespace Comity.Data.Images;

/// <summary>Decodes PNG (W3C PNG, second edition): grey, RGB, palette and alpha, 1 to 16 bits, not interlaced. What is transparent is laid on white.</summary>
internal static class PngDecoder
{
    private const int MostPixels = 1 << 26;
    private const int HeaderEnd = 33;

    /// <summary>The signature that every PNG starts with.</summary>
    public static ReadOnlySpan<byte> Signature => [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A];

    /// <summary>Decodes a whole file.</summary>
    /// <exception cref="ContentException">What is wrong, and at which byte.</exception>
    public static Picture Decode(ReadOnlySpan<byte> file)
    {
        if (!file.StartsWith(Signature)) throw new ContentException("png-signature", 0);
        Header? header = null;
        var (palette, transparency) = (Array.Empty<byte>(), Array.Empty<byte>());
        var compressed = new MemoryStream();
        long dataAt = 0;
        for (var at = Signature.Length; ;)
        {
            if (file.Length - at < 12) throw new ContentException("png-cut-off", file.Length, "IEND");
            var length = BinaryPrimitives.ReadUInt32BigEndian(file[at..]);
            var type = Encoding.ASCII.GetString(file.Slice(at + 4, 4));
            if (length > file.Length - at - 12) throw new ContentException("png-cut-off", file.Length, type);
            var body = file.Slice(at + 8, (int)length);
            if (Crc32.Of(file.Slice(at + 4, (int)length + 4)) != BinaryPrimitives.ReadUInt32BigEndian(file[(at + 8 + (int)length)..]))
                throw new ContentException("png-checksum", at, type);
            if (header is null && type != "IHDR") throw new ContentException("png-cut-off", at, "IHDR");
            switch (type)
            {
                case "IHDR":
                    header = Header.Read(body, at);
                    break;
                case "PLTE":
                    palette = body.ToArray();
                    break;
                case "tRNS":
                    transparency = body.ToArray();
                    break;
                case "IDAT":
                    if (compressed.Length == 0) dataAt = at;
                    compressed.Write(body);
                    break;
                case "IEND":
                    compressed.Position = 0;
                    return Pixels(header!, Unfiltered(header!, compressed, dataAt), palette, transparency, dataAt);
                default:
                    // A lower-case first letter means that the picture can be shown without the chunk.
                    if (char.IsUpper(type[0])) throw new ContentException("png-unsupported", at, type);
                    break;
            }
            at += 12 + (int)length;
        }
    }

    private static byte[] Unfiltered(Header header, MemoryStream compressed, long dataAt)
    {
        var (stride, pixel) = (header.Stride, Math.Max(1, header.Samples * header.Depth / 8));
        var lines = new byte[checked(header.Height * (stride + 1))];
        try
        {
            using var inflate = new ZLibStream(compressed, CompressionMode.Decompress);
            var read = inflate.ReadAtLeast(lines, lines.Length, throwOnEndOfStream: false);
            if (read < lines.Length) throw new ContentException("png-data", dataAt, FormattableString.Invariant($"{read} < {lines.Length}"));
        }
        catch (InvalidDataException)
        {
            throw new ContentException("png-data", dataAt, "zlib");
        }
        var raw = new byte[header.Height * stride];
        for (var y = 0; y < header.Height; y++)
        {
            var filter = lines[y * (stride + 1)];
            if (filter > 4) throw new ContentException("png-data", dataAt, FormattableString.Invariant($"filter {filter}"));
            var line = lines.AsSpan(y * (stride + 1) + 1, stride);
            var to = raw.AsSpan(y * stride, stride);
            var above = y == 0 ? default : raw.AsSpan((y - 1) * stride, stride);
            for (var i = 0; i < stride; i++)
            {
                int a = i >= pixel ? to[i - pixel] : 0, b = y > 0 ? above[i] : 0, c = y > 0 && i >= pixel ? above[i - pixel] : 0;
                to[i] = (byte)(line[i] + filter switch { 0 => 0, 1 => a, 2 => b, 3 => (a + b) / 2, _ => Paeth(a, b, c) });
            }
        }
        return raw;
    }

    private static int Paeth(int a, int b, int c)
    {
        var (pa, pb, pc) = (Math.Abs(b - c), Math.Abs(a - c), Math.Abs(a + b - 2 * c));
        return pa <= pb && pa <= pc ? a : pb <= pc ? b : c;
    }

    private static Picture Pixels(Header header, byte[] raw, byte[] palette, byte[] transparency, long dataAt)
    {
        var channels = header.ColourType is 0 or 4 ? 1 : 3;
        var samples = new byte[header.Height * header.Width * channels];
        var full = (1 << Math.Min(8, header.Depth)) - 1;
        Span<int> pixel = stackalloc int[4];
        for (var y = 0; y < header.Height; y++)
        {
            var line = raw.AsSpan(y * header.Stride, header.Stride);
            for (var x = 0; x < header.Width; x++)
            {
                for (var s = 0; s < header.Samples; s++) pixel[s] = Sample(line, x * header.Samples + s, header.Depth);
                var to = samples.AsSpan((y * header.Width + x) * channels, channels);
                var alpha = header.ColourType switch { 4 => pixel[1], 6 => pixel[3], _ => 255 };
                if (header.ColourType == 3)
                {
                    var index = pixel[0];
                    if (3 * index + 3 > palette.Length) throw new ContentException("png-data", dataAt, FormattableString.Invariant($"palette {index}"));
                    palette.AsSpan(3 * index, 3).CopyTo(to);
                    if (index < transparency.Length) alpha = transparency[index];
                }
                else
                {
                    for (var c = 0; c < channels; c++) to[c] = (byte)(header.Depth < 8 ? pixel[c] * 255 / full : pixel[c]);
                }
                if (alpha == 255) continue;
                for (var c = 0; c < channels; c++) to[c] = (byte)((to[c] * alpha + 255 * (255 - alpha) + 127) / 255);
            }
        }
        return new Picture(header.Height, header.Width, channels, samples);
    }

    // Of 16 bits the upper eight; fewer than eight stand side by side in a byte, the first in the highest bits.
    private static int Sample(ReadOnlySpan<byte> line, int index, int depth) => depth switch
    {
        16 => line[2 * index],
        8 => line[index],
        _ => line[index * depth / 8] >> (8 - depth - index * depth % 8) & ((1 << depth) - 1),
    };

    private sealed record Header(int Width, int Height, int Depth, int ColourType)
    {
        public int Samples => ColourType switch { 2 => 3, 4 => 2, 6 => 4, _ => 1 };

        public int Stride => checked((int)(((long)Width * Samples * Depth + 7) / 8));

        public static Header Read(ReadOnlySpan<byte> body, int at)
        {
            if (body.Length != 13) throw new ContentException("png-cut-off", at, "IHDR");
            var (width, height) = (BinaryPrimitives.ReadUInt32BigEndian(body), BinaryPrimitives.ReadUInt32BigEndian(body[4..]));
            // A small file can claim a huge picture; the limit keeps it from taking all memory.
            if (width == 0 || height == 0 || width > MostPixels || height > MostPixels || (ulong)width * height > MostPixels)
                throw new ContentException("png-size", HeaderEnd - 17, FormattableString.Invariant($"{width}×{height}"));
            var (depth, type) = (body[8], body[9]);
            var known = type switch { 0 => depth is 1 or 2 or 4 or 8 or 16, 3 => depth is 1 or 2 or 4 or 8, 2 or 4 or 6 => depth is 8 or 16, _ => false };
            if (!known || body[10] != 0 || body[11] != 0) throw new ContentException("png-unsupported", at + 16, FormattableString.Invariant($"colour type {type}, {depth} bit"));
            if (body[12] != 0) throw new ContentException("png-unsupported", at + 20, "interlace");
            return new Header((int)width, (int)height, depth, type);
        }
    }
}
