using Comity.Learning.Models;
using Comity.Tensors;
using Comity.Tensors.Kernels;
using Comity.Tensors.Parameters;

namespace Comity.Learning.Tests.Models;

public sealed class ModelTests
{
    [Fact]
    public void A_layout_names_every_tensor_with_its_role()
    {
        var model = ModelFactory.Create(new MlpSection { Hidden = [8, 4], Norm = Normalization.Batch }, 3, TaskKind.Multiclass, 5);
        Assert.Equal(
        [
            "hidden.0.weight [3,8] Weight", "hidden.0.bias [8] Bias", "hidden.0.norm.scale [8] BatchNorm", "hidden.0.norm.shift [8] BatchNorm",
            "hidden.0.norm.mean [8] BatchNormStatistic", "hidden.0.norm.variance [8] BatchNormStatistic",
            "hidden.1.weight [8,4] Weight", "hidden.1.bias [4] Bias", "hidden.1.norm.scale [4] BatchNorm", "hidden.1.norm.shift [4] BatchNorm",
            "hidden.1.norm.mean [4] BatchNormStatistic", "hidden.1.norm.variance [4] BatchNormStatistic",
            "output.weight [4,5] Weight", "output.bias [5] Bias",
        ], model.Layout.Entries.Select(e => $"{e.Name} [{string.Join(',', e.Shape)}] {e.Role}"));
        Assert.Equal(1921, ModelFactory.Create(new MlpSection { Hidden = [128] }, 13, TaskKind.Binary, 2).Layout.Length);
    }

    [Theory]
    [InlineData(TaskKind.Binary, 2)]
    [InlineData(TaskKind.Multiclass, 4)]
    public void Probabilities_sum_to_one_and_do_not_depend_on_the_other_rows(TaskKind task, int classes)
    {
        var model = ModelFactory.Create(new MlpSection { Hidden = [16], Norm = Normalization.Batch, Dropout = 0.5 }, 2, task, classes);
        var parameters = new float[model.Layout.Length];
        model.Initialise(parameters, Synthetic.Seed.ToRandom());
        var data = Synthetic.Circle(2500, Synthetic.Seed);
        var outputs = new float[2500 * classes];
        model.Predict(parameters, data.Features.Span, 2500, outputs);
        for (var i = 0; i < 2500; i += 123)
        {
            Assert.Equal(1, outputs.AsSpan(i * classes, classes).ToArray().Sum(), 1e-6f);
            var one = new float[classes];
            model.Predict(parameters, data.Features.Span.Slice(2 * i, 2), 1, one);
            Assert.Equal(outputs[(i * classes)..((i + 1) * classes)], one);
        }
    }

    [Fact]
    public void A_logistic_model_gives_the_positive_class_second()
    {
        var model = ModelFactory.Create(new LogisticSection(), 2, TaskKind.Binary, 2);
        var outputs = new float[4];
        model.Predict([2, -1, 0.5f], [1, 0, 0, 3], 2, outputs);
        double[] scores = [2.5, -2.5];
        for (var i = 0; i < 2; i++)
        {
            Assert.Equal(1 / (1 + Math.Exp(-scores[i])), outputs[2 * i + 1], 1e-6);
            Assert.Equal(1, outputs[2 * i] + outputs[2 * i + 1], 1e-6);
        }
        var linear = ModelFactory.Create(new LinearSection(), 2, TaskKind.Regression, 0);
        var value = new float[1];
        linear.Predict([2, -1, 0.5f], [1, 3], 1, value);
        Assert.Equal(-0.5f, value[0]);
    }

    [Fact]
    public void Initial_weights_have_the_variance_of_He_or_Glorot()
    {
        double Variance(Activation activation, int tensor)
        {
            var model = ModelFactory.Create(new MlpSection { Hidden = [200, 100], Activation = activation }, 50, TaskKind.Binary, 2);
            var parameters = new float[model.Layout.Length];
            model.Initialise(parameters, Synthetic.Seed.ToRandom());
            return model.Layout.Slice(parameters, model.Layout.Entries[tensor]).ToArray().Average(w => (double)w * w);
        }
        Assert.Equal(2.0 / 50, Variance(Activation.Relu, 0), 0.002);
        Assert.Equal(2.0 / 200, Variance(Activation.Relu, 2), 0.0005);
        Assert.Equal(2.0 / 250, Variance(Activation.Tanh, 0), 0.0005);
        Assert.Equal(0, Variance(Activation.Relu, 1));
    }

    [Fact]
    public void Every_width_predicts_the_same_to_the_last_digits()
    {
        var section = new MlpSection { Hidden = [33], Activation = Activation.Gelu };
        var data = Synthetic.Circle(50, Synthetic.Seed);
        float[]? first = null;
        foreach (var width in Enum.GetValues<VectorWidth>())
        {
            var model = ModelFactory.Create(section, 2, TaskKind.Binary, 2, KernelSet.Of(width));
            var parameters = new float[model.Layout.Length];
            model.Initialise(parameters, Synthetic.Seed.ToRandom());
            var outputs = new float[100];
            model.Predict(parameters, data.Features.Span, 50, outputs);
            first ??= outputs;
            for (var i = 0; i < 100; i++) Assert.Equal(first[i], outputs[i], 1e-6f);
        }
    }

    [Fact]
    public void What_does_not_fit_is_refused()
    {
        Assert.Throws<ArgumentException>(() => ModelFactory.Create(new LogisticSection(), 2, TaskKind.Regression, 0));
        Assert.Throws<ArgumentException>(() => ModelFactory.Create(new LogisticSection(), 2, TaskKind.Binary, 3));
        Assert.Throws<ArgumentException>(() => ModelFactory.Create(new LinearSection(), 2, TaskKind.Binary, 2));
        Assert.Throws<ArgumentOutOfRangeException>(() => ModelFactory.Create(new LinearSection(), 0, TaskKind.Regression, 0));
        var model = ModelFactory.Create(new LogisticSection(), 2, TaskKind.Binary, 2);
        Assert.Throws<ArgumentException>(() => model.Predict(new float[2], new float[2], 1, new float[2]));
        Assert.Throws<ArgumentException>(() => model.Predict(new float[3], new float[3], 1, new float[2]));
        Assert.Throws<ArgumentException>(() => model.Predict(new float[3], new float[2], 1, new float[1]));
        model.Predict(new float[3], [], 0, []);
        Assert.Throws<ArgumentException>(() => new Dataset(new float[5], new float[2], 2));
    }
}
