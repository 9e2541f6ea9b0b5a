using System.Buffers;
using System.Globalization;
using Comity.Coordinator.Hosting;
using Comity.Coordinator.Identity;
using Comity.Transport.Bodies;
using Comity.Transport.Clients;
using Comity.Transport.Identity;
using Comity.Transport.Protocol;

namespace Comity.Coordinator.Studies;

/// <summary>What sites call: work, progress, bodies, answers. A site reaches its own tasks only.</summary>
internal static class SiteEndpoints
{
    private const int LargestRequestBytes = 1 << 20;
    private const int SliceBytes = 1 << 16;
    private const int LongestWaitSeconds = 30;
    private const int MostRoom = 64;
    private static readonly CallerRole[] Sites = [CallerRole.Site];

    public static void Map(IEndpointRouteBuilder routes, StudyServer studies)
    {
        routes.MapPost("/v1/work", Calls.For(Sites, (context, caller) => WorkAsync(studies, context, caller)));
        routes.MapPost("/v1/progress", Calls.For(Sites, async (context, caller) =>
        {
            var dropped = studies.Desk(caller.Name).Report(await Calls.ReadAsync<ProgressReport>(context, LargestRequestBytes));
            if (dropped.Count > 0) studies.Store?.StillLeads();
            return Calls.Reply(new ProgressReply(dropped));
        }));
        routes.MapGet("/v1/tasks/{key}/bodies/{digest}/manifest", Calls.For(Sites, (context, caller) => WithBody(studies, context, caller, (_, body) =>
            Task.FromResult(Calls.Reply(SiteClient.WriteManifest(body.Manifest))))));
        routes.MapGet("/v1/tasks/{key}/bodies/{digest}", Calls.For(Sites, (context, caller) => WithBody(studies, context, caller, (move, body) => SendAsync(context, move, body))));
        routes.MapPost("/v1/tasks/{key}/upload", Calls.For(Sites, (context, caller) => WithTask(studies, context, caller, (desk, task) => BeginUploadAsync(studies, context, desk, task))));
        routes.MapPut("/v1/tasks/{key}/upload/{digest}/{chunk:int}", Calls.For(Sites, (context, caller) => WithTask(studies, context, caller, (desk, task) => StoreAsync(studies, context, desk, task))));
        routes.MapPost("/v1/tasks/{key}/answer", Calls.For(Sites, (context, caller) => AnswerAsync(studies, context, caller)));
    }

    private static async Task<IResult> WorkAsync(StudyServer studies, HttpContext context, CallerIdentity caller)
    {
        var request = await Calls.ReadAsync<WorkRequest>(context, LargestRequestBytes);
        if (ProtocolVersion.Common(request.Protocol, request.Protocol) is null)
            return Calls.Refuse(StatusCodes.Status426UpgradeRequired, Texts.Problem("protocol-unknown", caller.Name, request.Protocol, ProtocolVersion.Oldest, ProtocolVersion.Newest));
        var wait = TimeSpan.FromSeconds(Math.Clamp(request.WaitSeconds, 0, LongestWaitSeconds));
        var closed = request.Studies.Where(id => studies.IsClosed(id)).ToList();
        // A site forgets what is closed: who slept while another took a study in must not say so.
        if (closed.Count > 0) studies.Store?.StillLeads();
        var tasks = await studies.Desk(caller.Name).NextAsync(request.Held.ToHashSet(StringComparer.Ordinal), Math.Clamp(request.Room, 0, MostRoom), closed.Count > 0 ? TimeSpan.Zero : wait, context.RequestAborted);
        studies.Audit?.Given(caller.Name, tasks);
        return Calls.Reply(new WorkReply(tasks, closed));
    }

    private static async Task<IResult> SendAsync(HttpContext context, Action<int> sent, BodySource body)
    {
        _ = int.TryParse(context.Request.Query["from"], NumberStyles.None, CultureInfo.InvariantCulture, out var from);
        var manifest = body.Manifest;
        context.Response.ContentType = "application/octet-stream";
        var chunks = Math.Max(0, manifest.Chunks - from);
        context.Response.ContentLength = chunks == 0 ? 0 : manifest.Length - manifest.OffsetOf(from) + ((long)ChunkFrame.HeaderBytes * chunks);
        // Slice by slice: a slow site must not hold a whole chunk in memory.
        var buffer = ArrayPool<byte>.Shared.Rent((int)Math.Min(SliceBytes, Math.Max(ChunkFrame.HeaderBytes, manifest.Length)));
        try
        {
            for (var chunk = from; chunk < manifest.Chunks; chunk++)
            {
                var (offset, length) = (manifest.OffsetOf(chunk), manifest.LengthOf(chunk));
                ChunkFrame.WriteHeader(buffer, chunk, length);
                await context.Response.Body.WriteAsync(buffer.AsMemory(0, ChunkFrame.HeaderBytes), context.RequestAborted);
                for (var at = 0; at < length;)
                {
                    var slice = buffer.AsMemory(0, Math.Min(SliceBytes, length - at));
                    body.Read(offset + at, slice.Span);
                    await context.Response.Body.WriteAsync(slice, context.RequestAborted);
                    at += slice.Length;
                }
                sent(length);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
        return Results.Empty;
    }

    private static async Task<IResult> BeginUploadAsync(StudyServer studies, HttpContext context, SiteDesk desk, OpenTask task)
    {
        var manifest = SiteClient.ReadManifest(await Calls.ReadAsync<ManifestMessage>(context, WireJson.LargestMessageBytes));
        if (manifest.Length > task.LargestBody)
            return Calls.Refuse(StatusCodes.Status413PayloadTooLarge, Texts.Problem("body-too-large", desk.Site, desk.Site, manifest.Length, task.LargestBody));
        // Before a byte of it is taken: what is under way must still be written.
        if (!studies.HasRoom(manifest.Length)) return Calls.Refuse(StatusCodes.Status507InsufficientStorage, Texts.Problem(FullDisk.Code, context.Request.Path));
        await task.Uploading.WaitAsync(context.RequestAborted);
        try
        {
            if (task.Upload?.Manifest.Matches(manifest.Digest) != true)
            {
                if (task.Upload is { } earlier) await earlier.DisposeAsync();
                task.Upload = await UploadedBody.OpenAsync(studies.UploadPath(desk.Site, task.Task.Study, task.Task.Key), manifest, studies.Vault, studies.SparesOf(task.Task.Study), context.RequestAborted);
            }
            return Calls.Reply(new UploadState(task.Upload.Missing));
        }
        finally
        {
            task.Uploading.Release();
        }
    }

    private static async Task<IResult> StoreAsync(StudyServer studies, HttpContext context, SiteDesk desk, OpenTask task)
    {
        if (task.Upload is not { } upload || Convert.ToHexStringLower(upload.Manifest.Digest) != Calls.Route(context, "digest"))
            return Calls.Refuse(StatusCodes.Status503ServiceUnavailable, Texts.Problem("upload-not-begun", desk.Site, desk.Site)); // the coordinator was restarted: begin it again
        var chunk = int.Parse(Calls.Route(context, "chunk"), CultureInfo.InvariantCulture);
        if (chunk < 0 || chunk >= upload.Manifest.Chunks) return BadChunk(desk, chunk, ChunkFault.UnknownChunk);
        var length = upload.Manifest.LengthOf(chunk);
        Calls.Allow(context, length);
        // What a site sends is compared with what it signed while it is read, so the chunk need not be hashed again.
        var fault = await upload.StoreAsync(chunk, context.Request.Body, context.Features.Get<SignedBody>()?.Sha256, context.RequestAborted);
        if (fault != ChunkFault.None) return BadChunk(desk, chunk, fault);
        desk.Moved(task.Task.Study, length, 0);
        return Results.NoContent();
    }

    private static async Task<IResult> AnswerAsync(StudyServer studies, HttpContext context, CallerIdentity caller)
    {
        var answer = await Calls.ReadAsync<SiteAnswer>(context, WireJson.LargestMessageBytes);
        var desk = studies.Desk(caller.Name);
        if (desk.Find(Calls.Route(context, "key")) is not { } task) return Calls.Reply(new AnswerReply(false, "not-awaited"));
        string? file = null;
        if (answer.Body is { } body)
        {
            file = await BodyAsync(studies, desk, task, body);
            if (file is null) return Calls.Refuse(StatusCodes.Status503ServiceUnavailable, Texts.Problem("upload-not-begun", desk.Site, desk.Site));
        }
        desk.Moved(task.Task.Study, context.Request.ContentLength ?? 0, 0);
        var head = studies.Audit?.Arrived(caller.Name, task.Task, answer);
        task.Arrive(new Arrived(answer, file));
        // Durable before acknowledged: who is told that it counts may forget it.
        return Calls.Reply(await task.Settled.WaitAsync(context.RequestAborted) with { Head = head });
    }

    private static async Task<string?> BodyAsync(StudyServer studies, SiteDesk desk, OpenTask task, BodyReference body)
    {
        var path = studies.UploadPath(desk.Site, task.Task.Study, task.Task.Key);
        if (body.Inline is { } inline)
        {
            var bytes = Convert.FromBase64String(inline);
            if (bytes.Length > WireJson.LargestInlineBytes || bytes.Length > task.LargestBody) throw new InvalidDataException("A body inside a message is larger than allowed.");
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            studies.Vault.WriteAll(path, bytes);
            return path;
        }
        if (task.Upload is not { } upload || upload.Missing.Count > 0 || upload.Manifest.ChunkBytes != body.ChunkBytes || !string.Equals(Convert.ToHexStringLower(upload.Manifest.Digest), body.Digest, StringComparison.Ordinal)) return null;
        await upload.DisposeAsync();
        return path;
    }

    private static IResult BadChunk(SiteDesk desk, int chunk, ChunkFault fault) =>
        Calls.Refuse(StatusCodes.Status400BadRequest, Texts.Problem("chunk-refused", desk.Site, chunk, desk.Site, fault));

    private static Task<IResult> WithTask(StudyServer studies, HttpContext context, CallerIdentity caller, Func<SiteDesk, OpenTask, Task<IResult>> then)
    {
        var desk = studies.Desk(caller.Name);
        return desk.Find(Calls.Route(context, "key")) is { } task ? then(desk, task)
            : Task.FromResult(Calls.Refuse(StatusCodes.Status404NotFound, Texts.Problem("task-not-awaited", caller.Name, caller.Name)));
    }

    private static Task<IResult> WithBody(StudyServer studies, HttpContext context, CallerIdentity caller, Func<Action<int>, BodySource, Task<IResult>> then) =>
        WithTask(studies, context, caller, (desk, task) => task.Bodies.TryGetValue(Calls.Route(context, "digest"), out var body) ? then(sent => desk.Moved(task.Task.Study, 0, sent), body)
            : Task.FromResult(Calls.Refuse(StatusCodes.Status404NotFound, Texts.Problem("task-not-awaited", caller.Name, caller.Name))));
}
