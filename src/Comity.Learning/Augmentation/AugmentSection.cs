using Comity.Declarations;

namespace Comity.Learning.Augmentation;

/// <summary>One of <c>training.augment[]</c>: a random change of a training record. Judging and prediction never see one.</summary>
/// <remarks>Each record draws from a stream of its own, named by round, site, epoch and record: neither batches nor other records move it.</remarks>
[Doc("A random change of a training record, drawn anew in each epoch.")]
[Kind("flip", typeof(FlipSection))]
[Kind("crop", typeof(CropSection))]
[Kind("shift", typeof(ShiftSection))]
[Kind("rotate", typeof(RotateSection))]
[Kind("scale", typeof(ScaleSection))]
[Kind("noise", typeof(NoiseSection))]
[Kind("cut-out", typeof(CutOutSection))]
[Kind("time-shift", typeof(TimeShiftSection))]
[Kind("spec-augment", typeof(SpecAugmentSection))]
[Kind("mix-up", typeof(MixUpSection))]
public abstract record AugmentSection
{
    /// <summary>Chance that a record is changed.</summary>
    [Doc("Chance that a record is changed in an epoch.")]
    [Within(0, 1, AboveLow = true)]
    public double Probability { get; init; } = 1;

    /// <summary>The name of the kind in the file.</summary>
    internal abstract string Name { get; }

    /// <summary>What it can be applied to, as in a message.</summary>
    internal virtual string Needs => "image";

    /// <summary>Whether it can be applied to such rows.</summary>
    internal virtual bool Fits(InputShape input) => input is ImageInput;
}

/// <summary>Mirrors an image.</summary>
[Doc("Mirrors an image with an even chance.")]
public sealed record FlipSection : AugmentSection
{
    /// <summary>Whether left and right may change places.</summary>
    [Doc("Whether left and right may change places.")]
    public bool Horizontal { get; init; } = true;

    /// <summary>Whether top and bottom may change places.</summary>
    [Doc("Whether top and bottom may change places.")]
    public bool Vertical { get; init; }

    internal override string Name => "flip";
}

/// <summary>Cuts a random part out of an image and brings it back to the full size.</summary>
[Doc("Cuts a random part out of an image and scales it back to the full size.")]
public sealed record CropSection : AugmentSection
{
    /// <summary>Smallest share of height and width that stays.</summary>
    [Doc("Smallest share of height and width that stays.")]
    [Within(0, 1, AboveLow = true, BelowHigh = true)]
    public double Share { get; init; } = 0.8;

    internal override string Name => "crop";
}

/// <summary>Moves an image.</summary>
[Doc("Moves an image up or down and left or right; its edge fills what comes free.")]
public sealed record ShiftSection : AugmentSection
{
    /// <summary>Largest distance as a share of height and width.</summary>
    [Doc("Largest distance as a share of height and width.")]
    [Within(0, 1, AboveLow = true, BelowHigh = true)]
    public double Share { get; init; } = 0.1;

    internal override string Name => "shift";
}

/// <summary>Turns an image about its centre.</summary>
[Doc("Turns an image about its centre.")]
public sealed record RotateSection : AugmentSection
{
    /// <summary>Largest angle to either side.</summary>
    [Doc("Largest angle to either side, in degrees.")]
    [Within(0, 180, AboveLow = true)]
    public double Degrees { get; init; } = 10;

    internal override string Name => "rotate";
}

/// <summary>Enlarges or shrinks an image about its centre.</summary>
[Doc("Enlarges or shrinks an image about its centre.")]
public sealed record ScaleSection : AugmentSection
{
    /// <summary>Largest change of size.</summary>
    [Doc("Largest change of size: 0.1 draws a factor from 0.9 to 1.1.")]
    [Within(0, 1, AboveLow = true, BelowHigh = true)]
    public double Share { get; init; } = 0.1;

    internal override string Name => "scale";
}

/// <summary>Adds normal noise to every value.</summary>
[Doc("Adds normal noise to every value of the model's input.")]
public sealed record NoiseSection : AugmentSection
{
    /// <summary>Standard deviation, in the scale of the model's input.</summary>
    [Doc("Standard deviation of the noise, in the scale of the model's input (of standardised values: shares of their deviation).")]
    [Within(0, 1000, AboveLow = true)]
    public double Deviation { get; init; } = 0.1;

    internal override string Name => "noise";

    internal override string Needs => "features, image, series";

    internal override bool Fits(InputShape input) => input is not (TokenInput or TaggedInput);
}

/// <summary>Puts zero, which is the mean of standardised values, into a random square (DeVries and Taylor 2017, arXiv:1708.04552).</summary>
[Doc("Puts zero, the mean of standardised values, into a random square of an image.")]
public sealed record CutOutSection : AugmentSection
{
    /// <summary>Side of the square as a share of the shorter side; its centre lies anywhere, so that it may reach over the edge.</summary>
    [Doc("Side of the square as a share of the image's shorter side; its centre lies anywhere in the image.")]
    [Within(0, 1, AboveLow = true)]
    public double Share { get; init; } = 0.3;

    internal override string Name => "cut-out";
}

/// <summary>Moves sound in time: whole frames of a spectrogram, samples of a waveform, steps of a series.</summary>
[Doc("Moves a spectrogram, a waveform or a series in time; its first or last moment fills what comes free.")]
public sealed record TimeShiftSection : AugmentSection
{
    /// <summary>Largest distance as a share of the length.</summary>
    [Doc("Largest distance to either side as a share of the length.")]
    [Within(0, 1, AboveLow = true, BelowHigh = true)]
    public double Share { get; init; } = 0.1;

    internal override string Name => "time-shift";

    internal override string Needs => "image, series";

    internal override bool Fits(InputShape input) => input is ImageInput or SeriesInput;
}

/// <summary>Masks frequency bands and stretches of time of a spectrogram (Park et al. 2019, arXiv:1904.08779, without time warping).</summary>
[Doc("Masks bands of frequency and stretches of time of a spectrogram with zero, the mean of standardised values.")]
public sealed record SpecAugmentSection : AugmentSection
{
    /// <summary>Masks over frequency.</summary>
    [Doc("Masks over frequency.")]
    [Within(0, 100)]
    public int FrequencyMasks { get; init; } = 1;

    /// <summary>Widest mask over frequency, as a share of the bands.</summary>
    [Doc("Widest mask over frequency, as a share of the bands.")]
    [Within(0, 1)]
    public double FrequencyShare { get; init; } = 0.15;

    /// <summary>Masks over time.</summary>
    [Doc("Masks over time.")]
    [Within(0, 100)]
    public int TimeMasks { get; init; } = 1;

    /// <summary>Widest mask over time, as a share of the frames.</summary>
    [Doc("Widest mask over time, as a share of the frames.")]
    [Within(0, 1)]
    public double TimeShare { get; init; } = 0.15;

    internal override string Name => "spec-augment";
}

/// <summary>Mixes a record and its label with another of the site's (Zhang et al. 2018, arXiv:1710.09412).</summary>
[Doc("Mixes a record and its label with another training record of the site, after all other changes.")]
public sealed record MixUpSection : AugmentSection
{
    /// <summary>α of the share's Beta(α, α) law.</summary>
    [Doc("Alpha of the share's Beta(alpha, alpha) law; small: mostly one record.")]
    [Within(0, 1, AboveLow = true)]
    public double Alpha { get; init; } = 0.2;

    internal override string Name => "mix-up";

    internal override string Needs => "features, image, series";

    internal override bool Fits(InputShape input) => input is not (TokenInput or TaggedInput);
}
