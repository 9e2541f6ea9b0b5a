using Comity.Federation.Aggregation;
using Comity.Federation.Rounds;
using Comity.Federation.Spool;
using Comity.Tensors.Parameters;

namespace Comity.Federation.Tests.Aggregation;

/// <summary>A round's updates held in memory.</summary>
internal sealed class UpdatesInMemory(IReadOnlyList<float[]> bodies, IReadOnlyList<double>? steps = null) : IUpdateSet
{
    public int Count => bodies.Count;

    public static UpdateHeader HeaderOf(string site, int length, int round = 1, int rows = 10, double steps = 1, string digest = "d") => new()
    {
        Site = site, Round = round, Length = length, Sha256 = digest, Rows = rows, Steps = (int)steps, LearningRateSum = steps * 0.1, NormalizedSteps = steps, Loss = 0.5,
    };

    public UpdateHeader Header(int update) => HeaderOf($"s{update}", bodies[update].Length, steps: steps?[update] ?? 1);

    public void Read(int update, int offset, Span<float> destination) => bodies[update].AsSpan(offset, destination.Length).CopyTo(destination);

    public static RoundUpdates Round(IReadOnlyList<float[]> bodies, int parameters, IReadOnlyList<double>? weights = null, IReadOnlyList<double>? steps = null) =>
        new(new UpdatesInMemory(bodies, steps), weights ?? [.. bodies.Select(_ => 1.0)], parameters);

    public static IReadOnlyList<ParameterSegment> AllTrained(int parameters) => ParameterSegment.Of(new ParameterLayout([new("w", [parameters], 0)]));
}
