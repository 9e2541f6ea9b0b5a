using Comity.Declarations;
using Comity.Learning.Augmentation;
using Comity.Learning.Models;
using Comity.Learning.Training.Optimizers;
using Comity.Learning.Training.Schedules;

namespace Comity.Learning.Training;

/// <summary>The section <c>training</c> of a study.</summary>
[Doc("How a model is fitted to a site's rows.")]
public sealed partial record TrainingSection : ICheckedDeclaration
{
    /// <summary>What is minimised; null: cross-entropy for classes, mean squared error for values.</summary>
    [Doc("What is minimised: cross-entropy, mse, mae or huber. Left out: cross-entropy for classes, mse for values.")]
    public Loss? Loss { get; init; }

    /// <summary>How a gradient becomes a step.</summary>
    [Doc("How a gradient becomes a step.")]
    public OptimizerSection Optimizer { get; init; } = new AdamSection();

    /// <summary>How the learning rate changes over the epochs.</summary>
    [Doc("How the learning rate changes over the epochs. In a federation it ends with the last round (rounds times localEpochs epochs), unless the federation's own training says epochs.")]
    public ScheduleSection Schedule { get; init; } = new ConstantScheduleSection();

    /// <summary>Rows of one step.</summary>
    [Doc("Rows of one step (mini-batch).")]
    [Within(1, 1_000_000)]
    public int Batch { get; init; } = 32;

    /// <summary>Mini-batches whose gradients make one step.</summary>
    [Doc("Mini-batches whose gradients make one step: the memory of a small batch, the step of a large one.")]
    [Within(1, 1_000_000)]
    public int Accumulate { get; init; } = 1;

    /// <summary>Decay of the moving average of the weights, which is then the outcome; null: the last weights are.</summary>
    [Doc("Decay of a moving average of the weights over the steps, such as 0.999. It is what validation sees and training gives back. Left out: the last weights.")]
    [Within(0, 1, BelowHigh = true)]
    public double? AverageDecay { get; init; }

    /// <summary>Passes over the training rows.</summary>
    [Doc("Passes over the training rows.")]
    [Within(1, 1_000_000)]
    public int Epochs { get; init; } = 100;

    /// <summary>Steps after which an epoch is over, and the next draws its rows anew; null: when all rows have been seen.</summary>
    [Doc("Steps after which an epoch counts as over; the next one draws its rows anew. Sites whose records differ much meet more often that way. Left out: an epoch is a pass over all training rows.")]
    [Within(1, 1_000_000)]
    public int? StepsPerEpoch { get; init; }

    /// <summary>Longest gradient (L2 norm); a longer one is scaled down to it.</summary>
    [Doc("Longest gradient (L2 norm); a longer one is scaled down to it.")]
    [Within(0, double.MaxValue, AboveLow = true)]
    public double? ClipNorm { get; init; }

    /// <summary>λ of the weight decay; biases and normalisations are not decayed.</summary>
    [Doc("Weight decay: λ/2·‖w‖² is added to the loss (adamw: decoupled). Biases and normalisations are not decayed.")]
    [Within(0, 1e6)]
    public double WeightDecay { get; init; }

    /// <summary>Stops when the validation loss no longer falls.</summary>
    [Doc("Stop when the loss on validation rows no longer falls, and keep the best weights.")]
    public EarlyStoppingSection? EarlyStopping { get; init; }

    /// <summary>Stops when an epoch's mean training loss is at or below this.</summary>
    [Doc("Stop as soon as the mean training loss of an epoch is at or below this.")]
    public double? TargetLoss { get; init; }

    /// <summary>Weight of each class in the loss.</summary>
    [Doc("Weight of each class in the loss: none, balanced, or one number a class.")]
    public ClassWeights ClassWeights { get; init; } = ClassWeights.None;

    /// <summary>ε of the label smoothing (Szegedy et al. 2016, arXiv:1512.00567).</summary>
    [Doc("Label smoothing: this share of each label is spread evenly over all classes.")]
    [Within(0, 1, BelowHigh = true)]
    public double LabelSmoothing { get; init; }

    /// <summary>Where the Huber loss turns from square to straight.</summary>
    [Doc("Where the Huber loss turns from square to straight, in the label's unit.")]
    [Within(0, double.MaxValue, AboveLow = true)]
    public double HuberDelta { get; init; } = 1;

    /// <summary>How much a teacher's outputs count where there is a teacher.</summary>
    [Doc("How much a teacher's outputs count where there is a teacher (arm combined, by distillation).")]
    public DistillationSection Distillation { get; init; } = new();

    /// <summary>Random changes of training records, in this order.</summary>
    [Doc("Random changes of training records, drawn anew in each epoch and applied in this order.")]
    public IReadOnlyList<AugmentSection> Augment { get; init; } = [];

    /// <summary>Rows of one step of the optimiser: a batch, or as many as are accumulated. Under privacy: the expected lot.</summary>
    public int Lot => checked(Batch * Accumulate);

    /// <summary>The loss that applies to a task.</summary>
    public Loss LossFor(TaskKind task) => Loss ?? (task == TaskKind.Regression ? Training.Loss.Mse : Training.Loss.CrossEntropy);

    void ICheckedDeclaration.Check(DeclaredNode.Map at, ProblemList problems)
    {
        if (Optimizer is LbfgsSection)
        {
            if (Schedule is not ConstantScheduleSection { WarmUpEpochs: 0 }) problems.Add(Messages.Problem("lbfgs-excludes", PlaceOf(at, "schedule"), "schedule"));
            if (Augment.Count > 0) problems.Add(Messages.Problem("lbfgs-excludes", PlaceOf(at, "augment"), "augment"));
            if (ClipNorm is not null) problems.Add(Messages.Problem("lbfgs-excludes", PlaceOf(at, "clipNorm"), "clipNorm"));
            if (Accumulate > 1) problems.Add(Messages.Problem("lbfgs-excludes", PlaceOf(at, "accumulate"), "accumulate"));
            if (AverageDecay is not null) problems.Add(Messages.Problem("lbfgs-excludes", PlaceOf(at, "averageDecay"), "averageDecay"));
            if (StepsPerEpoch is not null) problems.Add(Messages.Problem("lbfgs-excludes", PlaceOf(at, "stepsPerEpoch"), "stepsPerEpoch"));
        }
        if (Loss is not (null or Training.Loss.CrossEntropy))
        {
            if (LabelSmoothing > 0) problems.Add(Messages.Problem("only-cross-entropy", PlaceOf(at, "labelSmoothing"), "labelSmoothing"));
            if (!ClassWeights.IsNone) problems.Add(Messages.Problem("only-cross-entropy", PlaceOf(at, "classWeights"), "classWeights"));
        }
        if (Augment.OfType<MixUpSection>().Count() > 1) problems.Add(Messages.Problem("mix-up-twice", PlaceOf(at, "augment")));
        if (Schedule.WarmUpEpochs >= Epochs && Schedule.WarmUpEpochs > 0)
            problems.Add(Messages.Problem("warm-up-too-long", PlaceOf(at, "schedule"), Schedule.WarmUpEpochs, Epochs));
    }

    /// <summary>Checks what only model and task together can tell. Call after both sections were read.</summary>
    /// <param name="model">The model that will be trained.</param>
    /// <param name="task">What the contract's label asks for.</param>
    /// <param name="classes">Number of classes; 0 when it is not known yet, or for regression.</param>
    /// <param name="at">The section as it was written; null: places are unknown.</param>
    /// <param name="problems">Where problems go.</param>
    public void CheckAgainst(ModelSection model, TaskKind task, int classes, DeclaredNode.Map? at, ProblemList problems)
    {
        var loss = LossFor(task);
        if (loss == Training.Loss.CrossEntropy == (task == TaskKind.Regression))
            problems.Add(Messages.Problem("loss-needs-task", PlaceOf(at, "loss"), LossNames.Of(loss), TaskNames.Of(task), task == TaskKind.Regression ? "mse, mae, huber" : "cross-entropy"));
        if ((task == TaskKind.Regression || task.IsByToken()) && !ClassWeights.IsNone && Loss is null)
            problems.Add(Messages.Problem("only-cross-entropy", PlaceOf(at, "classWeights"), "classWeights"));
        if (task == TaskKind.Regression && LabelSmoothing > 0 && Loss is null)
            problems.Add(Messages.Problem("only-cross-entropy", PlaceOf(at, "labelSmoothing"), "labelSmoothing"));
        if (ClassWeights.Values.Count > 0 && classes > 0 && ClassWeights.Values.Count != classes)
            problems.Add(Messages.Problem("class-weights-count", PlaceOf(at, "classWeights"), ClassWeights.Values.Count, classes));
        if (Optimizer is LbfgsSection)
        {
            if (model is MlpSection { Dropout: > 0 }) problems.Add(Messages.Problem("lbfgs-excludes", PlaceOf(at, "optimizer"), "model.dropout"));
            if (model is CnnSection cnn)
            {
                if (cnn.Layers.Any(l => l is DropoutLayerSection)) problems.Add(Messages.Problem("lbfgs-excludes", PlaceOf(at, "optimizer"), "model.layers: dropout"));
                if (cnn.Layers.Any(l => l is ResidualLayerSection { Norm: ChannelNormalization.Batch } or ConvLayerSection { Norm: ChannelNormalization.Batch })) problems.Add(Messages.Problem("lbfgs-excludes", PlaceOf(at, "optimizer"), "model.layers: norm: batch"));
            }
            if (model is MlpSection { Norm: Normalization.Batch }) problems.Add(Messages.Problem("lbfgs-excludes", PlaceOf(at, "optimizer"), "model.norm: batch"));
        }
    }

    /// <summary>Checks that what is augmented is what these changes are for.</summary>
    /// <param name="input">What a row holds; lengths that only the records tell may be placeholders.</param>
    /// <param name="at">The section as it was written; null: places are unknown.</param>
    /// <param name="problems">Where problems go.</param>
    public void CheckInput(InputShape input, DeclaredNode.Map? at, ProblemList problems)
    {
        for (var i = 0; i < Augment.Count; i++)
        {
            if (Augment[i].Fits(input)) continue;
            var place = at?["augment"] is DeclaredNode.List list && i < list.Items.Count ? list.Items[i].Place : PlaceOf(at, "augment");
            problems.Add(Messages.Problem("augment-input", place, Augment[i].Name, InputNames.Of(input), Augment[i].Needs));
        }
    }

    private static Place PlaceOf(DeclaredNode.Map? at, string key) => at?[key]?.Place ?? at?.Place ?? new Place("", 0, 0, "training." + key);
}

/// <summary>When training stops because validation rows no longer gain.</summary>
public sealed record EarlyStoppingSection
{
    /// <summary>Epochs without a better validation loss before training stops.</summary>
    [Doc("Epochs without a better validation loss before training stops.")]
    [Within(1, 1_000_000)]
    public int Patience { get; init; } = 10;

    /// <summary>By how much a loss must be lower to count as better.</summary>
    [Doc("By how much the validation loss must fall to count as better.")]
    [Within(0, 1e9)]
    public double MinDelta { get; init; }
}

/// <summary>Learning from a teacher's outputs (Hinton et al. 2015, arXiv:1503.02531).</summary>
public sealed record DistillationSection
{
    /// <summary>Share of the teacher in the loss; the labels have the rest.</summary>
    [Doc("Share of the teacher in the loss; the labels have the rest.")]
    [Within(0, 1)]
    public double Weight { get; init; } = 0.5;

    /// <summary>Temperature that softens both outputs; 1: as they are.</summary>
    [Doc("Temperature that softens both outputs; 1 leaves them as they are.")]
    [Within(0, 100, AboveLow = true)]
    public double Temperature { get; init; } = 2;
}
