using Comity.Learning;
using Comity.Learning.Attacks;
using Comity.Learning.Models;
using Comity.Learning.Training;
using Comity.Learning.Training.Optimizers;
using Comity.Learning.Training.Private;
using Comity.Privacy.Accounting;
using Comity.Privacy.Events;
using Comity.Privacy.Noise;
using Comity.Tensors.Randomness;

namespace Comity.Privacy.Attacks;

/// <summary>LiRA with shadow models: an overfitted model tells who was in; a private one does not, and never more than its ε allows.</summary>
public sealed class MembershipTests
{
    private const int Width = 10;
    private const int Pool = 200;
    private const int Batch = 100;
    private const int Epochs = 30;

    [Fact]
    public void An_overfitted_model_tells_its_members_and_noise_of_epsilon_1_silences_it()
    {
        var shadows = LongForm.Of(16, 64);
        var plain = Attack(shadows, null);
        var noise = NoiseFor(epsilon: 1);
        var quiet = Attack(shadows, noise);

        Assert.True(plain.Auc > 0.75, $"AUC {plain.Auc}");
        Assert.True(quiet.Auc < 0.6, $"AUC {quiet.Auc} under privacy");
        Assert.True(plain.TruePositives > 2 * quiet.TruePositives, $"{plain.TruePositives} and {quiet.TruePositives}");
        // No attack beats what (ε, δ) allows: TPR ≤ e^ε · FPR + δ, with room for the spread of the count.
        Assert.InRange(quiet.TruePositives, 0, (Math.E * 0.05) + 0.08);
    }

    private static double NoiseFor(double epsilon)
    {
        var rate = PrivateRate;
        var steps = (long)Math.Ceiling(1 / rate) * Epochs;
        return NoiseCalibration.NoiseMultiplier(new RdpAccountant(NeighbouringRelation.AddOrRemoveOne), z => new PoissonSampledEvent(rate, new GaussianEvent(z)).Times(steps), epsilon, 1e-5, 1e-2);
    }

    private static double PrivateRate => Batch / (Pool / 2.0);

    // Half of the pool trains the target, and each shadow a half of its own; the label is partly noise, which only memory can know.
    private static (double Auc, double TruePositives) Attack(int shadows, double? noise)
    {
        var pool = MakePool();
        var (target, members) = Trained(pool, "target", noise);
        var (all, trainedOn) = (new List<double[]>(), new List<bool[]>());
        for (var s = 0; s < shadows; s++)
        {
            // In pairs of complements, so that every record is in as many shadows as it is out of.
            var (confidence, inside) = Trained(pool, $"shadow-{s / 2}", noise, complement: s % 2 == 1);
            all.Add(confidence);
            trainedOn.Add(inside);
        }
        return MembershipInference.Judge(MembershipInference.Scores(target, all, trainedOn), members, 0.05);
    }

    private static (double[] Confidence, bool[] Members) Trained(Dataset pool, string name, double? noise, bool complement = false)
    {
        var random = Seed.Of(3).For("half", name).ToRandom();
        var order = Enumerable.Range(0, Pool).ToArray();
        random.Shuffle<int>(order);
        var half = complement ? order[(Pool / 2)..] : order[..(Pool / 2)];
        var members = new bool[Pool];
        foreach (var row in half) members[row] = true;
        var model = ModelFactory.Create(new MlpSection { Hidden = [32] }, Width, TaskKind.Binary, 2);
        var parameters = new float[model.Layout.Length];
        model.Initialise(parameters, Seed.Of(4).For("first", name, complement ? 1 : 0).ToRandom());
        using var stream = NoiseStream.Secure();
        var training = noise is null
            ? new TrainingSection { Batch = 20, Epochs = 150, Optimizer = new AdamSection { LearningRate = 0.01 } }
            : new TrainingSection { Batch = Batch, Epochs = Epochs, Optimizer = new SgdSection { LearningRate = 0.5 } };
        var request = new TrainerRequest { Seed = Seed.Of(6), Private = noise is { } z ? new PrivateTraining { ClipNorm = 1, NoiseMultiplier = z, Noise = stream } : null };
        new Trainer(model, training).Train(parameters, pool.Choose(half), null, request, TestContext.Current.CancellationToken);
        var outputs = new float[Pool * model.Outputs];
        model.Predict(parameters, pool, outputs);
        return ([.. Enumerable.Range(0, Pool).Select(i => MembershipInference.Confidence(OfLabel(outputs, model.Outputs, i, pool.Labels.Span[i])))], members);
    }

    // The last output is the positive class's probability.
    private static double OfLabel(float[] outputs, int each, int row, float label)
    {
        double positive = outputs[(row * each) + each - 1];
        return label > 0.5f ? positive : 1 - positive;
    }

    private static Dataset MakePool()
    {
        var random = Seed.Of(2).ToRandom();
        var (features, labels) = (new float[Pool * Width], new float[Pool]);
        for (var i = 0; i < Pool; i++)
        {
            for (var j = 0; j < Width; j++) features[(i * Width) + j] = (float)random.NextGaussian();
            labels[i] = random.NextDouble() < 0.3 ? (random.NextDouble() < 0.5 ? 1 : 0) : features[i * Width] > 0 ? 1 : 0;
        }
        return new Dataset(features, labels, Width);
    }
}
