using Comity.Tensors.Randomness;

namespace Comity.Learning.Augmentation;

/// <summary>The changes that replace values where they stand.</summary>
internal static class Values
{
    public static void Change(AugmentSection change, Span<float> row, InputShape input, SeededRandom random)
    {
        switch (change)
        {
            case NoiseSection noise:
                foreach (ref var value in row) value += (float)(noise.Deviation * random.NextGaussian());
                break;
            case CutOutSection cut:
                CutOut(cut, row, (ImageInput)input, random);
                break;
            case SpecAugmentSection masks:
                Mask(masks, row, (ImageInput)input, random);
                break;
            case TimeShiftSection shift:
                ShiftSteps(row, (SeriesInput)input, Geometry.Whole(random, shift.Share * ((SeriesInput)input).Steps));
                break;
        }
    }

    private static void CutOut(CutOutSection cut, Span<float> row, ImageInput image, SeededRandom random)
    {
        var side = Math.Max(1, (int)Math.Round(cut.Share * Math.Min(image.Height, image.Width)));
        var (top, left) = (random.NextInt32(image.Height) - side / 2, random.NextInt32(image.Width) - side / 2);
        Clear(row, image, top, top + side, left, left + side);
    }

    private static void Mask(SpecAugmentSection masks, Span<float> row, ImageInput image, SeededRandom random)
    {
        for (var i = 0; i < masks.FrequencyMasks; i++)
        {
            var (from, to) = Stretch(image.Height, masks.FrequencyShare, random);
            Clear(row, image, from, to, 0, image.Width);
        }
        for (var i = 0; i < masks.TimeMasks; i++)
        {
            var (from, to) = Stretch(image.Width, masks.TimeShare, random);
            Clear(row, image, 0, image.Height, from, to);
        }
    }

    // Width uniform from 0 to the widest, then the start uniform among those that fit (Park et al. 2019, section 2).
    private static (int From, int To) Stretch(int length, double share, SeededRandom random)
    {
        var width = random.NextInt32((int)(share * length) + 1);
        var from = random.NextInt32(length - width + 1);
        return (from, from + width);
    }

    private static void Clear(Span<float> row, ImageInput image, int top, int bottom, int left, int right)
    {
        (top, bottom) = (Math.Max(0, top), Math.Min(image.Height, bottom));
        (left, right) = (Math.Max(0, left), Math.Min(image.Width, right));
        if (right <= left) return;
        for (var channel = 0; channel < image.Channels; channel++)
        {
            for (var y = top; y < bottom; y++) row.Slice((channel * image.Height + y) * image.Width + left, right - left).Clear();
        }
    }

    private static void ShiftSteps(Span<float> row, SeriesInput series, int steps)
    {
        if (steps == 0) return;
        var (channels, moved) = (series.Channels, Math.Abs(steps) * series.Channels);
        if (steps > 0)
        {
            row[..^moved].CopyTo(row[moved..]);
            for (var at = moved - channels; at >= 0; at -= channels) row.Slice(at + channels, channels).CopyTo(row[at..]);
            return;
        }
        row[moved..].CopyTo(row);
        for (var at = row.Length - moved; at < row.Length; at += channels) row.Slice(at - channels, channels).CopyTo(row[at..]);
    }
}
