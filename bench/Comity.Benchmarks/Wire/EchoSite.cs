using System.Globalization;
using System.Runtime.InteropServices;
using Comity.Benchmarks.Federation;
using Comity.Benchmarks.Study;
using Comity.Declarations;
using Comity.Federation.Sites;
using Comity.Federation.Studies;
using Comity.Tensors.Parameters;
using Comity.Transport.Clients;
using Comity.Transport.Identity;
using Comity.Transport.Protocol;
using Comity.Transport.Sites;

namespace Comity.Benchmarks.Wire;

/// <summary>A site whose training gives back what it was given: all that is measured is the way there and back.</summary>
internal sealed class EchoSite(string site) : ISiteWork
{
    public string Site => site;

    /// <summary>A site as a process: its name, its state folder, the model's parameters.</summary>
    public static IReadOnlyList<Demand> Run(string[] args)
    {
        using var identity = SiteIdentity.OpenOrMake(args[1]);
        using var http = CoordinatorHttp.Connect(identity.Connection(args[0], null)!, TimeProvider.System);
        Agent(args[0], args[1], int.Parse(args[2], CultureInfo.InvariantCulture), http).RunAsync(CancellationToken.None).GetAwaiter().GetResult();
        return [];
    }

    public static SiteAgent Agent(string site, string state, int parameters, HttpClient http) =>
        new(new SiteClient(http, TimeProvider.System), new Host(site, parameters), new SiteAgentOptions { Site = site, StateFolder = state }, TimeProvider.System, null);

    public static string Study(int sites, int rounds, string more = "") => $$"""
        study: echo
        contract: {}
        model: none
        markets: { id: us, jurisdiction: US }
        sites: [{{string.Join(", ", Enumerable.Range(0, sites).Select(i => $"{{ id: s{i}, market: us }}"))}}]
        arms: federated
        federation: { rounds: {{rounds}}, strategy: fedavg }
        {{more}}

        """;

    public static StudyPlan Plan { get; } = new([], "regression", "y", "mse", "bench");

    public ValueTask<Statistics> CollectAsync(StatisticsTask task, CancellationToken cancellationToken) => new(Statistics.None);

    public ValueTask<TrainingResult> TrainAsync(TrainingTask task, CancellationToken cancellationToken)
    {
        task.Parameters.CopyTo(task.Destination);
        return new(new TrainingResult { Parameters = task.Destination, Rows = 60, Steps = 1, LearningRateSum = 0.1, NormalizedSteps = 1, LossByEpoch = [1] });
    }

    public ValueTask<EvaluationResult> EvaluateAsync(EvaluationTask task, CancellationToken cancellationToken) =>
        new(new EvaluationResult { Rows = 20, Metrics = new Dictionary<string, Estimate> { ["mse"] = new(1, double.NaN, double.NaN) } });

    public ValueTask<ComparisonResult> CompareAsync(ComparisonTask task, CancellationToken cancellationToken) => new(new ComparisonResult(20, []));

    private sealed class Host(string site, int parameters) : ISiteHost
    {
        public ValueTask<SiteStudy> OpenAsync(string studyFile, CancellationToken cancellationToken)
        {
            var problems = new ProblemList();
            var study = StudyReader.Read(studyFile, problems);
            problems.ThrowIfErrors();
            var about = new JoinResult("bench", RuntimeInformation.ProcessArchitecture.ToString(), 256, RuntimeInformation.FrameworkDescription, true, []);
            return new(new SiteStudy(about, study!.Section, new EchoSite(site), new Start(parameters)));
        }
    }

    private sealed class Start(int parameters) : IModelSource
    {
        private readonly ParameterLayout _layout = new([new("w", [parameters], 0)]);

        public IReadOnlyList<string> StatisticsSteps => [];

        // The layout is asked for by every site; only the site that makes the first weights needs them.
        public ValueTask<ModelStart> StartAsync(int repeat, Statistics agreed, CancellationToken cancellationToken) => new(new ModelStart(_layout, new float[parameters], "regression", []));
    }
}
