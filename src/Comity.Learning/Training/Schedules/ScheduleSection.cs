using Comity.Declarations;

namespace Comity.Learning.Training.Schedules;

/// <summary>The section <c>training.schedule</c>: the factor on the learning rate as a function of the epochs done.</summary>
[Doc("How the learning rate changes over the epochs.")]
[Kind("constant", typeof(ConstantScheduleSection))]
[Kind("step", typeof(StepScheduleSection))]
[Kind("exponential", typeof(ExponentialScheduleSection))]
[Kind("cosine", typeof(CosineScheduleSection))]
[Kind("cyclic", typeof(CyclicScheduleSection))]
[Kind("warm-restarts", typeof(WarmRestartsScheduleSection))]
public abstract record ScheduleSection
{
    /// <summary>Epochs over which the rate first rises, in a straight line, from zero.</summary>
    [Doc("Epochs over which the learning rate first rises in a straight line.")]
    [Within(0, 1_000_000)]
    public int WarmUpEpochs { get; init; }

    /// <summary>The factor on the learning rate.</summary>
    /// <param name="epoch">Epochs done, with the fraction of the current one.</param>
    /// <param name="epochs">Epochs in all, for schedules that end.</param>
    public double RateFactor(double epoch, int epochs) => epoch < WarmUpEpochs
        ? epoch / WarmUpEpochs
        : After(epoch - WarmUpEpochs, Math.Max(1, epochs - WarmUpEpochs));

    private protected abstract double After(double epoch, int epochs);
}

/// <summary>The same rate throughout.</summary>
[Doc("The same learning rate throughout.")]
public sealed record ConstantScheduleSection : ScheduleSection
{
    private protected override double After(double epoch, int epochs) => 1;
}

/// <summary>Multiplied by a factor every so many epochs.</summary>
[Doc("Multiplied by a factor every so many epochs.")]
public sealed record StepScheduleSection : ScheduleSection
{
    /// <summary>Epochs between two drops.</summary>
    [Doc("Epochs between two drops.")]
    [Within(1, 1_000_000)]
    public required int Every { get; init; }

    /// <summary>The factor of each drop.</summary>
    [Doc("The factor of each drop.")]
    [Within(0, 1, AboveLow = true)]
    public double Factor { get; init; } = 0.1;

    private protected override double After(double epoch, int epochs) => Math.Pow(Factor, Math.Floor(epoch / Every));
}

/// <summary>Multiplied by a factor each epoch, smoothly.</summary>
[Doc("Multiplied by a factor each epoch.")]
public sealed record ExponentialScheduleSection : ScheduleSection
{
    /// <summary>The factor of one epoch.</summary>
    [Doc("The factor of one epoch.")]
    [Within(0, 1, AboveLow = true)]
    public double Factor { get; init; } = 0.95;

    private protected override double After(double epoch, int epochs) => Math.Pow(Factor, epoch);
}

/// <summary>Half a cosine from 1 down to the floor (Loshchilov and Hutter 2017, arXiv:1608.03983, without restarts).</summary>
[Doc("Half a cosine from the learning rate down to its floor at the last epoch.")]
public sealed record CosineScheduleSection : ScheduleSection
{
    /// <summary>The factor at the end.</summary>
    [Doc("The factor that is reached at the end.")]
    [Within(0, 1)]
    public double Floor { get; init; }

    private protected override double After(double epoch, int epochs) =>
        Floor + (1 - Floor) * 0.5 * (1 + Math.Cos(Math.PI * Math.Min(1, epoch / epochs)));
}

/// <summary>A triangle between the floor and 1 (Smith 2017, arXiv:1506.01186).</summary>
[Doc("A triangle between the floor and the learning rate.")]
public sealed record CyclicScheduleSection : ScheduleSection
{
    /// <summary>Epochs of a whole cycle.</summary>
    [Doc("Epochs of a whole cycle, up and down.")]
    [Within(1, 1_000_000)]
    public required int Period { get; init; }

    /// <summary>The factor at the bottom.</summary>
    [Doc("The factor at the bottom of each cycle.")]
    [Within(0, 1)]
    public double Floor { get; init; } = 0.1;

    private protected override double After(double epoch, int epochs)
    {
        var phase = epoch / Period % 1;
        return Floor + (1 - Floor) * (1 - Math.Abs(2 * phase - 1));
    }
}

/// <summary>Cosines that start again, each longer than the last (SGDR, Loshchilov and Hutter 2017, arXiv:1608.03983).</summary>
[Doc("Cosines that start again, each longer than the last by a factor.")]
public sealed record WarmRestartsScheduleSection : ScheduleSection
{
    /// <summary>Epochs of the first cosine.</summary>
    [Doc("Epochs until the first restart.")]
    [Within(1, 1_000_000)]
    public required int Period { get; init; }

    /// <summary>How much longer each cosine is than the one before.</summary>
    [Doc("How much longer each cosine is than the one before.")]
    [Within(1, 100)]
    public double Growth { get; init; } = 2;

    /// <summary>The factor at the end of each cosine.</summary>
    [Doc("The factor at the end of each cosine.")]
    [Within(0, 1)]
    public double Floor { get; init; }

    private protected override double After(double epoch, int epochs)
    {
        double length = Period;
        while (epoch >= length) (epoch, length) = (epoch - length, length * Growth);
        return Floor + (1 - Floor) * 0.5 * (1 + Math.Cos(Math.PI * epoch / length));
    }
}
