using Comity.Tensors.Randomness;

namespace Comity.Learning.Augmentation;

/// <summary>Draws the changes that move pixels.</summary>
internal static class Geometry
{
    /// <summary>The map of a change; null where it does not move pixels of an image.</summary>
    public static PlaneMap? Of(AugmentSection change, InputShape input, SeededRandom random)
    {
        if (input is not ImageInput image) return null;
        return change switch
        {
            FlipSection flip => PlaneMap.Stretch(flip.Vertical && random.NextDouble() < 0.5 ? -1 : 1, flip.Horizontal && random.NextDouble() < 0.5 ? -1 : 1),
            ShiftSection shift => PlaneMap.Translation(Even(random, shift.Share * image.Height), Even(random, shift.Share * image.Width)),
            RotateSection rotate => PlaneMap.Turn(Even(random, rotate.Degrees) * Math.PI / 180),
            ScaleSection scale => Zoom(1 + Even(random, scale.Share)),
            CropSection crop => Cut(crop, image, random),
            TimeShiftSection shift => PlaneMap.Translation(0, Whole(random, shift.Share * image.Width)),
            _ => null,
        };
    }

    /// <summary>Uniform in ±bound.</summary>
    private static double Even(SeededRandom random, double bound) => (2 * random.NextDouble() - 1) * bound;

    /// <summary>A whole number in ±bound.</summary>
    internal static int Whole(SeededRandom random, double bound) => random.NextInt32(2 * (int)bound + 1) - (int)bound;

    private static PlaneMap Zoom(double factor) => PlaneMap.Stretch(1 / factor, 1 / factor);

    private static PlaneMap Cut(CropSection crop, ImageInput image, SeededRandom random)
    {
        var share = crop.Share + random.NextDouble() * (1 - crop.Share);
        var (freeY, freeX) = ((1 - share) * (image.Height - 1) / 2, (1 - share) * (image.Width - 1) / 2);
        return PlaneMap.Translation(Even(random, freeY), Even(random, freeX)).Then(PlaneMap.Stretch(share, share));
    }
}
