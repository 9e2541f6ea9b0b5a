using System.Buffers.Binary;
using Comity.Data.Tables;

namespace Comity.Data.Audio;

/// <summary>A recording, its channels averaged.</summary>
/// <param name="Rate">Samples a second.</param>
/// <param name="Samples">From −1 to 1.</param>
internal sealed record Waveform(int Rate, float[] Samples);

/// <summary>Decodes RIFF WAVE: PCM of 8, 16, 24 or 32 bits and 32-bit floats, any number of channels.</summary>
internal static class WavDecoder
{
    private const int Pcm = 1;
    private const int Float = 3;
    private const int Extensible = 0xFFFE;

    /// <summary>Decodes a whole file.</summary>
    /// <exception cref="ContentException">What is wrong, and at which byte.</exception>
    public static Waveform Decode(ReadOnlySpan<byte> file)
    {
        if (file.Length < 12 || !file[..4].SequenceEqual("RIFF"u8) || !file[8..12].SequenceEqual("WAVE"u8)) throw new ContentException("wav-signature", 0);
        (int Kind, int Channels, int Rate, int Bits)? format = null;
        for (var at = 12; ;)
        {
            if (file.Length - at < 8) throw new ContentException("wav-cut-off", file.Length, format is null ? "fmt" : "data");
            var length = BinaryPrimitives.ReadUInt32LittleEndian(file[(at + 4)..]);
            var name = System.Text.Encoding.ASCII.GetString(file.Slice(at, 4)).TrimEnd();
            if (length > file.Length - at - 8) throw new ContentException("wav-cut-off", file.Length, name);
            var body = file.Slice(at + 8, (int)length);
            if (name == "fmt") format = Format(body, at + 8);
            else if (name == "data")
            {
                if (format is not { } known) throw new ContentException("wav-cut-off", at, "fmt");
                return new Waveform(known.Rate, Mono(body, known.Kind, known.Channels, known.Bits, at + 8));
            }
            at += 8 + (int)length + ((int)length & 1); // chunks start at even bytes
        }
    }

    private static (int, int, int, int) Format(ReadOnlySpan<byte> body, int at)
    {
        if (body.Length < 16) throw new ContentException("wav-cut-off", at, "fmt");
        int kind = BinaryPrimitives.ReadUInt16LittleEndian(body), channels = BinaryPrimitives.ReadUInt16LittleEndian(body[2..]);
        var rate = BinaryPrimitives.ReadUInt32LittleEndian(body[4..]);
        int bits = BinaryPrimitives.ReadUInt16LittleEndian(body[14..]);
        if (kind == Extensible && body.Length >= 26) kind = BinaryPrimitives.ReadUInt16LittleEndian(body[24..]);
        var known = kind == Pcm ? bits is 8 or 16 or 24 or 32 : kind == Float && bits == 32;
        if (!known || channels == 0 || rate is 0 or > 1_000_000)
            throw new ContentException("wav-unsupported", at, FormattableString.Invariant($"format {kind}, {bits} bit, {channels} channels, {rate} Hz"));
        return (kind, channels, (int)rate, bits);
    }

    private static float[] Mono(ReadOnlySpan<byte> data, int kind, int channels, int bits, int at)
    {
        var width = bits / 8;
        var frames = data.Length / (width * channels);
        if (frames == 0) throw new ContentException("wav-cut-off", at, "data");
        var samples = new float[frames];
        for (var i = 0; i < frames; i++)
        {
            var sum = 0f;
            for (var c = 0; c < channels; c++) sum += Sample(data.Slice((i * channels + c) * width, width), kind, bits);
            samples[i] = sum / channels;
            if (!float.IsFinite(samples[i])) throw new ContentException("wav-not-finite", at + (long)i * channels * width);
        }
        return samples;
    }

    private static float Sample(ReadOnlySpan<byte> bytes, int kind, int bits) => (kind, bits) switch
    {
        (Float, _) => BinaryPrimitives.ReadSingleLittleEndian(bytes),
        (_, 8) => (bytes[0] - 128) / 128f, // unsigned, alone among the widths
        (_, 16) => BinaryPrimitives.ReadInt16LittleEndian(bytes) / 32768f,
        (_, 24) => ((bytes[0] << 8 | bytes[1] << 16 | bytes[2] << 24) >> 8) / 8388608f,
        _ => BinaryPrimitives.ReadInt32LittleEndian(bytes) / 2147483648f,
    };
}
