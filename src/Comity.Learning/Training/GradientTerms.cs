using Comity.Tensors.Kernels;
using Comity.Tensors.Memory;

namespace Comity.Learning.Training;

/// <summary>What is added to the loss's own gradient and reads no record: drift correction and proximal term, then the clip, then the decay of the optimiser.</summary>
internal static unsafe class GradientTerms
{
    public static void Add(KernelSet kernels, Session session, TrainingSection section, float rate, float proximal, AlignedBuffer? anchor, AlignedBuffer? correction)
    {
        float* w = session.Parameters.Pointer, g = session.Gradient.Pointer;
        foreach (var (offset, length) in session.Trained)
        {
            if (correction is not null) kernels.AddScaled(1, correction.Pointer + offset, g + offset, length);
            if (anchor is null) continue;
            kernels.AddScaled(proximal, w + offset, g + offset, length);
            kernels.AddScaled(-proximal, anchor.Pointer + offset, g + offset, length);
        }
        if (section.ClipNorm is { } clip)
        {
            var norm = Math.Sqrt(kernels.Dot(g, g, session.Gradient.Length));
            if (norm > clip) kernels.Affine((float)(clip / norm), 0, g, g, session.Gradient.Length);
        }
        if (section.WeightDecay <= 0) return;
        foreach (var (offset, length) in session.Decayed)
        {
            if (session.Optimizer!.DecouplesDecay) kernels.Affine((float)(1 - (rate * section.WeightDecay)), 0, w + offset, w + offset, length);
            else kernels.AddScaled((float)section.WeightDecay, w + offset, g + offset, length);
        }
    }
}
