using Comity.Serving.Inference;
using Comity.Tensors.Randomness;

namespace Comity.Serving.Tests.Inference;

public sealed class BatcherTests
{
    private static float[] Alone(ServedModel model, float[] row)
    {
        var outputs = new float[2];
        model.Predict(row, 1, outputs);
        return outputs;
    }

    [Theory]
    [InlineData(1, 0)]
    [InlineData(1, 2)]
    [InlineData(2, 0)]
    public async Task Every_row_gets_its_own_answer_however_rows_are_joined(int parallel, int delayMilliseconds)
    {
        var model = SmallRelease.Model();
        var batcher = new Batcher(model, new BatchOptions(16, TimeSpan.FromMilliseconds(delayMilliseconds)), parallel, TimeProvider.System);
        await Task.WhenAll(Enumerable.Range(0, 16).Select(client => Task.Run(async () =>
        {
            var random = Seed.Of(4).For("rows", client).ToRandom();
            for (var i = 0; i < 100; i++)
            {
                var row = new float[model.Inputs];
                for (var j = 0; j < row.Length; j++) row[j] = (float)random.NextGaussian();
                var outputs = new float[2];
                Assert.True(batcher.TryPredict(row, 1, outputs, busy: client % 2 == 0, out var done));
                await done;
                Assert.Equal(Alone(model, row)[1], outputs[1], 1e-6f);
            }
        })));
        Assert.Equal(1600, batcher.Rows);
        if (delayMilliseconds > 0) Assert.True(batcher.Batches < 1600, $"{batcher.Batches} batches"); // rows that wait are joined
    }

    [Fact]
    public void What_can_not_wait_any_more_is_turned_away()
    {
        var model = SmallRelease.Model();
        var batcher = new Batcher(model, new BatchOptions(64, TimeSpan.FromHours(1), Waiting: 2), 1, TimeProvider.System);
        var (row, outputs) = (new float[model.Inputs], new float[2]);

        Assert.True(batcher.TryPredict(row, 1, outputs, false, out _));
        Assert.True(batcher.TryPredict(row, 1, outputs, false, out _));
        Assert.False(batcher.TryPredict(row, 1, outputs, false, out _));
    }

    [Fact]
    public void The_cache_finds_an_input_by_all_its_bits_and_only_then()
    {
        var model = SmallRelease.Model();
        var cache = ResultCache.Of(model, 1 << 16)!;
        var (row, outputs) = (new float[model.Inputs], new float[2]);
        row[0] = 1;
        Assert.False(cache.TryFind(row, outputs, out var hash));
        cache.Keep(row, [0.25f, 0.75f], hash);

        Assert.True(cache.TryFind(row, outputs, out _));
        Assert.Equal([0.25f, 0.75f], outputs);
        row[1] = -0f;
        Assert.False(cache.TryFind(row, outputs, out _));
        Assert.Null(ResultCache.Of(model, 0));
    }
}
