using Comity.Declarations;
using Comity.Learning.Generation;
using Comity.Learning.Models;
using Comity.Learning.Training;
using Comity.Learning.Training.Optimizers;
using Comity.Tensors;
using Comity.Tensors.Differentiation;
using Comity.Tensors.Kernels;
using Comity.Tensors.Memory;
using Comity.Tensors.Randomness;
using Comity.Testing;

namespace Comity.Learning.Tests.Models;

public sealed class SequenceModelTests
{
    private static readonly TokenInput Text = new(9, 11);
    private static readonly TaggedInput Tagged = new(new TokenInput(6, 11), ["O", "B-X", "I-X"]);
    private static readonly SeriesInput Series = new(7, 3);

    public static TheoryData<string> Kinds => [.. Sections.Keys];

    private static readonly Dictionary<string, ModelSection> Sections = new()
    {
        ["rnn"] = new RnnSection { Hidden = [6], Embedding = 5 },
        ["gru, bidirectional"] = new GruSection { Hidden = [6], Embedding = 5, Bidirectional = true },
        ["lstm, two layers"] = new LstmSection { Hidden = [6, 5], Embedding = 5 },
        ["lstm, two layers, bidirectional"] = new LstmSection { Hidden = [6, 5], Embedding = 5, Bidirectional = true },
        ["encoder"] = new TransformerSection { Style = TransformerStyle.Encoder, Width = 12, Heads = 3 },
        ["encoder, first, segments"] = new TransformerSection { Style = TransformerStyle.Encoder, Width = 12, Heads = 2, Pooling = TransformerPooling.First, Segments = 2 },
        ["decoder"] = new TransformerSection { Style = TransformerStyle.Decoder, Width = 12, Heads = 3 },
        ["decoder, rotary, rms, swiglu, untied"] = new TransformerSection
        {
            Style = TransformerStyle.Decoder, Width = 12, Heads = 3, Positions = TransformerPositions.Rotary, Norm = TransformerNorm.Rms,
            Unit = TransformerUnit.Swiglu, TiedEmbeddings = false,
        },
    };

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Losses_fall_along_the_gradient_as_fast_as_it_says(string kind)
    {
        foreach (var (input, task) in Uses(kind))
        {
            var (model, parameters, rows) = Make(kind, input, task);
            var trainer = new Trainer(model, new TrainingSection { Optimizer = new SgdSection { LearningRate = 1 }, Batch = rows.Rows });
            // One step of plain descent moves by minus the gradient.
            var after = parameters.ToArray();
            trainer.Train(after, rows, null, new TrainerRequest { Seed = Seed.Of(3), Epochs = 1 });
            var gradient = parameters.Zip(after, (a, b) => (double)a - b).ToArray();
            var square = gradient.Sum(g => g * g);
            Assert.True(square > 1e-6, $"{task}: no gradient.");
            if (task == TaskKind.MaskedToken) continue; // hides other tokens in training than in judging
            const double H = 0.01;
            double Moved(double h) => trainer.Loss(parameters.Select((p, i) => (float)(p + h / Math.Sqrt(square) * gradient[i])).ToArray(), rows);
            Assert.Equal(Math.Sqrt(square), (Moved(H) - Moved(-H)) / (2 * H), 0.01 * Math.Sqrt(square));
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Padding_changes_nothing(string kind)
    {
        var (model, parameters, _) = Make(kind, Text, TaskKind.Multiclass);
        // Learned positions and weights do not depend on how many tokens a row may hold, but the layout of positions does: compare within one model.
        float[] shorter = [5, 6, 7, 0, 0, 0, 0, 0, 0], withOthers = [.. shorter, 4, 5, 6, 7, 8, 9, 10, 4, 5];
        float[] alone = new float[3], together = new float[6];
        model.Predict(parameters, shorter, 1, alone);
        model.Predict(parameters, withOthers, 2, together);
        for (var i = 0; i < 3; i++) Assert.Equal(alone[i], together[i], 1e-6f);
        if (!Sections[kind].Kind.Equals("transformer", StringComparison.Ordinal))
        {
            // A recurrent model has no positions: a model for shorter rows has the same parameters.
            var small = ModelFactory.Create(Sections[kind], new TokenInput(3, 11), TaskKind.Multiclass, 3);
            small.Predict(parameters, [5, 6, 7], 1, together.AsSpan(0, 3));
            for (var i = 0; i < 3; i++) Assert.Equal(alone[i], together[i], 1e-6f);
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void What_predicts_the_next_token_does_not_see_it(string kind)
    {
        if (!Uses(kind).Any(u => u.Task == TaskKind.NextToken)) return;
        var (model, parameters, _) = Make(kind, Text, TaskKind.NextToken);
        float[] one = Scores(model, parameters, [4, 5, 6, 7, 8, 9, 10, 4, 5]), other = Scores(model, parameters, [4, 5, 6, 7, 10, 4, 4, 9, 6]);
        for (var i = 0; i < 4 * 11; i++) Assert.Equal(one[i], other[i]);
        Assert.NotEqual(one[4 * 11], other[4 * 11]);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void A_generator_gives_the_scores_of_the_whole_pass(string kind)
    {
        if (!Uses(kind).Any(u => u.Task == TaskKind.NextToken)) return;
        var (model, parameters, _) = Make(kind, Text, TaskKind.NextToken);
        float[] row = [4, 5, 6, 7, 10, 9, 8, 4, 5];
        var generator = new TokenGenerator(model, parameters);
        Assert.Equal(8, generator.Context);
        var scores = Scores(model, parameters, row);
        for (var t = 0; t < 8; t++)
        {
            var next = generator.Read((int)row[t]);
            for (var v = 0; v < 11; v++) Assert.Equal(scores[t * 11 + v], next[v], 2e-5f);
        }
        // The context is full: the older half is forgotten.
        var forgotten = generator.Read(6).ToArray();
        var again = new TokenGenerator(model, parameters);
        float[] expected = [];
        foreach (var token in new[] { 10, 9, 8, 4, 6 }) expected = again.Read(token).ToArray();
        for (var v = 0; v < 11; v++) Assert.Equal(expected[v], forgotten[v], 2e-5f);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Every_width_predicts_the_same_to_the_last_digits(string kind)
    {
        var (model, parameters, rows) = Make(kind, Text, TaskKind.Multiclass);
        var outputs = new float[rows.Rows * 3];
        model.Predict(parameters, rows, outputs);
        foreach (var width in Enum.GetValues<VectorWidth>())
        {
            var other = ModelFactory.Create(Sections[kind], Text, TaskKind.Multiclass, 3, KernelSet.Of(width));
            var same = new float[outputs.Length];
            other.Predict(parameters, rows, same);
            for (var i = 0; i < same.Length; i++) Assert.Equal(outputs[i], same[i], 1e-5f);
        }
    }

    [Fact]
    public void A_text_costs_its_tokens_and_padding_costs_nothing()
    {
        var (model, parameters, _) = Make("decoder", Text, TaskKind.NextToken);
        // Without weights every token of the vocabulary is as likely: ln 11 nats each; an unknown one must be named as well.
        Array.Clear(parameters);
        var costs = new float[3];
        model.Predict(parameters, [4, 5, 6, 7, 8, 9, 10, 4, 5, 4, 5, 6, 0, 0, 0, 0, 0, 0, 4, 1, 0, 0, 0, 0, 0, 0, 0], 3, costs);
        Assert.Equal(8 * Math.Log(11), costs[0], 1e-4);
        Assert.Equal(2 * Math.Log(11), costs[1], 1e-4);
        Assert.Equal(Math.Log(11) + Math.Log(1_112_064), costs[2], 1e-3);
    }

    [Fact]
    public void A_lstm_remembers_the_first_step_of_a_series_and_a_decoder_continues_a_pattern()
    {
        var random = Seed.Of(5).ToRandom();
        float[] x = new float[400 * 7 * 3], y = new float[400];
        for (var i = 0; i < 400; i++)
        {
            for (var j = 0; j < 21; j++) x[i * 21 + j] = (float)random.NextGaussian();
            y[i] = x[i * 21] > 0 ? 1 : 0;
        }
        var rows = new Dataset(x, y, 21);
        var model = ModelFactory.Create(new LstmSection { Hidden = [16] }, Series, TaskKind.Binary, 2);
        var parameters = new float[model.Layout.Length];
        model.Initialise(parameters, Seed.Of(1).ToRandom());
        new Trainer(model, new TrainingSection { Optimizer = new AdamSection { LearningRate = 0.01 }, Epochs = 25 }).Train(parameters, rows, null, new TrainerRequest { Seed = Seed.Of(2) });
        var outputs = new float[800];
        model.Predict(parameters, rows, outputs);
        Assert.True(Enumerable.Range(0, 400).Count(i => outputs[2 * i + 1] > 0.5f == y[i] > 0) > 380);

        // Each text counts up from a random start, modulo 7.
        var text = new float[200 * 9];
        for (var i = 0; i < 200; i++)
        {
            var start = random.NextInt32(7);
            for (var t = 0; t < 9; t++) text[i * 9 + t] = 4 + (start + t) % 7;
        }
        var decoder = ModelFactory.Create(new TransformerSection { Style = TransformerStyle.Decoder, Width = 16, Heads = 2, Layers = 1 }, Text, TaskKind.NextToken, 0);
        var weights = new float[decoder.Layout.Length];
        decoder.Initialise(weights, Seed.Of(1).ToRandom());
        var result = new Trainer(decoder, new TrainingSection { Optimizer = new AdamSection { LearningRate = 0.01 }, Epochs = 30 })
            .Train(weights, new Dataset(text, new float[200], 9), null, new TrainerRequest { Seed = Seed.Of(2) });
        Assert.True(result.LossByEpoch[^1] < 0.05, $"{result.LossByEpoch[^1]} nats");
        var generator = new TokenGenerator(decoder, weights);
        var token = 6;
        for (var t = 0; t < 20; t++)
        {
            var next = new Sampling { Temperature = 0 }.Draw(generator.Read(token), random);
            Assert.Equal(4 + (token - 3) % 7, next);
            token = next;
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void A_training_step_allocates_nothing_once_warm(string kind)
    {
        foreach (var (input, task) in Uses(kind))
        {
            var (model, parameters, rows) = Make(kind, input, task);
            Func<long> Epochs(int batch, int count) => () => Allocations.Of(() =>
                new Trainer(model, new TrainingSection { Batch = batch }).Train(parameters, rows, null, new TrainerRequest { Seed = Seed.Of(1), Epochs = count }));
            // An epoch allocates its streams; more steps in it must add nothing.
            var least = Allocations.Least(least => least[1] - least[0] == least[3] - least[2], Epochs(12, 10), Epochs(12, 20), Epochs(2, 10), Epochs(2, 20));
            Assert.Equal(least[1] - least[0], least[3] - least[2]);
        }
    }

    [Fact]
    public void Sampling_keeps_to_the_likeliest()
    {
        float[] scores = [9, 9, 9, 9, 1, 3, 2, 0]; // the first four stand for no character
        var random = Seed.Of(1).ToRandom();
        Assert.Equal(5, new Sampling { Temperature = 0 }.Draw(scores, random));
        int[] Draws(Sampling sampling) => [.. Enumerable.Range(0, 4000).Select(_ => sampling.Draw(scores, random))];
        Assert.Equal([5, 6], Draws(new Sampling { TopK = 2 }).Distinct().Order());
        Assert.Equal([5, 6], Draws(new Sampling { TopP = 0.7 }).Distinct().Order()); // e³ : e² : e¹ : e⁰ have 0.64, 0.24, 0.09 and 0.03
        Assert.Equal([5], Draws(new Sampling { TopP = 0.6 }).Distinct());
        Assert.Equal(0.644, Draws(new Sampling()).Count(t => t == 5) / 4000.0, 0.03);
        Assert.Equal(0.865, Draws(new Sampling { Temperature = 0.5 }).Count(t => t == 5) / 4000.0, 0.03);
        Assert.Throws<ArgumentOutOfRangeException>(() => new Sampling { TopP = 0 }.Draw(scores, random));
    }

    [Fact]
    public void What_does_not_fit_is_named()
    {
        var problems = new ProblemList();
        var place = new Place("study.yaml", 1, 1, "model");
        new TransformerSection { Style = TransformerStyle.Encoder }.CheckTask(TaskKind.NextToken, place, problems);
        new LstmSection { Hidden = [4], Bidirectional = true }.CheckTask(TaskKind.NextToken, place, problems);
        new GruSection { Hidden = [4] }.CheckTask(TaskKind.MaskedToken, place, problems);
        new MlpSection { Hidden = [4] }.CheckTask(TaskKind.NextToken, place, problems);
        new LstmSection { Hidden = [4] }.CheckInput(new FeatureInput(3), place, problems);
        Assert.Equal(["sees-the-future", "sees-the-future", "sees-no-future", "model-needs-task", "model-needs-input"], problems.Select(p => p.Code));

        var e = Assert.Throws<ArgumentException>(() => ModelFactory.Create(new LstmSection { Hidden = [4] }, 5, TaskKind.Binary, 2));
        Assert.Contains("features", e.Message, StringComparison.Ordinal);
        var (model, parameters, _) = Make("encoder", Text, TaskKind.Multiclass);
        e = Assert.Throws<ArgumentException>(() => model.Predict(parameters, [4, 5, 6, 7, 8, 9, 10, 11, 5], 1, new float[3]));
        Assert.Contains("Position 7 holds the token 11", e.Message, StringComparison.Ordinal);
    }

    private static float[] Scores(Model model, float[] parameters, float[] row)
    {
        var tape = new Tape(model.Layout);
        var (memory, gradient) = (new AlignedBuffer(parameters.Length), new AlignedBuffer(parameters.Length));
        parameters.CopyTo(memory.Span);
        tape.Begin(memory, gradient);
        return model.Forward(tape, tape.Constant(row, new Shape(1, row.Length))).Values.ToArray();
    }

    private static IEnumerable<(InputShape Input, TaskKind Task)> Uses(string kind)
    {
        yield return (Text, TaskKind.Multiclass);
        yield return (Text, TaskKind.Binary);
        yield return (Series, TaskKind.Regression);
        yield return (Tagged, TaskKind.Tagging);
        var both = kind.Contains("bidirectional", StringComparison.Ordinal) || kind.Contains("encoder", StringComparison.Ordinal);
        yield return (Text, both ? TaskKind.MaskedToken : TaskKind.NextToken);
    }

    // Six tokens, of which the first is the separator, then their tags.
    private static float TaggedValue(int j, int length, SeededRandom random) =>
        j % 6 > length ? 0 : j == 0 ? TokenInput.Separator : j == 6 ? 0 : j < 6 ? 4 + random.NextInt32(7) : 1 + random.NextInt32(3);

    private static (Model Model, float[] Parameters, Dataset Rows) Make(string kind, InputShape input, TaskKind task)
    {
        var classes = task switch { TaskKind.Binary => 2, TaskKind.Multiclass => 3, _ => 0 };
        var model = ModelFactory.Create(Sections[kind], input, task, classes);
        var random = Seed.Of(9).For(kind).ToRandom();
        var parameters = new float[model.Layout.Length];
        model.Initialise(parameters, random);
        foreach (ref var p in parameters.AsSpan()) p += 0.2f * (random.NextSingle() - 0.5f); // so that nothing is zero
        const int Rows = 12;
        float[] x = new float[Rows * input.Length], y = new float[Rows];
        for (var i = 0; i < Rows; i++)
        {
            var length = 2 + random.NextInt32(input.Length - 1);
            for (var j = 0; j < input.Length; j++)
                x[i * input.Length + j] = input is TaggedInput ? TaggedValue(j, length / 2, random) : input is SeriesInput ? (float)random.NextGaussian() : j >= length ? 0 : random.NextInt32(10) == 0 ? 2 : 4 + random.NextInt32(7);
            y[i] = classes > 0 ? random.NextInt32(classes) : task == TaskKind.Regression ? (float)random.NextGaussian() : 0;
        }
        return (model, parameters, new Dataset(x, y, input.Length));
    }
}
