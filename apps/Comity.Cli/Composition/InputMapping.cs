using Comity.Data.Preprocess;
using Comity.Learning;

namespace Comity.Cli.Composition;

/// <summary>Encoded rows as Data makes them and as Learning takes them.</summary>
internal static class InputMapping
{
    public static InputShape ToLearning(this InputForm form) => form switch
    {
        ImageForm image => new ImageInput(image.Channels, image.Height, image.Columns),
        TokenForm tokens => new TokenInput(tokens.Tokens, tokens.Vocabulary),
        TaggedForm tagged => new TaggedInput(new TokenInput(tagged.Tokens, tagged.Vocabulary), tagged.Tags),
        SeriesForm series => new SeriesInput(series.Steps, series.Channels),
        CombinedForm combined => new MultimodalInput([.. combined.Parts.Select(p => new Modality(p.Name, p.Form.ToLearning(), [.. p.Slices.Select(s => new InputSlice(s.First, s.Count))]))]),
        _ => new FeatureInput(form.Width),
    };

    /// <summary>A view of the rows.</summary>
    public static Dataset ToDataset(this EncodedRows rows, int width) => rows.Starts.Length > 0
        ? Dataset.Windows(rows.Features, rows.Starts, rows.Labels, width)
        : new Dataset(rows.Features, rows.Labels, width);
}
