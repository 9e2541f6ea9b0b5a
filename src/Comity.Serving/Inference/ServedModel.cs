using System.Numerics.Tensors;
using System.Text;
using Comity.Data.Preprocess;
using Comity.Data.Records;
using Comity.Data.Reference;
using Comity.Declarations;
using Comity.Learning;
using Comity.Learning.Models;
using Comity.Serving.Releases;
using Comity.Tensors;
using Comity.Tensors.Files;

namespace Comity.Serving.Inference;

/// <summary>A verified release, ready to answer. Immutable; safe for several threads.</summary>
public sealed class ServedModel
{
    private const string SectionKey = "comity.model";
    private readonly Model _model;
    private readonly StoredModel _ready;

    private ServedModel(Release release, Model model, float[] parameters, Preprocessing preprocessing, ReferenceStatistics reference)
    {
        (Manifest, Sha256, _model, Preprocessing, Reference) = (release.Manifest, release.Sha256, model, preprocessing, reference);
        _ready = new StoredModel(model, parameters, FloatStorage.Float32);
        // A window of a series is many records: such a model takes its encoded input alone.
        Records = preprocessing.Contract.Series is null ? new RecordEncoder(preprocessing) : null;
    }

    /// <summary>What it is.</summary>
    public ReleaseManifest Manifest { get; }

    /// <summary>SHA-256 (hex) of the release's file.</summary>
    public string Sha256 { get; }

    /// <summary>How records become its input.</summary>
    public Preprocessing Preprocessing { get; }

    /// <summary>Encodes a record; null: the model takes encoded input alone.</summary>
    public RecordEncoder? Records { get; }

    /// <summary>What its training records looked like.</summary>
    public ReferenceStatistics Reference { get; }

    /// <summary>Floats that it takes for a record.</summary>
    public int Inputs => _model.Inputs;

    /// <summary>Floats that it gives for a record: one probability a class, or the value.</summary>
    public int Outputs => _model.Outputs;

    /// <summary>Classes in the order of the outputs; empty for regression.</summary>
    public IReadOnlyList<string> Classes => Preprocessing.Classes;

    /// <summary>Whether a server answers what a model with this preprocessing was trained for: a class or a value of each record, and no further text.</summary>
    public static bool IsServed(Preprocessing preprocessing)
    {
        ArgumentNullException.ThrowIfNull(preprocessing);
        return preprocessing.TaskName is "binary" or "multiclass" or "regression";
    }

    /// <summary>Makes the model of a release.</summary>
    /// <exception cref="ReleaseRefusedException">Its parts do not fit one another, or a weight is no finite number.</exception>
    public static ServedModel Load(Release release)
    {
        ArgumentNullException.ThrowIfNull(release);
        var file = release.Manifest.FileName;
        try
        {
            var preprocessing = Preprocessing.FromJson(Encoding.UTF8.GetString(release[Release.PreprocessingPart].Span));
            var reference = ReferenceStatistics.FromJson(Encoding.UTF8.GetString(release[Release.StatisticsPart].Span));
            var content = Safetensors.Read(new MemoryStream(release[Release.WeightsPart].ToArray(), writable: false), file);
            if (!content.Metadata.TryGetValue(SectionKey, out var text)) throw new FormatException($"__metadata__ lacks {SectionKey}");
            var problems = new ProblemList();
            var section = DeclaredFile.Parse(text, file, problems) is { } node ? SectionReader.Read<ModelSection>(node, problems) : null;
            if (section is null || problems.HasErrors) throw new FormatException(string.Join(' ', problems));
            if (!IsServed(preprocessing)) throw new FormatException($"no server answers for the task {preprocessing.TaskName}");
            var task = preprocessing.TaskName switch { "binary" => TaskKind.Binary, "multiclass" => TaskKind.Multiclass, _ => TaskKind.Regression };
            var model = ModelFactory.Create(section, ShapeOf(preprocessing.Form), task, task == TaskKind.Regression ? 0 : preprocessing.Classes.Count);
            if (model.Layout.Digest != content.Layout.Digest) throw new FormatException("the weights' layout is another model's");
            foreach (var entry in content.Layout.Entries)
                if (!TensorPrimitives.IsFiniteAll<float>(content.Layout.Slice(content.Parameters, entry))) throw new ReleaseRefusedException(Messages.Problem("release-weights", Place.InFile(file), entry.Name));
            var served = new ServedModel(release, model, content.Parameters, preprocessing, reference);
            served.Predict(new float[model.Inputs], 1, new float[model.Outputs]); // so that the first answer is as quick as the others
            return served;
        }
        catch (Exception e) when (e is FormatException or ArgumentException or IOException)
        {
            throw new ReleaseRefusedException(Messages.Problem("release-model", Place.InFile(file), e.Message));
        }
    }

    /// <summary>Probabilities by class, or values.</summary>
    /// <param name="features">Shape [rows, <see cref="Inputs"/>].</param>
    /// <param name="rows">Number of rows.</param>
    /// <param name="outputs">Shape [rows, <see cref="Outputs"/>]; overwritten.</param>
    public void Predict(ReadOnlySpan<float> features, int rows, Span<float> outputs) => _ready.Predict(features, rows, outputs);

    internal static InputShape ShapeOf(InputForm form) => form switch
    {
        ImageForm image => new ImageInput(image.Channels, image.Height, image.Columns),
        TokenForm tokens => new TokenInput(tokens.Tokens, tokens.Vocabulary),
        CombinedForm combined => new MultimodalInput([.. combined.Parts.Select(p => new Modality(p.Name, ShapeOf(p.Form), [.. p.Slices.Select(s => new InputSlice(s.First, s.Count))]))]),
        SeriesForm series => new SeriesInput(series.Steps, series.Channels),
        _ => new FeatureInput(form.Width),
    };
}
