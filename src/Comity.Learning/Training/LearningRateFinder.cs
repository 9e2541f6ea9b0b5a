using Comity.Learning.Models;
using Comity.Learning.Training.Optimizers;
using Comity.Tensors.Randomness;

namespace Comity.Learning.Training;

/// <summary>Tries ever larger learning rates on one short run and looks where the loss still falls (Smith 2017, arXiv:1506.01186).</summary>
public static class LearningRateFinder
{
    private const double Smoothing = 0.9;
    private const double Burst = 4; // times the best loss: from there on it only gets worse

    /// <summary>Runs it; the parameters stay as they are.</summary>
    /// <param name="model">What is trained.</param>
    /// <param name="section">How; its learning rate and schedule are not used.</param>
    /// <param name="parameters">Shape [P]: where training would start.</param>
    /// <param name="rows">The rows to learn from, at least one.</param>
    /// <param name="seed">Names the streams of shuffling and dropout.</param>
    /// <param name="low">The first rate.</param>
    /// <param name="high">The last rate.</param>
    /// <param name="steps">Steps in between, at least 2.</param>
    /// <param name="cancellationToken">Checked before each step.</param>
    /// <exception cref="ArgumentException">There are no rows, the rates do not rise, or the optimiser has no rate of its own (L-BFGS).</exception>
    public static LearningRateCurve Find(Model model, TrainingSection section, ReadOnlySpan<float> parameters, Dataset rows, Seed seed, double low = 1e-6, double high = 1, int steps = 100, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(section);
        ArgumentNullException.ThrowIfNull(rows);
        if (section.Optimizer is LbfgsSection) throw new ArgumentException("L-BFGS searches its own step length.", nameof(section));
        if (!(low > 0 && high > low && double.IsFinite(high)) || steps < 2) throw new ArgumentException($"Rates from {low} to {high} in {steps} steps do not rise.", nameof(low));
        if (rows.Rows == 0) throw new ArgumentException("There are no rows to learn from.", nameof(rows));
        var session = new Session(model, section);
        parameters.CopyTo(session.Parameters.Span);
        var objective = new Objective(model, section, rows, null, section.Batch, default);
        var order = Enumerable.Range(0, rows.Rows).ToArray();
        SeededRandom shuffle = seed.For("shuffle").ToRandom(), random = seed.For("dropout").ToRandom();
        var tape = model.RentTape();
        List<double> rates = [], losses = [];
        double mean = 0, best = double.PositiveInfinity;
        for (int i = 0, next = order.Length; i < steps; i++, next += section.Batch)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (next >= order.Length)
            {
                shuffle.Shuffle(order.AsSpan());
                next = 0;
            }
            var chosen = order.AsSpan(next, Math.Min(section.Batch, order.Length - next));
            var rate = low * Math.Pow(high / low, i / (steps - 1.0));
            tape.Begin(session.Parameters, session.Gradient, random);
            var loss = objective.MeanOf(tape, rows.OnTape(tape, chosen), chosen);
            if (!float.IsFinite(loss.Scalar)) break;
            mean = Smoothing * mean + (1 - Smoothing) * loss.Scalar;
            var smooth = mean / (1 - Math.Pow(Smoothing, i + 1));
            rates.Add(rate);
            losses.Add(smooth);
            best = Math.Min(best, smooth);
            if (smooth > Burst * best) break;
            tape.Backward(loss);
            GradientTerms.Add(model.Kernels, session, section, (float)rate, 0, null, null);
            session.Optimizer!.Step(session.Parameters, session.Gradient, (float)rate);
        }
        model.ReturnTape(tape);
        return new LearningRateCurve(rates, losses, BelowLowest(rates, losses));
    }

    // The smoothed loss reaches its lowest point only when rates are far too large already: the steps lag behind, and so does the mean.
    private static double? BelowLowest(List<double> rates, List<double> losses)
    {
        if (losses.Count == 0) return null;
        var lowest = losses.IndexOf(losses.Min());
        return lowest == 0 ? null : rates[lowest] / 10;
    }
}

/// <summary>What trying learning rates has shown.</summary>
/// <param name="Rates">The rates tried, rising; it ends early where the loss bursts.</param>
/// <param name="Losses">The smoothed training loss at each.</param>
/// <param name="Suggested">A tenth of the rate at which the loss was lowest; null: it never fell.</param>
public sealed record LearningRateCurve(IReadOnlyList<double> Rates, IReadOnlyList<double> Losses, double? Suggested);
