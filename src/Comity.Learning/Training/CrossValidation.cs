using Comity.Learning.Models;
using Comity.Tensors.Randomness;

namespace Comity.Learning.Training;

/// <summary>k-fold cross-validation: every row is predicted once, by a model that has not seen it.</summary>
public static class CrossValidation
{
    /// <summary>Assigns each row to a fold. Folds differ by at most one row, and by at most one row of each class.</summary>
    /// <param name="labels">Shape [rows].</param>
    /// <param name="task">Classes are spread evenly over the folds; values are not looked at.</param>
    /// <param name="folds">k, from 2 to the number of rows.</param>
    /// <param name="seed">Fixes the assignment.</param>
    /// <returns>The fold of each row, from 0.</returns>
    public static int[] Assign(ReadOnlySpan<float> labels, TaskKind task, int folds, Seed seed)
    {
        if (folds < 2 || folds > labels.Length) throw new ArgumentOutOfRangeException(nameof(folds), folds, $"{labels.Length} rows can be cut into 2 to {labels.Length} folds.");
        var order = new int[labels.Length];
        for (var i = 0; i < order.Length; i++) order[i] = i;
        seed.For("folds").ToRandom().Shuffle(order.AsSpan());
        if (task != TaskKind.Regression)
        {
            // Dealt out class after class, so that each class goes round the folds evenly; a stable sort keeps the shuffle within a class.
            var classes = labels.ToArray();
            order = [.. order.OrderBy(row => classes[row])];
        }
        var assigned = new int[labels.Length];
        for (var i = 0; i < order.Length; i++) assigned[order[i]] = i % folds;
        return assigned;
    }

    /// <summary>Trains k models, each on all folds but one, and predicts the one left out.</summary>
    /// <param name="trainer">What and how.</param>
    /// <param name="rows">All rows.</param>
    /// <param name="folds">k.</param>
    /// <param name="seed">Fixes folds, initial parameters and training.</param>
    /// <param name="cancellationToken">Checked before each step.</param>
    public static CrossValidated Run(Trainer trainer, Dataset rows, int folds, Seed seed, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(trainer);
        ArgumentNullException.ThrowIfNull(rows);
        var model = trainer.Model;
        var assigned = Assign(rows.Labels.Span, model.Task, folds, seed);
        var outputs = new float[rows.Rows * model.Outputs];
        var losses = new double[folds];
        var parameters = new float[model.Layout.Length];
        for (var fold = 0; fold < folds; fold++)
        {
            var (inside, outside) = Cut(assigned, fold);
            var held = rows.Choose(outside);
            model.Initialise(parameters, seed.For("initial", fold).ToRandom());
            trainer.Train(parameters, rows.Choose(inside), null, new TrainerRequest { Seed = seed.For("training", fold) }, cancellationToken);
            losses[fold] = trainer.Loss(parameters, held);
            var predicted = new float[held.Rows * model.Outputs];
            model.Predict(parameters, held, predicted);
            for (var i = 0; i < outside.Length; i++)
                predicted.AsSpan(i * model.Outputs, model.Outputs).CopyTo(outputs.AsSpan(outside[i] * model.Outputs));
        }
        return new CrossValidated(assigned, losses, outputs);
    }

    private static (int[] Inside, int[] Outside) Cut(int[] assigned, int fold)
    {
        var inside = new List<int>();
        var outside = new List<int>();
        for (var row = 0; row < assigned.Length; row++) (assigned[row] == fold ? outside : inside).Add(row);
        return ([.. inside], [.. outside]);
    }
}

/// <summary>What cross-validation gave.</summary>
/// <param name="Folds">The fold of each row.</param>
/// <param name="Losses">The loss of each fold under the model that had not seen it.</param>
/// <param name="Outputs">Each row's prediction by that model, shape [rows, outputs].</param>
public sealed record CrossValidated(IReadOnlyList<int> Folds, IReadOnlyList<double> Losses, float[] Outputs);
