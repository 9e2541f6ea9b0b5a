namespace Comity.Tensors.Differentiation;

/// <summary>The first operation of a pass with a value that is infinite or no number.</summary>
/// <param name="Name">What it is, such as Convolution.</param>
/// <param name="Shape">The sizes of its value.</param>
/// <param name="Parameters">Names of the parameters that it reads.</param>
/// <param name="InGradient">False: its value; true: the derivative by its value, on the way back.</param>
public sealed record NonFiniteOperation(string Name, Shape Shape, IReadOnlyList<string> Parameters, bool InGradient)
{
    /// <inheritdoc/>
    public override string ToString() => $"{Name} {Shape}{(Parameters.Count == 0 ? "" : $" of {string.Join(", ", Parameters)}")}{(InGradient ? ", gradient" : "")}";

    /// <summary>Looks through the last pass, whose values are all still there: so a search costs nothing until it is needed.</summary>
    internal static unsafe NonFiniteOperation? In(Tape tape, int last)
    {
        for (var i = 0; i <= last; i++)
        {
            if (IsBroken(tape.Node(i).Value, tape.Node(i).Shape.Length)) return Of(tape, ref tape.Node(i), false);
        }
        for (var i = last; i >= 0; i--)
        {
            if (i != tape.Descended && tape.Node(i).HasGradient && IsBroken(tape.Node(i).Gradient, tape.Node(i).Shape.Length)) return Of(tape, ref tape.Node(i), true);
        }
        return null;
    }

    private static NonFiniteOperation Of(Tape tape, ref Node node, bool inGradient)
    {
        var parameters = new List<string>();
        if (node.Operation == Operation.Parameter) parameters.Add(tape.Layout.Entries[node.Option].Name);
        foreach (var operand in new[] { node.A, node.B, node.C })
        {
            if (operand >= 0 && tape.Node(operand).Operation == Operation.Parameter) parameters.Add(tape.Layout.Entries[tape.Node(operand).Option].Name);
        }
        return new NonFiniteOperation(node.Operation.ToString(), node.Shape, parameters, inGradient);
    }

    private static unsafe bool IsBroken(float* values, int length)
    {
        for (nint i = 0; i < length; i++)
        {
            if (!float.IsFinite(values[i])) return true;
        }
        return false;
    }
}
