using System.Globalization;
using Comity.Declarations;
using Comity.Learning.Models;
using Comity.Learning.Training;
using Comity.Learning.Training.Optimizers;
using Comity.Learning.Training.Schedules;
using Comity.Tensors;

namespace Comity.Learning.Tests.Training;

public sealed class SectionTests
{
    [Fact]
    public void Every_key_of_both_sections_is_read()
    {
        var problems = new ProblemList();
        var file = DeclaredFile.Parse("""
            model: { kind: mlp, hidden: [128, 64], activation: leaky-relu, dropout: 0.1, norm: batch }
            training:
              loss: cross-entropy
              optimizer: { kind: adam, learningRate: 0.002 }
              schedule: { kind: cosine, warmUpEpochs: 2 }
              batch: 16
              epochs: 50
              clipNorm: 1
              weightDecay: 0.0001
              earlyStopping: { patience: 7 }
              targetLoss: 0.1
              classWeights: balanced
              labelSmoothing: 0.05
            """, "study.yaml", problems)!;
        var model = Assert.IsType<MlpSection>(SectionReader.Read<ModelSection>(file["model"]!, problems));
        var training = SectionReader.Read<TrainingSection>(file["training"]!, problems)!;
        training.CheckAgainst(model, TaskKind.Binary, 2, (DeclaredNode.Map)file["training"]!, problems);
        Assert.Empty(problems);
        Assert.Equal([128, 64], model.Hidden);
        Assert.Equal((Activation.LeakyRelu, 0.1, Normalization.Batch), (model.Activation, model.Dropout, model.Norm));
        Assert.Equal(0.002, Assert.IsType<AdamSection>(training.Optimizer).LearningRate);
        Assert.Equal(2, Assert.IsType<CosineScheduleSection>(training.Schedule).WarmUpEpochs);
        Assert.Equal((Loss.CrossEntropy, 16, 50, 1.0, 0.0001, 7, 0.1, true, 0.05), (training.Loss, training.Batch, training.Epochs, training.ClipNorm,
            training.WeightDecay, training.EarlyStopping!.Patience, training.TargetLoss, training.ClassWeights.IsBalanced, training.LabelSmoothing));
    }

    [Theory]
    [InlineData("optimizer: { kind: adam, learningRate: fast }", "wrong-type", "training.optimizer.learningRate")]
    [InlineData("optimizer: { kind: adma }", "unknown-choice", "training.optimizer.kind")]
    [InlineData("optimizer: { kind: sgd, momentum: 0.9 }", "unknown-key", "training.optimizer.momentum")]
    [InlineData("optimizer: { kind: sgd, learningRate: -1 }", "out-of-range", "training.optimizer.learningRate")]
    [InlineData("optimizer: { kind: sgd, learningRate: .nan }", "wrong-type", "training.optimizer.learningRate")]
    [InlineData("batch: 0", "out-of-range", "training.batch")]
    [InlineData("clipNorm: 0", "out-of-range", "training.clipNorm")]
    [InlineData("schedule: step", "missing-key", "training.schedule")]
    [InlineData("classWeights: [1, -1]", "class-weights", "training.classWeights[1]")]
    [InlineData("classWeights: heavy", "class-weights", "training.classWeights")]
    [InlineData("optimizer: lbfgs, clipNorm: 1", "lbfgs-excludes", "training.clipNorm")]
    [InlineData("optimizer: lbfgs, schedule: cosine", "lbfgs-excludes", "training.schedule")]
    [InlineData("loss: mse, labelSmoothing: 0.1", "only-cross-entropy", "training.labelSmoothing")]
    [InlineData("loss: mae, classWeights: balanced", "only-cross-entropy", "training.classWeights")]
    [InlineData("epochs: 3, schedule: { kind: cosine, warmUpEpochs: 3 }", "warm-up-too-long", "training.schedule")]
    public void A_wrong_training_section_names_place_and_code_in_both_languages(string keys, string code, string path)
    {
        var problems = new ProblemList();
        var file = DeclaredFile.Parse($"training: {{ {keys} }}", "study.yaml", problems)!;
        SectionReader.Read<TrainingSection>(file["training"]!, problems);
        AssertOne(problems, code, path);
    }

    [Theory]
    [InlineData("kind: mlp", "missing-key", "model")]
    [InlineData("kind: mlp, hidden: []", "too-few", "model.hidden")]
    [InlineData("kind: mlp, hidden: [8, 0]", "hidden-width", "model.hidden[1]")]
    [InlineData("kind: mlp, hidden: 8, dropout: 1", "out-of-range", "model.dropout")]
    [InlineData("kind: mlp, hidden: 8, activation: identity", "activation-identity", "model.activation")]
    [InlineData("kind: forest", "unknown-choice", "model.kind")]
    public void A_wrong_model_section_names_place_and_code(string keys, string code, string path)
    {
        var problems = new ProblemList();
        var file = DeclaredFile.Parse($"model: {{ {keys} }}", "study.yaml", problems)!;
        SectionReader.Read<ModelSection>(file["model"]!, problems);
        AssertOne(problems, code, path);
    }

    [Fact]
    public void What_model_and_task_exclude_is_found_together()
    {
        var problems = new ProblemList();
        var training = new TrainingSection { Loss = Loss.Mse, Optimizer = new LbfgsSection() };
        training.CheckAgainst(new MlpSection { Hidden = [4], Dropout = 0.1, Norm = Normalization.Batch }, TaskKind.Binary, 2, null, problems);
        Assert.Equal(["loss-needs-task", "lbfgs-excludes", "lbfgs-excludes"], problems.Select(p => p.Code));
        problems = [];
        new TrainingSection { ClassWeights = ClassWeights.Of([1, 2]) }.CheckAgainst(new SoftmaxSection(), TaskKind.Multiclass, 3, null, problems);
        Assert.Equal("class-weights-count", Assert.Single(problems).Code);
        problems = [];
        new LogisticSection().CheckTask(TaskKind.Regression, default, problems);
        new LinearSection().CheckTask(TaskKind.Binary, default, problems);
        new SoftmaxSection().CheckTask(TaskKind.Regression, default, problems);
        Assert.Equal(3, problems.Count(p => p.Code == "model-needs-task"));
        foreach (var problem in problems) Assert.NotEqual(problem.Remedy(CultureInfo.GetCultureInfo("en")), problem.Remedy(CultureInfo.GetCultureInfo("zh-Hans")));
    }

    [Fact]
    public void Overrides_change_single_keys_and_another_kind_starts_from_its_own_defaults()
    {
        var problems = new ProblemList();
        var file = DeclaredFile.Parse("training: { optimizer: { kind: momentum, learningRate: 0.2, momentum: 0.8 }, batch: 16, epochs: 50 }", "study.yaml", problems)!;
        var same = TrainingSection.Read(file["training"], """{"optimizer":{"learningRate":0.05},"batch":8}""", problems)!;
        Assert.Equal((0.05, 0.8, 8, 50), (((MomentumSection)same.Optimizer).LearningRate, ((MomentumSection)same.Optimizer).Momentum, same.Batch, same.Epochs));
        var other = TrainingSection.Read(file["training"], """{"optimizer":{"kind":"adam"}}""", problems)!;
        Assert.Equal(new AdamSection(), other.Optimizer);
        Assert.Empty(problems);
        TrainingSection.Read(file["training"], """{"optimizer":{"learningRate":"fast"},"bacth":3}""", problems);
        Assert.Equal(["wrong-type", "misspelt-key"], problems.Select(p => p.Code));
        Assert.All(problems, p => Assert.Equal("overrides", p.Place.File));
        Assert.Equal(new TrainingSection().Batch, TrainingSection.Read(null, null, problems)!.Batch);
    }

    private static void AssertOne(ProblemList problems, string code, string path)
    {
        var problem = Assert.Single(problems);
        Assert.Equal((code, path), (problem.Code, problem.Place.Path));
        Assert.Equal(1, problem.Place.Line);
        foreach (var culture in new[] { "en", "zh-Hans" })
        {
            Assert.NotEmpty(problem.Found(CultureInfo.GetCultureInfo(culture)));
            Assert.NotEmpty(problem.Expected(CultureInfo.GetCultureInfo(culture)));
            Assert.NotEmpty(problem.Remedy(CultureInfo.GetCultureInfo(culture)));
        }
    }
}
