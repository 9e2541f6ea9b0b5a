using Comity.Declarations;

namespace Comity.Data.Audio;

/// <summary>What a model hears of a recording.</summary>
[Doc("What a model hears of a recording.")]
public enum SpectrumForm
{
    /// <summary>Logarithm of the power in each band of the mel scale.</summary>
    LogMel,

    /// <summary>Mel-frequency cepstral coefficients: the cosine transform of the logarithmic mel bands.</summary>
    Mfcc,

    /// <summary>Logarithm of the power at each frequency of the Fourier transform.</summary>
    Spectrogram,

    /// <summary>The samples themselves, from −1 to 1.</summary>
    Waveform,
}

/// <summary>How a recording becomes an image of frequency over time: <c>contract.features[].spectrum</c>.</summary>
/// <remarks>
/// Frames are weighted by a periodic Hann window w, filled up with zeros to the next power of two and transformed; the power is
/// |X|²/Σw², so that white noise of variance σ² has the power σ² at any length of frame. Mel bands are triangles on the scale 2595·log10(1 + f/700)
/// (Davis and Mermelstein 1980, in O'Shaughnessy's form); logarithms are natural, of the power plus a floor; the cosine transform is the orthonormal DCT-II.
/// </remarks>
[Doc("How a recording becomes an image of frequency over time.")]
public sealed record SpectrumSection : ICheckedDeclaration
{
    /// <summary>What a model hears.</summary>
    [Doc("log-mel (default), mfcc, spectrogram, or waveform (the samples themselves).")]
    public SpectrumForm Form { get; init; }

    /// <summary>Bands of the mel scale.</summary>
    [Doc("Bands of the mel scale (log-mel, mfcc)."), Within(1, 1024)]
    public int Bands { get; init; } = 40;

    /// <summary>Coefficients kept, the first ones.</summary>
    [Doc("Coefficients that are kept (mfcc), the first ones."), Within(1, 1024)]
    public int Coefficients { get; init; } = 13;

    /// <summary>Length of a frame in seconds.</summary>
    [Doc("Length of a frame in seconds."), Within(0, 10, AboveLow = true)]
    public double Frame { get; init; } = 0.025;

    /// <summary>From one frame's start to the next, in seconds.</summary>
    [Doc("From the start of a frame to the next one's, in seconds."), Within(0, 10, AboveLow = true)]
    public double Hop { get; init; } = 0.010;

    /// <summary>Lowest frequency of the bands in hertz.</summary>
    [Doc("Lowest frequency of the mel bands, in Hz."), Within(0, 1e6)]
    public double Low { get; init; }

    /// <summary>Highest frequency of the bands in hertz; null: half the rate.</summary>
    [Doc("Highest frequency of the mel bands, in Hz; by default half the rate."), Within(0, 1e6, AboveLow = true)]
    public double? High { get; init; }

    /// <summary>Added to the power before the logarithm.</summary>
    [Doc("Added to the power before the logarithm, so that silence has one; full scale is 1."), Within(0, 1, AboveLow = true)]
    public double Floor { get; init; } = 1e-6;

    /// <inheritdoc/>
    public void Check(DeclaredNode.Map at, ProblemList problems)
    {
        if (High <= Low) problems.Add(Messages.Problem("spectrum-range", at["high"]!.Place, Low, High));
        if (Form == SpectrumForm.Mfcc && Coefficients > Bands) problems.Add(Messages.Problem("spectrum-coefficients", at["coefficients"]?.Place ?? at.Place, Coefficients, Bands));
    }
}
