using Comity.Data.Cleaning;
using Comity.Data.Contracts;
using Comity.Data.Tables;

namespace Comity.Data.Audio;

/// <summary>Decodes WAV files, brings them to the contract's rate and length and computes what a model hears.</summary>
internal sealed class SoundReader : ContentReader
{
    private readonly FeatureSection _feature;
    private readonly Dictionary<int, Resampler> _resamplers = [];
    private readonly Spectrum _spectrum;
    private readonly float[] _samples;
    private readonly float[] _row;
    private readonly List<float> _values = [];

    public SoundReader(FeatureSection feature, CleanSection clean, CellProblems problems) : base(feature, clean, problems)
    {
        _feature = feature;
        _samples = new float[feature.SampleCount];
        _spectrum = new Spectrum(feature.SpectrumOrDefault, feature.Rate!.Value, _samples.Length);
        _row = new float[_spectrum.Bands * _spectrum.Frames];
    }

    public override TableColumn Build() => new SoundColumn(Name, _spectrum.Bands, _spectrum.Frames, [.. _values], Missing);

    protected override void Take(ReadOnlySpan<byte> file)
    {
        var waveform = WavDecoder.Decode(file);
        if (!_resamplers.TryGetValue(waveform.Rate, out var resampler)) _resamplers.Add(waveform.Rate, resampler = new Resampler(waveform.Rate, _feature.Rate!.Value));
        var samples = resampler.Resample(waveform.Samples);
        // What is longer is cut off at its end; what is shorter is followed by silence.
        _samples.AsSpan().Clear();
        samples.AsSpan(0, Math.Min(samples.Length, _samples.Length)).CopyTo(_samples);
        _spectrum.Compute(_samples, _row);
        _values.AddRange(_row);
    }

    protected override void TakeNothing() => _values.AddRange(new float[_row.Length]);
}
