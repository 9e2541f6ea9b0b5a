using Comity.Declarations;
using Comity.Learning.Models;
using Comity.Learning.Training;
using Comity.Learning.Training.Optimizers;
using Comity.Tensors.Differentiation;
using Comity.Tensors.Memory;
using Comity.Tensors.Randomness;

namespace Comity.Learning.Tests.Models;

public sealed class MultimodalTests
{
    private const string Encoders = """
        encoders:
          - { input: photo, model: { kind: cnn, layers: [{ kind: conv, channels: 4 }, max-pool] } }
          - { input: note, model: { kind: gru, hidden: [8], embedding: 4 } }
          - { input: features, model: { kind: mlp, hidden: [8] } }
        width: 8
        hidden: [8]
        """;

    // A number, an image of 4 × 4, a text of 6 tokens, another number: the numbers are not neighbours.
    private static readonly MultimodalInput Input = new(
    [
        new Modality("photo", new ImageInput(1, 4, 4), [new InputSlice(1, 16)]), new Modality("note", new TokenInput(6, 9), [new InputSlice(17, 6)]),
        new Modality("features", new FeatureInput(2), [new InputSlice(0, 1), new InputSlice(23, 1)]),
    ]);

    public static TheoryData<string> Fusions => ["fusion: concat", "fusion: cross-attention"];

    [Fact]
    public void Parameters_stand_together_by_encoder_and_begin_as_those_of_the_model_alone()
    {
        var model = Make("fusion: concat");
        Assert.Equal(24, model.Inputs);
        Assert.Equal(["encoders.photo.layers.0.weight", "encoders.photo.layers.0.bias", "encoders.photo.output.weight", "encoders.photo.output.bias", "encoders.note.embedding.weight"],
            model.Layout.Entries.Take(5).Select(e => e.Name));
        Assert.Equal(["hidden.0.weight", "hidden.0.bias", "output.weight", "output.bias"], model.Layout.Entries.TakeLast(4).Select(e => e.Name));
        Assert.Equal([24, 8], model.Layout.Entries.Single(e => e.Name == "hidden.0.weight").Shape);
        var alone = ModelFactory.Create(((MultimodalSection)Read("fusion: concat")).Encoders[0].Model, new ImageInput(1, 4, 4), TaskKind.Multiclass, 8);
        float[] whole = new float[model.Layout.Length], first = new float[alone.Layout.Length];
        model.Initialise(whole, Seed.Of(3).ToRandom());
        alone.Initialise(first, Seed.Of(3).ToRandom());
        Assert.Equal(first, whole[..first.Length]);
    }

    [Theory]
    [MemberData(nameof(Fusions))]
    public void A_label_that_no_part_tells_alone_is_learnt_from_all_of_them(string fusion)
    {
        var (training, test) = (Rows(600, Seed.Of(1)), Rows(300, Seed.Of(2)));
        var model = Make(fusion);
        var parameters = new float[model.Layout.Length];
        model.Initialise(parameters, Seed.Of(3).ToRandom());
        new Trainer(model, new TrainingSection { Batch = 20, Epochs = 40, Optimizer = new AdamSection { LearningRate = 0.005 } })
            .Train(parameters, training, null, new TrainerRequest { Seed = Seed.Of(4) }, TestContext.Current.CancellationToken);
        var outputs = new float[2 * test.Rows];
        model.Predict(parameters, test, outputs);
        var right = Enumerable.Range(0, test.Rows).Count(i => outputs[2 * i + 1] > 0.5f == (test.Labels.Span[i] == 1));
        Assert.True(right > 0.93 * test.Rows, $"{right} of {test.Rows}; the label is the parity of three bits, one in each part");
    }

    [Theory]
    [MemberData(nameof(Fusions))]
    public void Derivatives_agree_with_finite_differences_in_every_part(string fusion)
    {
        // Smooth everywhere, so that a difference crosses no kink.
        var model = ModelFactory.Create(Read(fusion + "\nactivation: tanh", smooth: true), Input, TaskKind.Binary, 2);
        var rows = Rows(5, Seed.Of(6));
        var parameters = new AlignedBuffer(model.Layout.Length);
        var gradient = new AlignedBuffer(model.Layout.Length);
        model.Initialise(parameters.Span, Seed.Of(7).ToRandom());
        var tape = new Tape(model.Layout);
        float Loss()
        {
            tape.Begin(parameters, gradient);
            return tape.SigmoidCrossEntropy(model.Forward(tape, tape.Constant(rows.Features.Span, new(5, 24))), rows.Labels.Span).Scalar;
        }
        _ = Loss();
        tape.Backward(tape.SigmoidCrossEntropy(model.Forward(tape, tape.Constant(rows.Features.Span, new(5, 24))), rows.Labels.Span));
        var found = gradient.Span.ToArray();
        foreach (var entry in model.Layout.Entries)
        {
            // Along the gradient of each tensor the loss must rise by its square.
            var own = model.Layout.Slice(found, entry).ToArray();
            var norm = Math.Sqrt(own.Sum(g => (double)g * g));
            if (norm < 1e-4) continue;
            var before = model.Layout.Slice(parameters.Span, entry).ToArray();
            const float Step = 2e-3f;
            double At(float sign)
            {
                var target = model.Layout.Slice(parameters.Span, entry);
                for (var i = 0; i < own.Length; i++) target[i] = before[i] + sign * Step * (float)(own[i] / norm);
                return Loss();
            }
            var slope = (At(1) - At(-1)) / (2 * Step);
            before.CopyTo(model.Layout.Slice(parameters.Span, entry));
            Assert.True(Math.Abs(slope - norm) < 0.02 * norm + 2e-4, $"{entry.Name}: {slope} along a gradient of {norm}");
        }
    }

    [Theory]
    [InlineData("encoders:\n  - { input: photo, model: { kind: mlp, hidden: [4] } }", "encoders-too-few")]
    [InlineData("encoders:\n  - { input: photo, model: { kind: mlp, hidden: [4] } }\n  - { input: photo, model: { kind: mlp, hidden: [4] } }", "encoder-twice")]
    [InlineData(Encoders + "\nfusion: cross-attention\nheads: 3", "heads-do-not-divide")]
    [InlineData("encoders:\n  - { input: sound, model: { kind: mlp, hidden: [4] } }\n  - { input: photo, model: { kind: mlp, hidden: [4] } }\n  - { input: note, model: { kind: gru, hidden: [4] } }", "encoder-unknown-input,modality-unread")]
    [InlineData("encoders:\n  - { input: features, model: { kind: cnn, layers: [max-pool] } }\n  - { input: photo, model: { kind: mlp, hidden: [4] } }\n  - { input: note, model: { kind: gru, hidden: [4] } }", "model-needs-input")]
    public void What_does_not_fit_is_named(string declared, string codes)
    {
        var problems = new ProblemList();
        var section = Section(declared, problems);
        if (!problems.HasErrors) section!.CheckInput(Input, new Place("study.yaml", 1, 1, "model"), problems);
        Assert.Equal(codes, string.Join(',', problems.Select(p => p.Code)));
    }

    [Fact]
    public void Other_models_refuse_tokens_among_other_parts_and_this_one_refuses_a_plain_row()
    {
        var problems = new ProblemList();
        new MlpSection { Hidden = [4] }.CheckInput(Input, new Place("study.yaml", 1, 1, "model"), problems);
        Read("fusion: concat").CheckInput(new FeatureInput(3), new Place("study.yaml", 1, 1, "model"), problems);
        Assert.Equal(["model-needs-input", "model-needs-input"], problems.Select(p => p.Code));
    }

    private static Model Make(string fusion) => ModelFactory.Create(Read(fusion), Input, TaskKind.Binary, 2);

    private static ModelSection Read(string fusion, bool smooth = false)
    {
        var problems = new ProblemList();
        var text = Encoders + "\n" + fusion;
        if (smooth) text = text.Replace("layers: [{ kind: conv, channels: 4 }, max-pool]", "activation: tanh, layers: [{ kind: conv, channels: 4 }, average-pool]", StringComparison.Ordinal).Replace("kind: mlp,", "kind: mlp, activation: tanh,", StringComparison.Ordinal);
        var section = Section(text, problems);
        Assert.Empty(problems);
        return section!;
    }

    private static ModelSection? Section(string text, ProblemList problems) =>
        SectionReader.Read<ModelSection>(DeclaredFile.Parse("kind: multimodal\n" + text, "study.yaml", problems)!, problems);

    // One bit in each part: the image's brightness, the text's first token, the sum of the numbers.
    private static Dataset Rows(int count, Seed seed)
    {
        var random = seed.ToRandom();
        float[] features = new float[24 * count], labels = new float[count];
        for (var i = 0; i < count; i++)
        {
            var row = features.AsSpan(24 * i, 24);
            int bright = random.NextInt32(2), token = random.NextInt32(2), high = random.NextInt32(2);
            (row[0], row[23]) = (high - 0.5f + 0.1f * (float)random.NextGaussian(), high - 0.5f);
            for (var p = 1; p < 17; p++) row[p] = bright - 0.5f + 0.1f * (float)random.NextGaussian();
            row[17] = TokenInput.First + token;
            for (var t = 18; t < 21; t++) row[t] = TokenInput.First + 2 + random.NextInt32(3);
            labels[i] = bright ^ token ^ high;
        }
        return new Dataset(features, labels, 24);
    }
}
