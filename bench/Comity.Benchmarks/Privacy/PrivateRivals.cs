using Comity.Benchmarks.Rivals;

namespace Comity.Benchmarks.Privacy;

/// <summary>A private step of MLP 784-128-10 at a batch of 256 beside PyTorch's: hand-written ghost clipping, functorch's gradients of single examples, and Opacus' way of making them.</summary>
/// <remarks>Ours is the whole trainer with Poisson sampling and AES-CTR noise; PyTorch clips one fixed batch and takes its noise from <c>torch.randn</c>.</remarks>
internal static class PrivateRivals
{
    public static int Run(string[] names)
    {
        using var torch = TorchRival.Start();
        Console.WriteLine($"One thread, CPU time, 15 turns each; PyTorch {torch?.Version ?? "missing"}.");
        Console.WriteLine();
        Console.WriteLine("| private step, MLP 784-128-10, batch 256 | Comity µs | PyTorch µs | ratio (median) | ratio (best of both) | demand |");
        Console.WriteLine("|---|---|---|---|---|---|");
        foreach (var (way, name, demand) in new[] { ("ghost", "hand-written ghost clipping", 1.3), ("functorch", "functorch, vmap of grad", 30.0), ("einsum", "gradients of single examples by einsum, as Opacus", 30.0) })
        {
            if (names.Length > 0 && !names.Contains(way)) continue;
            var (epoch, lots) = PrivateNumbers.PerceptronEpoch();
            var (own, rival) = Turns.Take(epoch, 1, torch, $"private {way} 256", 0.1);
            Turns.Row($"against {name}", [.. own.Select(s => s / lots)], rival, 1e6, demand);
        }
        return 0;
    }
}
