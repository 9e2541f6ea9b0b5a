using System.Globalization;
using System.Reflection;
using Comity.Declarations;
using Comity.Federation.AtRest;
using Comity.Transport.Identity;
using Comity.Transport.Protocol;

namespace Comity.Coordinator.Studies;

/// <summary>The part of <c>/v1</c> that is about studies: the host maps it once it knows who calls (<see cref="CallerIdentity"/>).</summary>
internal static class StudyEndpoints
{
    private const int LargestSubmissionBytes = 8 << 20;
    private const int LargestEmptyBytes = 1024;
    private const int LongestWaitSeconds = 30;
    private static readonly CallerRole[] Authors = [CallerRole.Author, CallerRole.Operator];
    private static readonly CallerRole[] Watchers = [CallerRole.Viewer, CallerRole.Steward, CallerRole.Author, CallerRole.Operator];

    /// <summary>Maps the endpoints.</summary>
    public static IEndpointRouteBuilder MapStudies(this IEndpointRouteBuilder routes, StudyServer studies)
    {
        routes.MapGet("/v1/protocol", () => Calls.Reply(new ProtocolInfo(ProtocolVersion.Oldest, ProtocolVersion.Newest, Software, studies.Time.GetUtcNow())));
        routes.MapPost("/v1/studies", Calls.For(Authors, (context, caller) => SubmitAsync(studies, context, caller)));
        routes.MapGet("/v1/studies", Calls.For(Watchers, (_, caller) => Task.FromResult(Calls.Reply(
            new StudyListing([.. studies.Studies.Where(s => caller.Covers(s.Entry.Id)).Select(s => s.View([]))])))));
        routes.MapGet("/v1/studies/{study}", Calls.For(Watchers, (context, caller) => With(studies, context, caller, study => ViewAsync(study, context))));
        routes.MapPost("/v1/studies/{study}/cancel", Calls.For(Authors, (context, caller) => With(studies, context, caller, async study =>
        {
            await study.CancelAsync();
            return Calls.Reply(study.View([]));
        })));
        routes.MapPost("/v1/studies/{study}/resume", Calls.For(Authors, (context, caller) => With(studies, context, caller, study =>
        {
            study.Resume();
            return Task.FromResult(Calls.Reply(study.View([])));
        })));
        routes.MapPost("/v1/studies/{study}/withdraw", Calls.For([CallerRole.Site], (context, caller) => With(studies, context, caller, async study =>
        {
            await Calls.ReadAsync<object>(context, LargestEmptyBytes); // to its end, where the signature's digest is judged
            return study.Withdraw(caller.Name) is { } reply ? Calls.Reply(reply) : NotFound(context);
        })));
        routes.MapGet("/v1/studies/{study}/file", Calls.For(Watchers, (context, caller) => With(studies, context, caller, study => Task.FromResult(Results.File(study.Declared.File, "application/yaml", enableRangeProcessing: true)))));
        routes.MapGet("/v1/studies/{study}/results", Calls.For(Watchers, (context, caller) => WithDone(studies, context, caller, study => study.ResultsFile is { } file ? Results.File(file, "application/json", enableRangeProcessing: true) : NotFound(context))));
        routes.MapGet("/v1/studies/{study}/artefacts", Calls.For(Authors, (context, caller) => WithDone(studies, context, caller, study => study.ArtefactsFile is { } file ? Results.File(file, "application/json") : NotFound(context))));
        routes.MapGet("/v1/studies/{study}/models/{number:int}", Calls.For(Authors, (context, caller) => WithDone(studies, context, caller, study =>
        {
            return study.WeightsFile(int.Parse(Calls.Route(context, "number"), CultureInfo.InvariantCulture)) is { } file ? Weights(studies.Vault, file) : NotFound(context);
        })));
        SiteEndpoints.Map(routes, studies);
        return routes;
    }

    private static IResult Weights(StateVault vault, string file) => vault.IsSealed
        ? Results.Stream(new StateStream(vault.Read(file), writable: false), "application/octet-stream", enableRangeProcessing: true)
        : Results.File(file, "application/octet-stream", enableRangeProcessing: true);

    private static async Task<IResult> SubmitAsync(StudyServer studies, HttpContext context, CallerIdentity caller)
    {
        var submission = await Calls.ReadAsync<StudySubmission>(context, LargestSubmissionBytes);
        // A token for some studies hands in no others: it could not even watch them.
        if (!caller.Covers(submission.Id)) return Calls.Refuse(StatusCodes.Status403Forbidden, Texts.Problem("study-barred", context.Request.Path, caller.Name));
        return Calls.Reply(studies.Submit(submission, caller.Name, []).View([]));
    }

    private static async Task<IResult> ViewAsync(HostedStudy study, HttpContext context)
    {
        var after = Number(context, "after", long.MaxValue);
        var wait = TimeSpan.FromSeconds(Math.Clamp(Number(context, "wait", 0), 0, LongestWaitSeconds));
        var events = after == long.MaxValue ? [] : await study.Log.AfterAsync(after, wait, context.RequestAborted);
        var view = study.View(events);
        // What happened between the events and the state belongs to the last answer: a watcher does not ask again after the end.
        if (view.State is StudyState.Done or StudyState.Stopped or StudyState.Cancelled && after != long.MaxValue)
            view = view with { Events = await study.Log.AfterAsync(after, TimeSpan.Zero, context.RequestAborted) };
        return Calls.Reply(view);
    }

    private static long Number(HttpContext context, string name, long otherwise) =>
        long.TryParse(context.Request.Query[name], NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : otherwise;

    private static Task<IResult> With(StudyServer studies, HttpContext context, CallerIdentity caller, Func<HostedStudy, Task<IResult>> then)
    {
        var study = studies.Find(Calls.Route(context, "study"));
        return study is null || !caller.Covers(study.Entry.Id) ? Task.FromResult(NotFound(context)) : then(study);
    }

    private static Task<IResult> WithDone(StudyServer studies, HttpContext context, CallerIdentity caller, Func<HostedStudy, IResult> then) => With(studies, context, caller, study =>
        Task.FromResult(study.Entry.State == StudyState.Done ? then(study)
            : Calls.Refuse(StatusCodes.Status409Conflict, Texts.Problem("study-not-done", study.Entry.Id, study.Entry.Id, study.Entry.State))));

    private static IResult NotFound(HttpContext context) =>
        Calls.Refuse(StatusCodes.Status404NotFound, Texts.Problem("study-unknown", context.Request.Path, Calls.Route(context, "study")));

    private static string Software { get; } = typeof(StudyEndpoints).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "0";
}
