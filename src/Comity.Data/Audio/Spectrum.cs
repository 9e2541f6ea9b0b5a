using System.Numerics;

namespace Comity.Data.Audio;

/// <summary>Turns waveforms of one rate and length into what a model hears. One instance serves one thread.</summary>
internal sealed class Spectrum
{
    private readonly SpectrumSection _section;
    private readonly int _frame;
    private readonly int _hop;
    private readonly double[] _window = [];
    private readonly FourierTransform? _transform;
    private readonly double[] _real = [];
    private readonly double[] _imaginary = [];
    private readonly double[] _power = [];
    private readonly double[] _logMel = [];
    private readonly (int First, double[] Weights)[] _mel = [];
    private readonly double[,] _cosines = new double[0, 0];

    /// <param name="section">What is wanted.</param>
    /// <param name="rate">Samples a second.</param>
    /// <param name="samples">Samples of a recording.</param>
    public Spectrum(SpectrumSection section, int rate, int samples)
    {
        _section = section;
        (Bands, Frames) = Size(section, rate, samples);
        if (section.Form == SpectrumForm.Waveform) return;
        (_frame, _hop) = (FrameOf(section, rate), HopOf(section, rate));
        var length = (int)BitOperations.RoundUpToPowerOf2((uint)_frame);
        _transform = new FourierTransform(length);
        (_real, _imaginary, _power) = (new double[length], new double[length], new double[length / 2 + 1]);
        _window = [.. Enumerable.Range(0, _frame).Select(i => 0.5 - 0.5 * Math.Cos(2 * Math.PI * i / _frame))];
        if (section.Form == SpectrumForm.Spectrogram) return;
        _mel = MelBands(section, rate, length);
        _logMel = new double[section.Bands];
        if (section.Form != SpectrumForm.Mfcc) return;
        _cosines = new double[section.Coefficients, section.Bands];
        for (var k = 0; k < section.Coefficients; k++)
            for (var b = 0; b < section.Bands; b++)
                _cosines[k, b] = Math.Sqrt((k == 0 ? 1.0 : 2.0) / section.Bands) * Math.Cos(Math.PI * k * (b + 0.5) / section.Bands);
    }

    /// <summary>Bands of the image; 1 for a waveform.</summary>
    public int Bands { get; }

    /// <summary>Frames of the image; samples of a waveform.</summary>
    public int Frames { get; }

    /// <summary>Bands and frames of a recording; frames may be none.</summary>
    public static (int Bands, int Frames) Size(SpectrumSection section, int rate, int samples)
    {
        if (section.Form == SpectrumForm.Waveform) return (1, samples);
        var frame = FrameOf(section, rate);
        var frames = samples < frame ? 0 : 1 + (samples - frame) / HopOf(section, rate);
        return (section.Form switch
        {
            SpectrumForm.LogMel => section.Bands,
            SpectrumForm.Mfcc => section.Coefficients,
            _ => (int)BitOperations.RoundUpToPowerOf2((uint)frame) / 2 + 1,
        }, frames);
    }

    /// <summary>Computes the image.</summary>
    /// <param name="samples">The waveform.</param>
    /// <param name="to">Shape [bands, frames], the lowest band first.</param>
    public void Compute(ReadOnlySpan<float> samples, Span<float> to)
    {
        if (_transform is null)
        {
            samples.CopyTo(to);
            return;
        }
        var energy = _window.Sum(w => w * w);
        for (var f = 0; f < Frames; f++)
        {
            _real.AsSpan().Clear();
            _imaginary.AsSpan().Clear();
            for (var i = 0; i < _frame; i++) _real[i] = samples[f * _hop + i] * _window[i];
            _transform.Forward(_real, _imaginary);
            for (var i = 0; i < _power.Length; i++) _power[i] = (_real[i] * _real[i] + _imaginary[i] * _imaginary[i]) / energy;
            WriteFrame(to, f);
        }
    }

    private void WriteFrame(Span<float> to, int frame)
    {
        if (_section.Form == SpectrumForm.Spectrogram)
        {
            for (var i = 0; i < _power.Length; i++) to[i * Frames + frame] = (float)Math.Log(_power[i] + _section.Floor);
            return;
        }
        for (var b = 0; b < _mel.Length; b++)
        {
            var (first, weights) = _mel[b];
            var sum = 0.0;
            for (var i = 0; i < weights.Length; i++) sum += weights[i] * _power[first + i];
            _logMel[b] = Math.Log(sum + _section.Floor);
        }
        for (var k = 0; k < Bands; k++)
        {
            var value = _section.Form == SpectrumForm.LogMel ? _logMel[k] : 0;
            if (_section.Form == SpectrumForm.Mfcc)
                for (var b = 0; b < _logMel.Length; b++) value += _cosines[k, b] * _logMel[b];
            to[k * Frames + frame] = (float)value;
        }
    }

    private static int FrameOf(SpectrumSection section, int rate) => Math.Max(2, (int)Math.Round(section.Frame * rate));

    private static int HopOf(SpectrumSection section, int rate) => Math.Max(1, (int)Math.Round(section.Hop * rate));

    private static (int First, double[] Weights)[] MelBands(SpectrumSection section, int rate, int length)
    {
        static double Mel(double hertz) => 2595 * Math.Log10(1 + hertz / 700);
        var (low, high) = (Mel(section.Low), Mel(Math.Min(section.High ?? rate / 2.0, rate / 2.0)));
        double[] corners = [.. Enumerable.Range(0, section.Bands + 2).Select(i => 700 * (Math.Pow(10, (low + (high - low) * i / (section.Bands + 1)) / 2595) - 1))];
        var bands = new (int, double[])[section.Bands];
        for (var b = 0; b < section.Bands; b++)
        {
            double[] weights = [.. Enumerable.Range(0, length / 2 + 1).Select(i => (double)i * rate / length)
                .Select(f => Math.Max(0, Math.Min((f - corners[b]) / (corners[b + 1] - corners[b]), (corners[b + 2] - f) / (corners[b + 2] - corners[b + 1]))))];
            var first = Array.FindIndex(weights, w => w > 0);
            // A band narrower than the distance of two frequencies may meet none; it then stays at the floor.
            bands[b] = first < 0 ? (0, []) : (first, weights[first..(Array.FindLastIndex(weights, w => w > 0) + 1)]);
        }
        return bands;
    }
}
