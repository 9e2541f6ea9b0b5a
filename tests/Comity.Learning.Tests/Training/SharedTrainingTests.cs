using Comity.Learning.Models;
using Comity.Learning.Training;
using Comity.Tensors.Kernels;
using Comity.Tensors.Parameters;
using Comity.Tensors.Threading;

namespace Comity.Learning.Tests.Training;

public sealed class SharedTrainingTests
{
    public static TheoryData<ModelSection> Models =>
    [
        new MlpSection { Hidden = [300], Norm = Normalization.Batch, Dropout = 0.1 },
        new CnnSection
        {
            Layers =
            [
                new ConvLayerSection { Channels = 20, Norm = ChannelNormalization.Batch }, new MaxPoolLayerSection(), new ResidualLayerSection { Channels = 33, Stride = 2 },
                new ConvLayerSection { Channels = 33, Groups = 33 }, new ConvLayerSection { Channels = 30, Groups = 3 }, new ConvLayerSection { Channels = 17, Kernel = 1 }, new DenseLayerSection { Units = 40 },
            ],
        },
    ];

    [Theory]
    [MemberData(nameof(Models))]
    public void Training_gives_the_same_bits_for_any_number_of_threads(ModelSection section)
    {
        const int Rows = 90, Size = 20;
        var random = Synthetic.Seed.ToRandom();
        var features = new float[Rows * Size * Size];
        foreach (ref var x in features.AsSpan()) x = random.NextSingle();
        var data = new Dataset(features, Enumerable.Range(0, Rows).Select(i => (float)(i % 3)).ToArray(), Size * Size);
        AssertSame(section, new ImageInput(1, Size, Size), TaskKind.Multiclass, 3, data, batch: 40);
    }

    [Theory]
    [InlineData(TransformerStyle.Encoder, TransformerNorm.Layer, TransformerUnit.Gelu)]
    [InlineData(TransformerStyle.Decoder, TransformerNorm.Rms, TransformerUnit.Swiglu)]
    public void Transformers_give_the_same_bits_for_any_number_of_threads(TransformerStyle style, TransformerNorm norm, TransformerUnit unit)
    {
        const int Rows = 20, Tokens = 65, Vocabulary = 70;
        var random = Synthetic.Seed.ToRandom();
        var features = new float[Rows * Tokens];
        // Rows end in padding of different lengths.
        for (var i = 0; i < features.Length; i++) features[i] = i % Tokens < Tokens - i / Tokens ? 4 + random.NextInt32(Vocabulary - 4) : TokenInput.Padding;
        var section = new TransformerSection
        {
            Style = style, Norm = norm, Unit = unit, Layers = 2, Width = 96, Heads = 3, Dropout = 0.1,
            Positions = style == TransformerStyle.Decoder ? TransformerPositions.Rotary : TransformerPositions.Learned,
        };
        var task = style == TransformerStyle.Decoder ? TaskKind.NextToken : TaskKind.MaskedToken;
        AssertSame(section, new TokenInput(Tokens, Vocabulary), task, 0, new Dataset(features, new float[Rows], Tokens), batch: 15);
    }

    private static void AssertSame(ModelSection section, InputShape input, TaskKind task, int classes, Dataset data, int batch)
    {
        string? first = null;
        foreach (var threads in new[] { 1, 2, 3, 6 })
        {
            using var team = new Team(threads);
            var model = ModelFactory.Create(section, input, task, classes, KernelSet.Best.With(team));
            var parameters = new float[model.Layout.Length];
            model.Initialise(parameters, Synthetic.Seed.For("initial").ToRandom());
            new Trainer(model, new TrainingSection { Batch = batch, Epochs = 2 }).Train(parameters, data, null, new TrainerRequest { Seed = Synthetic.Seed }, TestContext.Current.CancellationToken);
            var digest = VectorDigest.Sha256(parameters);
            first ??= digest;
            Assert.Equal(first, digest);
        }
    }
}
