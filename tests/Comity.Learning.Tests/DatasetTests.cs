using Comity.Learning.Models;
using Comity.Learning.Training;
using Comity.Learning.Training.Optimizers;

namespace Comity.Learning.Tests;

public sealed class DatasetTests
{
    private static readonly float[] Series = [.. Enumerable.Range(0, 40).Select(i => (float)Math.Sin(i))];
    private static readonly int[] Starts = [.. Enumerable.Range(0, 12).Select(i => 3 * i)];
    private static readonly float[] Labels = [.. Starts.Select(s => Series[s] + Series[s + 4])];

    [Fact]
    public void Windows_are_the_rows_that_would_have_been_copied()
    {
        var (windows, copied) = (Windows(), Copied());
        for (var i = 0; i < windows.Rows; i++) Assert.Equal(copied.Row(i).ToArray(), windows.Row(i).ToArray());
        float[] chosen = [.. windows.Choose([5, 1]).Row(0), .. windows.Choose([5, 1]).Row(1)];
        Assert.Equal(copied.Choose([5, 1]).Features.ToArray(), chosen);
        Assert.Throws<InvalidOperationException>(() => windows.Features);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_model_learns_and_predicts_the_same_bits_from_windows(bool fullBatch)
    {
        var section = new TrainingSection { Optimizer = fullBatch ? new LbfgsSection() : new AdamSection(), Epochs = 5, Batch = 5 };
        var model = ModelFactory.Create(new MlpSection { Hidden = [4] }, new SeriesInput(5, 1), TaskKind.Regression, 0);
        string Run(Dataset rows)
        {
            var parameters = new float[model.Layout.Length];
            model.Initialise(parameters, Synthetic.Seed.ToRandom());
            var result = new Trainer(model, section).Train(parameters, rows, rows, new TrainerRequest { Seed = Synthetic.Seed });
            var outputs = new float[rows.Rows];
            model.Predict(parameters, rows, outputs);
            return string.Join(' ', parameters.Concat(outputs).Select(BitConverter.SingleToInt32Bits)) + result.ValidationLossByEpoch.LastOrDefault();
        }
        Assert.Equal(Run(Copied()), Run(Windows()));
    }

    [Fact]
    public void A_window_that_leaves_the_series_is_refused() =>
        Assert.Throws<ArgumentException>(() => Dataset.Windows(Series, new[] { 36 }, new float[1], 5));

    private static Dataset Windows() => Dataset.Windows(Series, Starts, Labels, 5);

    private static Dataset Copied() => new(Starts.SelectMany(s => Series[s..(s + 5)]).ToArray(), Labels, 5);
}
