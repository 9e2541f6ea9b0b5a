using Comity.Learning.Models;
using Comity.Learning.Training;
using Comity.Learning.Training.Optimizers;
using Comity.Learning.Training.Private;
using Comity.Privacy.Noise;
using Comity.Tensors;
using Comity.Tensors.Differentiation;
using Comity.Tensors.Kernels;
using Comity.Tensors.Memory;
using Comity.Tensors.Randomness;

namespace Comity.Learning.Tests.Training.Private;

/// <summary>Models of texts and series take a private step with all rows at once; the oracle passes each row alone.</summary>
public sealed class PrivateSequenceTests
{
    private const int Rows = 18;
    private const double Clip = 0.5;
    private static readonly TokenInput Text = new(9, 11);
    private static readonly TaggedInput Tagged = new(new TokenInput(6, 11), ["O", "B-X", "I-X"]);
    private static readonly SeriesInput Series = new(7, 3);

    private static readonly Dictionary<string, ModelSection> Sections = new()
    {
        ["encoder"] = new TransformerSection { Style = TransformerStyle.Encoder, Width = 12, Heads = 3 },
        ["encoder, first, segments"] = new TransformerSection { Style = TransformerStyle.Encoder, Width = 12, Heads = 2, Pooling = TransformerPooling.First, Segments = 2 },
        ["decoder"] = new TransformerSection { Style = TransformerStyle.Decoder, Width = 12, Heads = 3 },
        ["decoder, rotary, rms, swiglu, untied"] = new TransformerSection
        {
            Style = TransformerStyle.Decoder, Width = 12, Heads = 3, Positions = TransformerPositions.Rotary, Norm = TransformerNorm.Rms, Unit = TransformerUnit.Swiglu, TiedEmbeddings = false,
        },
        ["decoder, rotary, rms, swiglu, tied"] = new TransformerSection
        {
            Style = TransformerStyle.Decoder, Width = 12, Heads = 3, Positions = TransformerPositions.Rotary, Norm = TransformerNorm.Rms, Unit = TransformerUnit.Swiglu,
        },
        ["rnn"] = new RnnSection { Hidden = [6], Embedding = 5 },
        ["gru, bidirectional"] = new GruSection { Hidden = [6], Embedding = 5, Bidirectional = true },
        ["gru"] = new GruSection { Hidden = [6], Embedding = 5 },
        ["lstm, two layers"] = new LstmSection { Hidden = [6, 5], Embedding = 5 },
        ["lstm, two layers, bidirectional"] = new LstmSection { Hidden = [6, 5], Embedding = 5, Bidirectional = true },
    };

    public static TheoryData<string, TaskKind, VectorWidth> Uses
    {
        get
        {
            var uses = new TheoryData<string, TaskKind, VectorWidth>();
            foreach (var name in Sections.Keys)
            {
                var (sees, decodes) = (name.Contains("encoder", StringComparison.Ordinal) || name.Contains("bidirectional", StringComparison.Ordinal), name.Contains("decoder", StringComparison.Ordinal));
                foreach (var task in new[] { TaskKind.Multiclass, TaskKind.Regression, TaskKind.Tagging, TaskKind.MaskedToken, TaskKind.NextToken })
                {
                    if ((task == TaskKind.NextToken && sees) || (task == TaskKind.MaskedToken && decodes)) continue;
                    uses.Add(name, task, VectorWidth.Bits256);
                    uses.Add(name, task, VectorWidth.Bits128);
                }
            }
            return uses;
        }
    }

    [Theory]
    [MemberData(nameof(Uses))]
    public void Clipped_together_rows_give_the_sum_of_rows_clipped_alone(string name, TaskKind task, VectorWidth width)
    {
        var (model, parameters, rows) = Make(name, task, width);
        Compare(model, parameters, rows, new TrainingSection { LabelSmoothing = task is TaskKind.Regression ? 0 : 0.1 });
    }

    [Theory]
    [InlineData(Fusion.Concat)]
    [InlineData(Fusion.CrossAttention)]
    public void So_do_records_of_several_parts(Fusion fusion)
    {
        var input = new MultimodalInput(
        [
            new Modality("photo", new ImageInput(1, 4, 4), [new InputSlice(1, 16)]), new Modality("note", new TokenInput(6, 9), [new InputSlice(17, 6)]),
            new Modality("report", new TokenInput(5, 9), [new InputSlice(23, 5)]), new Modality("features", new FeatureInput(2), [new InputSlice(0, 1), new InputSlice(28, 1)]),
        ]);
        var section = new MultimodalSection
        {
            Encoders =
            [
                new EncoderSection { Input = "photo", Model = new CnnSection { Layers = [new ConvLayerSection { Channels = 4 }, new MaxPoolLayerSection()] } },
                new EncoderSection { Input = "note", Model = new GruSection { Hidden = [5], Embedding = 4, Bidirectional = true } },
                new EncoderSection { Input = "report", Model = new TransformerSection { Style = TransformerStyle.Encoder, Width = 8, Heads = 2 } },
                new EncoderSection { Input = "features", Model = new MlpSection { Hidden = [6] } },
            ],
            Width = 8, Hidden = [6], Fusion = fusion, Activation = Activation.Tanh,
        };
        var model = ModelFactory.Create(section, input, TaskKind.Multiclass, 3);
        var random = Seed.Of(5).ToRandom();
        float[] parameters = new float[model.Layout.Length], x = new float[Rows * input.Length], y = new float[Rows];
        model.Initialise(parameters, random);
        foreach (ref var p in parameters.AsSpan()) p += 0.2f * (random.NextSingle() - 0.5f);
        for (var i = 0; i < x.Length; i++) x[i] = i % input.Length is >= 17 and < 28 ? TokenInput.First + random.NextInt32(3) : (float)random.NextGaussian();
        for (var i = 0; i < Rows; i++) (y[i], x[i * input.Length + 27]) = (random.NextInt32(3), TokenInput.Padding);
        Compare(model, parameters, new Dataset(x, y, input.Length), new TrainingSection());
    }

    // Together and alone; also that they are taken together.
    private static void Compare(Model model, float[] parameters, Dataset rows, TrainingSection section)
    {
        var (memory, gradient, tape) = (Aligned(parameters), new AlignedBuffer(parameters.Length), model.RentTape());
        var objective = new Objective(model, section, rows, null, Rows, default);
        Tensor Loss(int[] chosen)
        {
            // Without a stream, hidden tokens are those that the row itself names, in any company.
            tape.Begin(memory, gradient);
            return objective.MeanOf(tape, rows.OnTape(tape, chosen), chosen, byRow: true);
        }
        var all = Enumerable.Range(0, Rows).ToArray();
        var norms = new float[Rows];
        var clip = (float)Clip;
        for (var pass = 0; pass < 2; pass++)
        {
            var loss = Loss(all);
            Assert.True(tape.CanClip(loss, Rows), "These rows would pass one by one.");
            tape.BackwardClipped(loss, clip, norms);
            if (pass == 0) clip = norms.Order().ElementAt(Rows / 2) * 0.97f;
        }
        var together = gradient.Span.ToArray();

        var (expected, clipped) = (new double[parameters.Length], 0);
        for (var row = 0; row < Rows; row++)
        {
            tape.Backward(Loss([row]));
            var norm = Math.Sqrt(gradient.Span.ToArray().Sum(g => (double)g * g));
            Assert.Equal(norm, norms[row], 3e-5 * norm);
            if (norm > clip) clipped++;
            for (var i = 0; i < expected.Length; i++) expected[i] += gradient.Span[i] * Math.Min(1, clip / norm);
        }
        Assert.InRange(clipped, 1, Rows - 1);
        var longest = expected.Max(Math.Abs);
        for (var i = 0; i < expected.Length; i++) Assert.Equal(expected[i], together[i], 3e-5 * longest);
    }

    [Theory]
    [MemberData(nameof(Uses))]
    public void The_trainer_takes_that_step_however_many_rows_are_held_at_once(string name, TaskKind task, VectorWidth width)
    {
        const double Rate = 0.5;
        var (model, start, rows) = Make(name, task, width);
        var training = new TrainingSection { Batch = Rows, Epochs = 1, Optimizer = new SgdSection { LearningRate = Rate } };
        TrainerResult Step(int? atOnce, float[] parameters)
        {
            using var noise = NoiseStream.Repeatable([.. Enumerable.Range(1, 32).Select(i => (byte)i)]);
            var asked = new PrivateTraining { ClipNorm = Clip, NoiseMultiplier = 1e-4, Noise = noise, RowsAtOnce = atOnce };
            return new Trainer(model, training).Train(parameters, rows, null, new TrainerRequest { Seed = Seed.Of(1), Private = asked }, TestContext.Current.CancellationToken);
        }
        var alone = start.ToArray();
        Step(1, alone);
        foreach (var atOnce in new int?[] { null, 7 })
        {
            var together = start.ToArray();
            Assert.False(Step(atOnce, together).ClippedOneByOne);
            Assert.NotEqual(start, together);
            // Which tokens are hidden comes from the stream, in the order of the rows, and is the same.
            for (var i = 0; i < start.Length; i++) Assert.Equal((start[i] - alone[i]) / Rate, (start[i] - together[i]) / Rate, 1e-5);
        }
    }

    [Fact]
    public void A_row_without_anything_to_predict_adds_nothing()
    {
        var (model, start, rows) = Make("decoder", TaskKind.NextToken, VectorWidth.Bits256);
        float[] empty = new float[rows.Features.Length], some = rows.Features.ToArray();
        Array.Clear(some, Text.Tokens, Text.Tokens);
        var training = new TrainingSection { Batch = Rows, Epochs = 1, Optimizer = new SgdSection { LearningRate = 1 } };
        double Moved(float[] texts, int? atOnce)
        {
            using var noise = NoiseStream.Repeatable([.. Enumerable.Range(1, 32).Select(i => (byte)i)]);
            var (after, asked) = (start.ToArray(), new PrivateTraining { ClipNorm = 1, NoiseMultiplier = 1e-4, Noise = noise, RowsAtOnce = atOnce });
            var result = new Trainer(model, training).Train(after, new Dataset(texts, new float[Rows], Text.Tokens), null, new TrainerRequest { Seed = Seed.Of(1), Private = asked }, TestContext.Current.CancellationToken);
            Assert.Null(result.StoppedBy);
            return Math.Sqrt(after.Zip(start, (a, b) => Math.Pow(a - b, 2)).Sum());
        }
        Assert.InRange(Moved(empty, null), 1e-7, 1e-2); // noise alone
        Assert.InRange(Moved(some, null), 0.05, 1);
        Assert.Equal(Moved(some, 1), Moved(some, null), 1e-5);
    }

    private static (Model Model, float[] Parameters, Dataset Rows) Make(string name, TaskKind task, VectorWidth width)
    {
        var classes = task == TaskKind.Multiclass ? 3 : 0;
        InputShape input = task switch { TaskKind.Tagging => Tagged, TaskKind.Regression => Series, _ => Text };
        var model = ModelFactory.Create(Sections[name], input, task, classes, KernelSet.Of(width));
        var random = Seed.Of(9).For(name).ToRandom();
        var parameters = new float[model.Layout.Length];
        model.Initialise(parameters, random);
        foreach (ref var p in parameters.AsSpan()) p += 0.2f * (random.NextSingle() - 0.5f); // so that nothing is zero
        float[] x = new float[Rows * input.Length], y = new float[Rows];
        for (var i = 0; i < Rows; i++)
        {
            var length = i == 0 ? 2 : 2 + random.NextInt32(input.Length - 1);
            for (var j = 0; j < input.Length; j++)
            {
                // Few tokens, so that they are repeated; some separate segments.
                var token = random.NextInt32(8) == 0 ? TokenInput.Separator : 4 + random.NextInt32(1 + i % 7);
                x[i * input.Length + j] = input is SeriesInput ? (float)random.NextGaussian() : input is TaggedInput ? TaggedValue(j, length / 2, random) : j >= length ? 0 : token;
            }
            y[i] = classes > 0 ? random.NextInt32(classes) : task == TaskKind.Regression ? (float)random.NextGaussian() : 0;
        }
        return (model, parameters, new Dataset(x, y, input.Length));
    }

    // Tokens, then their tags from 1; a tag is missing here and there, but never the first.
    private static float TaggedValue(int place, int length, SeededRandom random)
    {
        var step = place % Tagged.Text.Tokens;
        if (step >= Math.Max(1, length)) return 0;
        return place < Tagged.Text.Tokens ? 4 + random.NextInt32(4) : step > 0 && random.NextInt32(4) == 0 ? 0 : 1 + random.NextInt32(3);
    }

    private static AlignedBuffer Aligned(float[] values)
    {
        var buffer = new AlignedBuffer(values.Length);
        values.CopyTo(buffer.Span);
        return buffer;
    }
}
