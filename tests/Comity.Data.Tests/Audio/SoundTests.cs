using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Comity.Data.Audio;
using Comity.Data.Tables;
using Comity.Data.Tests.Vectors;

namespace Comity.Data.Tests.Audio;

public sealed class SoundTests
{
    private static readonly SpectrumSection Section = new() { Bands = 12, Coefficients = 7, Frame = 0.025, Hop = 0.01, Low = 100, High = 3800 };

    [Theory]
    [InlineData("pcm8", 1.0 / 64)]
    [InlineData("pcm16", 1e-7)]
    [InlineData("pcm24", 1e-6)]
    [InlineData("pcm32", 1e-7)]
    [InlineData("float32", 1e-7)]
    public void Every_width_of_sample_gives_the_same_waveform(string name, double tolerance)
    {
        var vectors = Vectors.Vectors.Read("sounds");
        var waveform = WavDecoder.Decode(vectors.GetProperty("files").Bytes(name));
        Assert.Equal(8000, waveform.Rate);
        var expected = Waveform();
        Assert.Equal(expected.Length, waveform.Samples.Length);
        for (var i = 0; i < expected.Length; i++) Assert.Equal(expected[i], waveform.Samples[i], tolerance);
    }

    [Fact]
    public void Channels_are_averaged()
    {
        var (mono, stereo) = (Waveform(), WavDecoder.Decode(Vectors.Vectors.Read("sounds").GetProperty("files").Bytes("stereo16")).Samples);
        for (var i = 0; i < mono.Length; i++) Assert.Equal((mono[i] + mono[^(i + 1)]) / 2, stereo[i], 1e-7f);
    }

    [Theory]
    [InlineData("spectrogram", SpectrumForm.Spectrogram)]
    [InlineData("log-mel", SpectrumForm.LogMel)]
    [InlineData("mfcc", SpectrumForm.Mfcc)]
    public void Spectra_agree_with_NumPy_and_SciPy(string name, SpectrumForm form)
    {
        var expected = Vectors.Vectors.Read("sounds").GetProperty("spectra").GetProperty(name);
        var samples = Waveform();
        var spectrum = new Spectrum(Section with { Form = form }, 8000, samples.Length);
        Assert.Equal((expected.Number("bands"), expected.Number("frames")), (spectrum.Bands, spectrum.Frames));
        var found = new float[spectrum.Bands * spectrum.Frames];
        spectrum.Compute(samples, found);
        foreach (var (e, f) in expected.Numbers("values").Zip(found)) Assert.Equal(e, f, 2e-5 * Math.Max(1, Math.Abs(e)));
    }

    [Theory]
    [InlineData(4000)]
    [InlineData(11025)]
    [InlineData(16000)]
    public void Another_rate_agrees_with_SciPy(int rate)
    {
        var expected = Vectors.Vectors.Read("sounds").GetProperty("resampled").Numbers(rate.ToString(System.Globalization.CultureInfo.InvariantCulture));
        var found = new Resampler(8000, rate).Resample(Waveform());
        Assert.Equal(expected.Length, found.Length);
        for (var i = 0; i < found.Length; i++) Assert.Equal(expected[i], found[i], 2e-6);
    }

    [Fact]
    public void The_transform_is_the_sum_that_defines_it()
    {
        var random = Tensors.Randomness.Seed.Of(3).ToRandom();
        double[] re = [.. Enumerable.Range(0, 64).Select(_ => random.NextGaussian())], im = [.. Enumerable.Range(0, 64).Select(_ => random.NextGaussian())];
        var (realOut, imaginaryOut) = (re.ToArray(), im.ToArray());
        new FourierTransform(64).Forward(realOut, imaginaryOut);
        for (var k = 0; k < 64; k++)
        {
            var sum = Enumerable.Range(0, 64).Aggregate(System.Numerics.Complex.Zero, (s, n) => s + new System.Numerics.Complex(re[n], im[n]) * System.Numerics.Complex.Exp(new(0, -2 * Math.PI * k * n / 64)));
            Assert.Equal(sum.Real, realOut[k], 10);
            Assert.Equal(sum.Imaginary, imaginaryOut[k], 10);
        }
    }

    [Fact]
    public void A_file_that_is_cut_off_anywhere_is_refused_with_the_byte()
    {
        var file = Vectors.Vectors.Read("sounds").GetProperty("files").Bytes("pcm16");
        for (var length = 0; length < file.Length; length += length < 60 ? 1 : 97)
            Assert.InRange(Assert.Throws<ContentException>(() => WavDecoder.Decode(file.AsSpan(0, length))).Offset, 0, length);
    }

    [Fact]
    public void Formats_that_are_not_known_are_named()
    {
        var file = Vectors.Vectors.Read("sounds").GetProperty("files").Bytes("pcm16");
        BinaryPrimitives.WriteInt16LittleEndian(file.AsSpan(20), 6); // A-law
        var error = Assert.Throws<ContentException>(() => WavDecoder.Decode(file));
        Assert.Equal(("wav-unsupported", 20), (error.Code, error.Offset));
        Assert.Contains("format 6", error.Detail, StringComparison.Ordinal);
    }

    private static float[] Waveform() => [.. MemoryMarshal.Cast<byte, short>(Vectors.Vectors.Read("sounds").Bytes("pcm")).ToArray().Select(v => v / 32768f)];
}
