namespace Comity.Tensors.Differentiation;

/// <summary>Rules of what is repeated and of what is summed over an axis.</summary>
internal static unsafe partial class DerivativeRules
{
    private static void AddBroadcasts(delegate*<Tape, ref Node, void>[] table)
    {
        table[(int)Operation.Broadcast] = &Broadcast;
        table[(int)Operation.AxisSum] = &AxisSum;
    }

    // y = x repeated: ∂x = Σ over the repeats of g
    private static void Broadcast(Tape tape, ref Node node)
    {
        var x = tape.GradientOf(node.A, out var more);
        if (x != null) Broadcasting.Collect(tape.Kernels, node.Gradient, node.Shape, x, tape.Node(node.A).Shape, more);
    }

    // y = Σ over an axis of x: ∂x = g repeated along it
    private static void AxisSum(Tape tape, ref Node node)
    {
        var x = tape.GradientOf(node.A, out var more);
        if (x != null) Broadcasting.Repeat(tape.Kernels, node.Gradient, node.Shape, x, tape.Node(node.A).Shape, more);
    }
}
