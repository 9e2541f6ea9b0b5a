using Comity.Data.Contracts;
using Comity.Data.Preprocess;
using Comity.Data.Reference;
using Comity.Data.Sources;
using Comity.Declarations;
using Comity.Learning;
using Comity.Learning.Models;
using Comity.Serving.Inference;
using Comity.Serving.Releases;
using Comity.Serving.Tests.Hosting;
using Comity.Tensors.Files;
using Comity.Tensors.Randomness;
using Comity.Testing;

namespace Comity.Serving.Tests.Inference;

/// <summary>Whatever a release may hold is served by column names, and answers as the model does for the same records in a table.</summary>
public sealed class ServedFormTests
{
    // Grey, 3 by 2.
    private const string Png = "iVBORw0KGgoAAAANSUhEUgAAAAMAAAACCAAAAAC4HznGAAAAEElEQVR4nGNgkLNh0HBLAQADUAEtlEKLvQAAAABJRU5ErkJggg==";

    private static readonly FeatureSection Note = new() { Column = "note", Kind = FeatureKind.Text, Tokens = 5 };
    private static readonly FeatureSection Photo = new() { Column = "photo", Kind = FeatureKind.Image, Height = 2, Width = 3 };
    private static readonly FeatureSection Dose = new() { Column = "dose", Kind = FeatureKind.Number };
    private static readonly FittedColumn FittedNote = new() { Column = "note", Kind = FeatureKind.Text, Levels = ["a", "b", "ü"], BlockLength = 6 };
    private static readonly FittedColumn FittedPhoto = new() { Column = "photo", Kind = FeatureKind.Image, Centers = [0.3], Scales = [0.25], BlockLength = 6 };
    private static readonly FittedColumn FittedDose = new() { Column = "dose", Kind = FeatureKind.Number, Center = 1, Scale = 2 };

    private static Preprocessing Preprocessing(params (FeatureSection Feature, FittedColumn Column)[] columns) => new()
    {
        TaskName = "binary",
        Classes = ["no", "yes"],
        Contract = new ContractSection { Label = new LabelSection { Column = "good", Positive = LabelRule.Parse("1"), Names = ["no", "yes"] }, Features = [.. columns.Select(c => c.Feature)] },
        Columns = [.. columns.Select(c => c.Column)],
    };

    [Theory]
    [InlineData("text", """{"kind":"gru","hidden":[4]}""")]
    [InlineData("image", """{"kind":"mlp","hidden":[4]}""")]
    [InlineData("several", """{"kind":"multimodal","width":4,"encoders":[{"input":"photo","model":{"kind":"mlp","hidden":[4]}},{"input":"note","model":{"kind":"gru","hidden":[4]}},{"input":"features","model":{"kind":"mlp","hidden":[3]}}]}""")]
    public async Task Records_by_column_names_get_the_models_own_answer(string form, string section)
    {
        var preprocessing = form switch { "text" => Preprocessing((Note, FittedNote)), "image" => Preprocessing((Photo, FittedPhoto)), _ => Preprocessing((Dose, FittedDose), (Photo, FittedPhoto), (Note, FittedNote)) };
        var (model, parameters, release) = Release(preprocessing, section);
        await using var server = await RunningServer.StartAsync(empty: true);
        server.Server.Put(release);

        var cells = preprocessing.Contract.Features.Select(f => f.Column switch { "note" => ("note", "abüz", "\"abüz\""), "photo" => ("photo", "a.png", $"\"{Png}\""), _ => ("dose", "2.5", "2.5") }).ToList();
        var answer = await server.AnswerAsync("/predict", "{" + string.Join(", ", cells.Select(c => $"\"{c.Item1}\": {c.Item3}")) + "}");

        Assert.Equal(Expected(preprocessing, model, parameters, cells), (double)answer["probabilities"]!["yes"]!, 1e-6);
        Assert.Empty(answer["missing"]!.AsArray());
        Assert.Contains("photo".Equals(cells[0].Item1, StringComparison.Ordinal) ? "type=\"file\"" : "name=\"", await server.Client.GetStringAsync("/"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_that_cannot_be_decoded_is_named_by_its_column_and_nothing_of_it_is_repeated()
    {
        var (_, _, release) = Release(Preprocessing((Photo, FittedPhoto)), """{"kind":"mlp","hidden":[4]}""");
        await using var server = await RunningServer.StartAsync(empty: true);
        server.Server.Put(release);

        var (status, error) = await server.RefusedAsync("/predict", """{"photo": "c2VjcmV0"}""");

        Assert.Equal((400, "value-not-content", "photo"), (status, (string)error["problems"]![0]!["code"]!, (string)error["problems"]![0]!["field"]!));
        Assert.DoesNotContain("c2VjcmV0", error.ToJsonString(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_model_that_continues_texts_is_refused_by_name()
    {
        var preprocessing = Preprocessing((Note, FittedNote)) with { TaskName = "next-token" };
        Assert.False(ServedModel.IsServed(preprocessing));
        using var key = SigningKey.Create();
        var release = Releases.Sample.Read(SmallRelease.Pack(key, Manifest, Weights(Preprocessing((Note, FittedNote)), """{"kind":"gru","hidden":[4]}""").Weights, preprocessing, Nothing), Releases.Sample.Trusting(key));

        Assert.Contains("next-token", Assert.Throws<ReleaseRefusedException>(() => ServedModel.Load(release)).Problem.Found(System.Globalization.CultureInfo.InvariantCulture), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.NegativeInfinity)]
    public void Weights_that_are_no_finite_numbers_are_refused_at_load_and_the_parameter_is_named(float weight)
    {
        var preprocessing = Preprocessing((Dose, FittedDose));
        var (model, parameters, _) = Weights(preprocessing, """{"kind":"mlp","hidden":[4]}""");
        var last = model.Layout.Entries[^1];
        parameters[last.Offset] = weight;
        using var weights = new MemoryStream();
        Safetensors.Write(weights, model.Layout, parameters, new Dictionary<string, string> { ["comity.model"] = """{"kind":"mlp","hidden":[4]}""" });
        using var key = SigningKey.Create();
        var release = Releases.Sample.Read(SmallRelease.Pack(key, Manifest, weights, preprocessing, Nothing), Releases.Sample.Trusting(key));

        var problem = Assert.Throws<ReleaseRefusedException>(() => ServedModel.Load(release)).Problem;

        Assert.Equal("release-weights", problem.Code);
        Assert.Contains(last.Name, problem.Found(System.Globalization.CultureInfo.InvariantCulture), StringComparison.Ordinal);
    }

    private static ReleaseManifest Manifest => Releases.Sample.Manifest with { Name = "form", Classes = ["no", "yes"] };

    private static ReferenceStatistics Nothing => new() { Threshold = 10, Samples = [new ReferenceSample(null, 0, [], null, [])] };

    private static (Model Model, float[] Parameters, Release Release) Release(Preprocessing preprocessing, string section)
    {
        using var key = SigningKey.Create();
        var (model, parameters, weights) = Weights(preprocessing, section);
        return (model, parameters, Releases.Sample.Read(SmallRelease.Pack(key, Manifest, weights, preprocessing, Nothing), Releases.Sample.Trusting(key)));
    }

    private static (Model Model, float[] Parameters, MemoryStream Weights) Weights(Preprocessing preprocessing, string section)
    {
        var problems = new ProblemList();
        var read = SectionReader.Read<ModelSection>(DeclaredFile.Parse(section, "study.yaml", problems)!, problems);
        Assert.False(problems.HasErrors, string.Join(' ', problems));
        var model = ModelFactory.Create(read!, ServedModel.ShapeOf(preprocessing.Form), TaskKind.Binary, 2);
        var parameters = new float[model.Layout.Length];
        model.Initialise(parameters, Seed.Of(3).ToRandom());
        var weights = new MemoryStream();
        Safetensors.Write(weights, model.Layout, parameters, new Dictionary<string, string> { ["comity.model"] = section });
        return (model, parameters, weights);
    }

    // The table's reader and encoder are the oracle.
    private static double Expected(Preprocessing preprocessing, Model model, float[] parameters, List<(string Column, string Text, string Json)> cells)
    {
        using var folder = new TempFolder();
        File.WriteAllBytes(folder.At("a.png"), Convert.FromBase64String(Png));
        folder.Write("records.csv", string.Join(',', cells.Select(c => c.Column)) + "\n" + string.Join(',', cells.Select(c => c.Text)) + "\n");
        var problems = new ProblemList();
        var table = preprocessing.LoadRecords(new SourceSection { Csv = "records.csv" }, folder.FullPath, problems)!;
        Assert.False(problems.HasErrors, string.Join(' ', problems));
        var outputs = new float[2];
        model.Predict(parameters, preprocessing.Encode(table, [0]).Features, 1, outputs);
        return outputs[1];
    }
}
