using Comity.Benchmarks.Federation;
using Comity.Benchmarks.Learning;
using Comity.Benchmarks.Serving;
using Comity.Benchmarks.Privacy;
using Comity.Benchmarks.Study;
using Comity.Benchmarks.Tensors;
using Comity.Benchmarks.Wire;

// One verb a family of numbers; each prints markdown tables that are committed under bench/results.
var families = new Dictionary<string, Func<string[], int>>
{
    ["private"] = PrivateNumbers.Run,
    ["private-rivals"] = PrivateRivals.Run,
    ["private-accounting"] = AccountantNumbers.Run,
    ["private-gate"] = GateNumbers.Run,
    ["private-mnist"] = PrivateMnist.Run,
    ["secure-aggregation"] = SecureAggregationNumbers.Run,
    ["study"] = StudyNumbers.Run,
    ["evaluation"] = EvaluationNumbers.Run,
    ["federation"] = FederationNumbers.Run,
    ["training"] = TrainingNumbers.Run,
    ["inference"] = InferenceNumbers.Run,
    ["simulation"] = SimulationNumbers.Run,
    ["sequences"] = SequenceNumbers.Run,
    ["gemm"] = GemmNumbers.Run,
    ["serving"] = ServingNumbers.Run,
    ["serving-constant"] = ConstantEndpoint.Run,
    ["wire"] = WireNumbers.Run,
    ["kernels"] = KernelNumbers.Run,
};

if (args.Length > 0 && families.TryGetValue(args[0], out var family)) return family(args[1..]);
Console.Error.WriteLine($"Usage: dotnet run -c Release --project bench/Comity.Benchmarks -- <{string.Join('|', families.Keys)}> [names…]");
return 2;
