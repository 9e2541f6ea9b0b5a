using System.Globalization;
using Comity.Declarations;

namespace Comity.Learning.Training;

/// <summary>Weight of each class in the loss: <c>none</c>, <c>balanced</c> (rows / (classes · rows of the class)) or one number a class.</summary>
/// <remarks>Given numbers are scaled so that the mean weight over the training rows is 1: they shift attention, not the learning rate.</remarks>
public sealed record ClassWeights : IDeclaredValue<ClassWeights>
{
    private ClassWeights(bool balanced, IReadOnlyList<double> values) => (IsBalanced, Values) = (balanced, values);

    /// <summary>All classes weigh the same.</summary>
    public static ClassWeights None { get; } = new(false, []);

    /// <summary>Inverse to the frequency of the class among the training rows.</summary>
    public static ClassWeights Balanced { get; } = new(true, []);

    /// <summary>One weight for each class, in the order of the contract's classes.</summary>
    public static ClassWeights Of(IReadOnlyList<double> values) => new(false, values);

    /// <summary>Whether weights follow the frequencies.</summary>
    public bool IsBalanced { get; }

    /// <summary>Given weights; empty otherwise.</summary>
    public IReadOnlyList<double> Values { get; }

    /// <summary>Whether all classes weigh the same.</summary>
    public bool IsNone => !IsBalanced && Values.Count == 0;

    /// <inheritdoc/>
    public static string Schema => """{"anyOf":[{"enum":["none","balanced"]},{"type":"array","items":{"type":"number","exclusiveMinimum":0}}]}""";

    /// <inheritdoc/>
    public static ClassWeights? ReadDeclared(DeclaredNode node, ProblemList problems)
    {
        switch (node)
        {
            case DeclaredNode.Scalar { Text: "none" }: return None;
            case DeclaredNode.Scalar { Text: "balanced" }: return Balanced;
            case DeclaredNode.List { Items.Count: > 0 } list:
                var values = new List<double>();
                foreach (var item in list.Items)
                {
                    if (item is DeclaredNode.Scalar { Quoted: false } scalar
                        && double.TryParse(scalar.Text, NumberStyles.Float, CultureInfo.InvariantCulture, out var weight) && weight > 0 && double.IsFinite(weight))
                        values.Add(weight);
                    else
                        problems.Add(Messages.Problem("class-weights", item.Place, (item as DeclaredNode.Scalar)?.Text ?? "…"));
                }
                return new ClassWeights(false, values);
            default:
                problems.Add(Messages.Problem("class-weights", node.Place, (node as DeclaredNode.Scalar)?.Text ?? "…"));
                return null;
        }
    }

    /// <summary>The weight of each class for given training rows, shape [classes]; mean 1 over the rows.</summary>
    public float[] For(ReadOnlySpan<float> labels, int classes)
    {
        var counts = new long[classes];
        foreach (var label in labels) counts[(int)label]++;
        var weights = new float[classes];
        if (IsBalanced)
        {
            // Classes that do not occur have no rows to weigh; the others share the weight.
            var present = counts.Count(c => c > 0);
            for (var c = 0; c < classes; c++) weights[c] = counts[c] == 0 ? 0 : (float)(labels.Length / ((double)present * counts[c]));
            return weights;
        }
        if (Values.Count == 0)
        {
            Array.Fill(weights, 1);
            return weights;
        }
        if (Values.Count != classes) throw new ArgumentException($"{Values.Count} class weights were given for {classes} classes.", nameof(classes));
        var total = 0.0;
        for (var c = 0; c < classes; c++) total += counts[c] * Values[c];
        for (var c = 0; c < classes; c++) weights[c] = (float)(total > 0 ? Values[c] * labels.Length / total : Values[c]);
        return weights;
    }
}
