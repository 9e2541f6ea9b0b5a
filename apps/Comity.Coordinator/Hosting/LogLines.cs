namespace Comity.Coordinator.Hosting;

/// <summary>All that the coordinator logs: names, fingerprints and codes; never a key, a token, a join code, a weight or a record.</summary>
internal static partial class LogLines
{
    [LoggerMessage(1, LogLevel.Information, "Listening on {Address}, reached at {Reached}; authority {Fingerprint}.")]
    public static partial void Listening(ILogger log, string address, Uri reached, string fingerprint);

    [LoggerMessage(2, LogLevel.Information, "Stopping; calls in flight may end.")]
    public static partial void Stopping(ILogger log);

    [LoggerMessage(3, LogLevel.Warning, "Refused {Method} {Route} with {Status} {Code} for {Caller}.")]
    public static partial void Refused(ILogger log, string method, string route, int status, string code, string caller);

    [LoggerMessage(4, LogLevel.Error, "{Method} {Route} failed.")]
    public static partial void Failed(ILogger log, Exception exception, string method, string route);

    [LoggerMessage(5, LogLevel.Debug, "{Method} {Route} answered {Status} to {Caller}.")]
    public static partial void Answered(ILogger log, string method, string route, int status, string caller);

    [LoggerMessage(6, LogLevel.Information, "{Name} asks to join.")]
    public static partial void Asked(ILogger log, string name); // not the fingerprint: whoever approves has it from the site's owner

    [LoggerMessage(7, LogLevel.Information, "The certificate of {Name} was renewed until {NotAfter}.")]
    public static partial void Renewed(ILogger log, string name, DateTimeOffset notAfter);

    [LoggerMessage(8, LogLevel.Warning, "{Calls} open calls were ended, as their key or token is no longer in force.")]
    public static partial void Ended(ILogger log, int calls);

    [LoggerMessage(9, LogLevel.Warning, "The certificate of {Name} ends on {NotAfter} and has not renewed itself.")]
    public static partial void Expires(ILogger log, string name, DateTimeOffset notAfter);

    [LoggerMessage(11, LogLevel.Warning, "What {Study} no longer needs could not be deleted.")]
    public static partial void NotTidied(ILogger log, Exception reason, string study);

    [LoggerMessage(10, LogLevel.Error, "The study {Study} stopped at a defect.")]
    public static partial void StudyFailed(ILogger log, Exception defect, string study);

    [LoggerMessage(12, LogLevel.Information, "Leading in {Store}, epoch {Epoch}.")]
    public static partial void StoreTaken(ILogger log, string store, long epoch);

    [LoggerMessage(13, LogLevel.Warning, "Another coordinator still leads in {Store}; waiting for it to end.")]
    public static partial void StoreLed(ILogger log, string store);

    [LoggerMessage(14, LogLevel.Error, "The database {Store} does not answer ({Reason}). Studies wait for it and nothing is lost; calls are answered 503.")]
    public static partial void StoreLost(ILogger log, string store, string reason);

    [LoggerMessage(15, LogLevel.Information, "The database {Store} is back after {Seconds} s; studies go on.")]
    public static partial void StoreBack(ILogger log, string store, double seconds);

    [LoggerMessage(16, LogLevel.Error, "Another coordinator leads in {Store} since; epoch {Epoch} is over and nothing more is written.")]
    public static partial void StoreSuperseded(ILogger log, string store, long epoch);

    [LoggerMessage(17, LogLevel.Warning, "The study {Study} is left as it stands: {Reason}")]
    public static partial void StudyLeft(ILogger log, string study, string reason);

    [LoggerMessage(18, LogLevel.Warning, "The broker {Queue} does not answer ({Reason}). Who drives goes on; nobody is named in the meantime.")]
    public static partial void QueueLost(ILogger log, string queue, string reason);

    [LoggerMessage(19, LogLevel.Information, "The broker {Queue} is back.")]
    public static partial void QueueBack(ILogger log, string queue);

    [LoggerMessage(20, LogLevel.Information, "Following: calls go to the replica that drives.")]
    public static partial void Following(ILogger log);

    [LoggerMessage(21, LogLevel.Warning, "Named to drive, and the state can't be led from here ({Reason}); another replica is let before.")]
    public static partial void GaveWay(ILogger log, string reason);

    [LoggerMessage(23, LogLevel.Error, "The disk of {Folder} is full. Make room there: calls that bring something are refused with 507, sites wait and go on by themselves.")]
    public static partial void DiskFull(ILogger log, string folder);

    [LoggerMessage(24, LogLevel.Error, "The study {Study} can't be read ({Reason}) and is left as it stands; its sites keep what they have.")]
    public static partial void StudyUnreadable(ILogger log, string study, string reason);

    [LoggerMessage(25, LogLevel.Information, "{Study}: {Event} {Arguments}")]
    public static partial void StudyEvent(ILogger log, string study, string @event, string arguments);

    [LoggerMessage(26, LogLevel.Information, "{Study}: round {Round} of {Model}, repeat {Repeat}: {Contributed} contributed, {Rejected} refused, {Missing} missing.")]
    public static partial void RoundDone(ILogger log, string study, int round, string model, int repeat, int contributed, int rejected, int missing);

    [LoggerMessage(22, LogLevel.Warning, "From its line {Line} on this folder's audit.jsonl was another than the store's, whose lines stand. What it had is in {Aside}.")]
    public static partial void AuditParted(ILogger log, long line, string aside);
}
