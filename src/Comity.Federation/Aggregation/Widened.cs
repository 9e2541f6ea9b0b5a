using System.Numerics;

namespace Comity.Federation.Aggregation;

/// <summary>Kernels that add floats up in doubles.</summary>
/// <remarks>Each coordinate sees multiply then add, never fused, so its bits depend neither on the vector's width nor on the slice's.</remarks>
internal static class Widened
{
    /// <summary>sum += factor · values.</summary>
    public static void MultiplyAdd(ReadOnlySpan<float> values, double factor, Span<double> sum)
    {
        var width = Vector<float>.Count;
        var half = Vector<double>.Count;
        var f = new Vector<double>(factor);
        var i = 0;
        for (; i <= values.Length - width; i += width)
        {
            Vector.Widen(new Vector<float>(values[i..]), out var low, out var high);
            (new Vector<double>(sum[i..]) + (low * f)).CopyTo(sum[i..]);
            (new Vector<double>(sum[(i + half)..]) + (high * f)).CopyTo(sum[(i + half)..]);
        }
        for (; i < values.Length; i++) sum[i] += values[i] * factor;
    }

    /// <summary>Σ (a − b)². The difference is taken in double: ‖a‖² + ‖b‖² − 2 a·b would cancel.</summary>
    public static double SquaredDistance(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        // Eight lanes whatever the machine's width, so that the bits are those of any machine.
        Span<double> lanes = stackalloc double[8];
        lanes.Clear();
        var i = 0;
        if (Vector<double>.Count <= 8 && Vector<float>.Count <= 16)
        {
            var half = Vector<double>.Count;
            for (; i <= a.Length - 16; i += 16)
            {
                for (var lane = 0; lane < 16; lane += 2 * half)
                {
                    Vector.Widen(new Vector<float>(a[(i + lane)..]), out var aLow, out var aHigh);
                    Vector.Widen(new Vector<float>(b[(i + lane)..]), out var bLow, out var bHigh);
                    Accumulate(lanes, lane, aLow - bLow);
                    Accumulate(lanes, lane + half, aHigh - bHigh);
                }
            }
        }
        for (; i < a.Length; i++)
        {
            var d = (double)a[i] - b[i];
            lanes[i & 7] += d * d;
        }
        return ((lanes[0] + lanes[4]) + (lanes[1] + lanes[5])) + ((lanes[2] + lanes[6]) + (lanes[3] + lanes[7]));

        static void Accumulate(Span<double> lanes, int position, Vector<double> difference)
        {
            var slot = lanes[(position & 7)..];
            (new Vector<double>(slot) + (difference * difference)).CopyTo(slot);
        }
    }

    /// <summary>Σ (a − b)² with one side in double.</summary>
    public static double SquaredDistance(ReadOnlySpan<double> a, ReadOnlySpan<float> b)
    {
        double s0 = 0, s1 = 0, s2 = 0, s3 = 0;
        var i = 0;
        for (; i <= a.Length - 4; i += 4)
        {
            var (d0, d1, d2, d3) = (a[i] - b[i], a[i + 1] - b[i + 1], a[i + 2] - b[i + 2], a[i + 3] - b[i + 3]);
            s0 += d0 * d0;
            s1 += d1 * d1;
            s2 += d2 * d2;
            s3 += d3 * d3;
        }
        for (; i < a.Length; i++) s0 += (a[i] - b[i]) * (a[i] - b[i]);
        return (s0 + s1) + (s2 + s3);
    }
}
