namespace Comity.Learning;

/// <summary>Kinds of input as problems name them.</summary>
internal static class InputNames
{
    public static string Of(InputShape input) => input switch
    {
        ImageInput => "image",
        SeriesInput => "series",
        TokenInput => "tokens",
        TaggedInput => "tagged tokens",
        MultimodalInput => "modalities",
        _ => "features",
    };
}
