using Comity.Learning.Augmentation;
using Comity.Learning.Models;
using Comity.Learning.Training;
using Comity.Tensors.Differentiation;
using Comity.Tensors.Memory;
using Comity.Testing;

namespace Comity.Learning.Tests.Augmentation;

public sealed class AugmenterTests
{
    private static readonly ImageInput Image = new(2, 5, 6);

    [Fact]
    public void A_record_is_changed_alike_in_any_batch_and_differently_in_another_epoch_or_record()
    {
        // Given
        AugmentSection[] changes = [new RotateSection(), new ShiftSection(), new NoiseSection(), new CutOutSection(), new SpecAugmentSection()];
        var rows = Images(7);
        float[] Changed(int epoch, params int[] order)
        {
            var augmenter = new Augmenter(changes, Image, rows, 8);
            augmenter.Begin(Synthetic.Seed.For("augment", epoch));
            var to = new float[Image.Length];
            foreach (var row in order) augmenter.Fill(row, to);
            return to;
        }

        // Then
        Assert.Equal(Changed(1, 3), Changed(1, 0, 6, 3));
        Assert.NotEqual(Changed(1, 3), Changed(2, 3));
        Assert.NotEqual(Changed(1, 3), Changed(1, 4));
    }

    [Fact]
    public void A_mirrored_image_has_its_columns_or_rows_in_reverse()
    {
        var rows = Images(40);
        var seen = new HashSet<(bool, bool)>();
        foreach (var (row, to) in All(rows, new FlipSection { Vertical = true }))
        {
            var matching = (from v in new[] { false, true } from h in new[] { false, true } where Same(v, h) select (v, h)).ToArray();
            seen.Add(Assert.Single(matching));

            bool Same(bool vertical, bool horizontal)
            {
                var from = rows.Row(row);
                for (var c = 0; c < Image.Channels; c++)
                    for (var y = 0; y < Image.Height; y++)
                        for (var x = 0; x < Image.Width; x++)
                            if (to[At(c, y, x)] != from[At(c, vertical ? Image.Height - 1 - y : y, horizontal ? Image.Width - 1 - x : x)]) return false;
                return true;
            }
        }
        Assert.Equal(4, seen.Count);
    }

    [Fact]
    public void Moving_pixels_is_bilinear_sampling_at_the_place_they_came_from()
    {
        // A plane is sampled without an error wherever the place lies inside: turning it turns its gradient.
        var image = new ImageInput(1, 41, 41);
        float[] plane = [.. from y in Enumerable.Range(0, 41) from x in Enumerable.Range(0, 41) select 2f * (x - 20) + 0.5f * (y - 20)];
        var to = new float[plane.Length];
        var angle = 0.3;
        PlaneMap.Turn(angle).Draw(plane, to, image);
        foreach (var (y, x) in new[] { (20, 20), (15, 26), (30, 18), (10, 10) })
        {
            var (dy, dx) = (y - 20, x - 20);
            var (fromY, fromX) = (Math.Cos(angle) * dy - Math.Sin(angle) * dx, Math.Sin(angle) * dy + Math.Cos(angle) * dx);
            Assert.Equal(2 * fromX + 0.5 * fromY, to[y * 41 + x], 4);
        }
    }

    [Fact]
    public void Two_moves_in_one_map_are_one_after_the_other()
    {
        var image = new ImageInput(1, 31, 31);
        float[] plane = [.. from y in Enumerable.Range(0, 31) from x in Enumerable.Range(0, 31) select 3f * x - y];
        var (first, second, both) = (new float[plane.Length], new float[plane.Length], new float[plane.Length]);
        PlaneMap turn = PlaneMap.Turn(0.2), move = PlaneMap.Translation(1.5, -2);
        turn.Draw(plane, first, image);
        move.Draw(first, second, image);
        turn.Then(move).Draw(plane, both, image);
        for (var y = 8; y < 23; y++)
            for (var x = 8; x < 23; x++) Assert.Equal(second[y * 31 + x], both[y * 31 + x], 3);
    }

    [Fact]
    public void Beyond_the_edge_the_edge_holds()
    {
        float[] image = [1, 2, 3, 4];
        var to = new float[4];
        PlaneMap.Translation(0, 2).Draw(image, to, new ImageInput(1, 1, 4));
        Assert.Equal([3, 4, 4, 4], to);
    }

    [Fact]
    public void A_mask_is_a_whole_band_or_frame_and_no_wider_than_declared()
    {
        var rows = Images(60);
        var masked = 0;
        foreach (var (_, to) in All(rows, new SpecAugmentSection { TimeMasks = 1, TimeShare = 0.5, FrequencyMasks = 0 }))
        {
            var zero = Enumerable.Range(0, Image.Width).Where(x => Enumerable.Range(0, Image.Height).All(y => to[At(0, y, x)] == 0 && to[At(1, y, x)] == 0)).ToArray();
            Assert.Equal(zero.Length * Image.Height * Image.Channels, to.Count(v => v == 0));
            Assert.True(zero.Length <= 3 && (zero.Length == 0 || zero[^1] - zero[0] == zero.Length - 1));
            masked += zero.Length;
        }
        Assert.InRange(masked / 60.0, 1, 2); // uniform on 0 … 3
    }

    [Fact]
    public void Noise_has_the_declared_deviation()
    {
        var rows = new Dataset(new float[1000 * 60], new float[1000], 60);
        var all = All(rows, new NoiseSection { Deviation = 0.5 }).SelectMany(r => r.To).ToArray();
        Assert.Equal(0, all.Average(), 0.01);
        Assert.Equal(0.25, all.Average(v => v * v), 0.01);
    }

    [Theory]
    [InlineData(2, new float[] { 1, 2, 1, 2, 1, 2, 3, 4 })]
    [InlineData(-1, new float[] { 3, 4, 5, 6, 7, 8, 7, 8 })]
    [InlineData(0, new float[] { 1, 2, 3, 4, 5, 6, 7, 8 })]
    public void A_series_moves_by_whole_steps_and_its_ends_hold(int steps, float[] expected)
    {
        var rows = new Dataset(new float[] { 1, 2, 3, 4, 5, 6, 7, 8 }, new float[1], 8);
        var augmenter = new Augmenter([new TimeShiftSection { Share = 0.5 }], new SeriesInput(4, 2), rows, 1);
        var to = new float[8];
        var met = Enumerable.Range(0, 200).Any(epoch =>
        {
            augmenter.Begin(Synthetic.Seed.For("augment", epoch));
            augmenter.Fill(0, to);
            return to.AsSpan().SequenceEqual(expected);
        });
        Assert.True(met, $"No shift by {steps} in 200 epochs.");
    }

    [Theory]
    [InlineData(TaskKind.Multiclass, 3)]
    [InlineData(TaskKind.Binary, 2)]
    [InlineData(TaskKind.Regression, 0)]
    public void The_loss_of_mixed_rows_is_that_of_the_mixed_label(TaskKind task, int classes)
    {
        // Given
        var rows = task == TaskKind.Regression ? Synthetic.Linear(20, [1, 2, 3], 1, Synthetic.Seed) : Synthetic.Clouds(20, classes, Synthetic.Seed);
        var section = new TrainingSection { Augment = [new MixUpSection { Alpha = 1 }], LabelSmoothing = classes > 0 ? 0.1 : 0 };
        var model = ModelFactory.Create(new MlpSection { Hidden = [4] }, 2, task, classes);
        var parameters = new float[model.Layout.Length];
        model.Initialise(parameters, Synthetic.Seed.ToRandom());
        int[] chosen = [3, 17, 4, 9];
        var augmenter = new Augmenter(section.Augment, model.Input, rows, 4);
        augmenter.Begin(Synthetic.Seed);

        // When
        var tape = new Tape(model.Layout);
        AlignedBuffer weights = new(parameters.Length), gradient = new(parameters.Length);
        parameters.CopyTo(weights.Span);
        tape.Begin(weights, gradient);
        var input = augmenter.OnTape(tape, chosen);
        var mixed = input.Values.ToArray();
        var loss = new Objective(model, section, rows, null, 4, default).Build(tape, model.Forward(tape, input), chosen, augmenter.Mixed(4)).Scalar;

        // Then, in plain words
        var outputs = new float[4 * model.Outputs];
        model.Predict(parameters, mixed, 4, outputs);
        var expected = 0.0;
        for (var i = 0; i < 4; i++)
        {
            var (partner, share) = (augmenter.Mixed(4).Partners[i], augmenter.Mixed(4).Shares[i]);
            for (var j = 0; j < 2; j++) Assert.Equal(share * rows.Row(chosen[i])[j] + (1 - share) * rows.Row(partner)[j], mixed[2 * i + j], 5);
            double Target(int c) => share * One(chosen[i], c) + (1 - share) * One(partner, c);
            double One(int row, int c) => 0.9 * (rows.Labels.Span[row] == c ? 1 : 0) + 0.1 / classes;
            if (classes == 0) expected += Math.Pow(outputs[i] - (share * rows.Labels.Span[chosen[i]] + (1 - share) * rows.Labels.Span[partner]), 2) / 4;
            for (var c = 0; c < classes; c++) expected -= Target(c) * Math.Log(outputs[i * classes + c]) / 4;
        }
        Assert.Equal(expected, loss, 4);
    }

    [Fact]
    public void A_network_learns_from_mixed_and_noisy_rows_and_still_allocates_nothing()
    {
        var rows = Synthetic.Clouds(600, 3, Synthetic.Seed);
        var model = ModelFactory.Create(new MlpSection { Hidden = [16] }, 2, TaskKind.Multiclass, 3);
        var parameters = new float[model.Layout.Length];
        model.Initialise(parameters, Synthetic.Seed.For("initialise").ToRandom());
        var trainer = new Trainer(model, new TrainingSection { Augment = [new NoiseSection { Deviation = 0.2 }, new MixUpSection()], ClassWeights = ClassWeights.Balanced, LabelSmoothing = 0.05 });
        long Grown(int count)
        {
            var (grown, last) = (new List<long>(64), 0L);
            trainer.Train(parameters, rows.Choose([.. Enumerable.Range(0, count)]), null, new TrainerRequest
            {
                Seed = Synthetic.Seed,
                Epochs = 20,
                Progress = _ =>
                {
                    var now = GC.GetAllocatedBytesForCurrentThread();
                    grown.Add(now - last);
                    last = now;
                },
            }, TestContext.Current.CancellationToken);
            return grown.Skip(10).Min();
        }
        Allocations.AssertSame(() => Grown(60), () => Grown(600)); // an epoch derives its streams; that must not grow with its steps
        var outputs = new float[rows.Rows * 3];
        model.Predict(parameters, rows, outputs);
        var right = Enumerable.Range(0, rows.Rows).Count(i => outputs.AsSpan(3 * i, 3).IndexOf(outputs.AsSpan(3 * i, 3).ToArray().Max()) == (int)rows.Labels.Span[i]);
        Assert.True(right > 580, $"{right} of 600 right.");
    }

    [Fact]
    public void A_change_that_does_not_fit_the_rows_is_refused()
    {
        var error = Assert.Throws<ArgumentException>(() => new Augmenter([new RotateSection()], new FeatureInput(4), Synthetic.Circle(4, Synthetic.Seed), 4));
        Assert.Contains("rotate", error.Message, StringComparison.Ordinal);
    }

    private static int At(int channel, int y, int x) => (channel * Image.Height + y) * Image.Width + x;

    private static Dataset Images(int rows)
    {
        var random = Synthetic.Seed.For("images").ToRandom();
        return new Dataset(Enumerable.Range(0, rows * Image.Length).Select(_ => 1 + random.NextSingle()).ToArray(), new float[rows], Image.Length);
    }

    private static IEnumerable<(int Row, float[] To)> All(Dataset rows, AugmentSection change)
    {
        var augmenter = new Augmenter([change], rows.Width == Image.Length ? Image : new FeatureInput(rows.Width), rows, 8);
        augmenter.Begin(Synthetic.Seed.For("augment"));
        for (var row = 0; row < rows.Rows; row++)
        {
            var to = new float[rows.Width];
            augmenter.Fill(row, to);
            yield return (row, to);
        }
    }
}
