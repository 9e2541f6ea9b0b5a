using Comity.Learning;
using Comity.Learning.Attacks;
using Comity.Learning.Models;
using Comity.Learning.Training;
using Comity.Learning.Training.Optimizers;
using Comity.Learning.Training.Private;
using Comity.Privacy.Noise;
using Comity.SecureAggregation.FixedPoint;
using Comity.SecureAggregation.Tests.Protocol;
using Comity.Tensors.Randomness;

namespace Comity.Privacy.Attacks;

/// <summary>An unprotected update of one record is that record. What the protections make of it is measured with the same attack.</summary>
public sealed class GradientInversionTests
{
    private const int Width = 8;
    private const int Classes = 3;

    public static TheoryData<ModelSection> Models => [new SoftmaxSection(), new MlpSection { Hidden = [16] }, new MlpSection { Hidden = [16, 8] }];

    [Theory]
    [MemberData(nameof(Models))]
    public void The_update_of_a_single_record_gives_the_record_back(ModelSection section)
    {
        var errors = new List<double>();
        for (var trial = 0; trial < 50; trial++)
        {
            var record = Record(trial);
            var found = GradientInversion.Record(Update(section, record, trial, null), Create(section).Layout, Width);
            if (found is null) continue; // no hidden unit is alive for this record, so nothing moved
            errors.Add(GradientInversion.Compare(found, record.Row(0)).Error);
        }
        Assert.True(errors.Count >= 40, "Too few updates moved.");
        Assert.All(errors, e => Assert.InRange(e, 0, 2e-4)); // float32 differences of parameters near 1
    }

    [Fact]
    public void Clipping_alone_hides_nothing()
    {
        var record = Record(1);
        var update = Update(new SoftmaxSection(), record, 1, null);
        var norm = Math.Sqrt(update.Sum(u => (double)u * u));
        var clipped = update.Select(u => (float)(u * 0.01 / norm)).ToArray();

        var found = GradientInversion.Record(clipped, Create(new SoftmaxSection()).Layout, Width)!;

        Assert.InRange(GradientInversion.Compare(found, record.Row(0)).Error, 0, 1e-4);
    }

    [Fact]
    public void Noise_of_record_level_privacy_takes_the_record_away()
    {
        var correlations = new List<double>();
        for (var trial = 0; trial < LongForm.Of(300, 2000); trial++)
        {
            var record = Record(trial);
            using var noise = NoiseStream.Repeatable([.. BitConverter.GetBytes(trial), .. new byte[28]]);
            var update = Update(new SoftmaxSection(), record, trial, new PrivateTraining { ClipNorm = 1, NoiseMultiplier = 1, Noise = noise });
            var found = GradientInversion.Record(update, Create(new SoftmaxSection()).Layout, Width)!;
            correlations.Add(GradientInversion.Compare(found, record.Row(0)).Correlation);
        }
        Assert.InRange(Math.Abs(correlations.Average()), 0, 0.1);
    }

    [Fact]
    public void Under_masks_the_coordinator_holds_nothing_of_the_record_and_the_sum_only_a_mixture()
    {
        var (correlations, mixed) = (new List<double>(), new List<double>());
        var layout = Create(new SoftmaxSection()).Layout;
        for (var trial = 0; trial < LongForm.Of(40, 400); trial++)
        {
            var updates = Enumerable.Range(0, 3).Select(site => Update(new SoftmaxSection(), Record((10 * trial) + site), trial, null)).ToArray();
            var encoding = FixedPointEncoding.Choose(4, 1, 3, 1e-6);
            using var round = new MaskedRound(3, 2, length: layout.Length, bits: encoding.Bits, seed: trial);
            for (var site = 0; site < 3; site++) encoding.Encode(updates[site], 1, round.Vectors[site]);
            var summed = Assert.IsType<Comity.SecureAggregation.Protocol.CoordinatorTurn.Summed>(round.Play());

            // What travelled of site 0, read as numbers, as the coordinator would.
            var packed = round.Seen.OfType<Comity.SecureAggregation.Protocol.MaskedInput>().Single(m => m.Site == 0).Packed;
            var seen = Unpacked(packed, layout.Length, encoding);
            var truth = Record(10 * trial).Row(0);
            if (GradientInversion.Record(seen, layout, Width) is { } found) correlations.Add(GradientInversion.Compare(found, truth).Correlation);
            var sum = new float[layout.Length];
            encoding.Decode(summed.Sum, 1, sum);
            Assert.Equal(updates[0][0] + updates[1][0] + updates[2][0], sum[0], 1e-5f);
            if (GradientInversion.Record(sum, layout, Width) is { } mixture) mixed.Add(GradientInversion.Compare(mixture, truth).Error);
        }
        Assert.InRange(Math.Abs(correlations.Average()), 0, 0.2);
        Assert.True(mixed.Order().ElementAt(mixed.Count / 2) > 0.1, "The sum of three gave a record back.");
    }

    private static float[] Unpacked(byte[] packed, int length, FixedPointEncoding encoding)
    {
        var values = new float[length];
        for (var i = 0; i < length; i++)
        {
            ulong word = 0;
            for (var bit = 0; bit < encoding.Bits; bit++)
            {
                var at = ((long)i * encoding.Bits) + bit;
                if ((packed[at / 8] >> (int)(at % 8) & 1) != 0) word |= 1UL << bit;
            }
            values[i] = (float)(encoding.Signed((uint)word) * encoding.Step);
        }
        return values;
    }

    private static Model Create(ModelSection section) => ModelFactory.Create(section, Width, TaskKind.Multiclass, Classes);

    private static Dataset Record(int trial)
    {
        var random = Seed.Of(5).For("record", trial).ToRandom();
        return new Dataset(Enumerable.Range(0, Width).Select(_ => (float)random.NextGaussian()).ToArray(), new[] { (float)(trial % Classes) }, Width);
    }

    private static float[] Update(ModelSection section, Dataset record, int trial, PrivateTraining? protection)
    {
        var model = Create(section);
        var start = new float[model.Layout.Length];
        model.Initialise(start, Seed.Of(9).For("start", trial).ToRandom());
        var trained = start.ToArray();
        var training = new TrainingSection { Batch = 1, Epochs = 1, Optimizer = new SgdSection { LearningRate = 1 } };
        new Trainer(model, training).Train(trained, record, null, new TrainerRequest { Seed = Seed.Of(1), Private = protection }, TestContext.Current.CancellationToken);
        return [.. trained.Zip(start, (a, b) => a - b)];
    }
}
