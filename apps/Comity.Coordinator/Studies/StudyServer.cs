using System.Collections.Concurrent;
using Comity.Coordinator.Hosting;
using Comity.Coordinator.Storage;
using Comity.Declarations;
using Comity.Federation.AtRest;
using Comity.Federation.Studies;
using Comity.Privacy.Noise;
using Comity.Transport.Identity;
using Comity.Transport.Protocol;

namespace Comity.Coordinator.Studies;

/// <summary>All studies of this coordinator. The host opens it with the folder of its state and the keys of its sites, maps its endpoints, and disposes it last.</summary>
internal sealed class StudyServer : IAsyncDisposable
{
    private readonly ConcurrentDictionary<string, SiteDesk> _desks = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, HostedStudy> _studies = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Problem> _unreadable = new(StringComparer.Ordinal);
    private readonly StudyBook _book;

    /// <param name="folder">Where the studies' state lies.</param>
    /// <param name="keys">Public keys of approved sites.</param>
    /// <param name="time">The clock.</param>
    /// <param name="audit">Where everything that is sent to sites and comes from them is written down; null: nowhere.</param>
    /// <param name="store">The database in which their state lies; null: it lies in the folder.</param>
    /// <param name="vault">How models, updates and shares are kept; null: as they are.</param>
    public StudyServer(string folder, ISiteKeys keys, TimeProvider time, CoordinatorAudit? audit = null, PostgresStore? store = null, StateVault? vault = null)
    {
        (Folder, Keys, Time, Audit, Store, Vault) = (folder, keys, time, audit, store, vault ?? StateVault.Plain);
        Disk = new FullDisk(folder, time);
        Directory.CreateDirectory(folder);
        _book = store is null ? StudyBook.Open(BookOf(folder)) : new StudyBook(store.Control, owned: false);
        foreach (var entry in _book.All())
        {
            Write(entry.Submission); // this folder may never have seen it, or have lost it with the power: the book is what counts
            var problems = new ProblemList();
            if (StudyReader.Read(FileOf(entry.Id), problems) is { } declared) _studies[entry.Id] = new(this, _book, entry, declared, FilesOf(entry.Id));
            else _unreadable[entry.Id] = problems[0];
        }
        foreach (var study in _studies.Values)
        {
            if (study.Entry.State is StudyState.Done or StudyState.Cancelled) Tidy(study); // the process may have died just before
            else study.Start();
        }
    }

    /// <summary>Where the studies of a coordinator's data folder lie.</summary>
    public static string FolderIn(string dataFolder) => Path.Combine(dataFolder, "studies");

    /// <summary>The file of the book in a folder of studies.</summary>
    public static string BookOf(string folder) => Path.Combine(folder, "studies.sqlite");

    /// <summary>The clock.</summary>
    public TimeProvider Time { get; }

    /// <summary>What was sent and what came.</summary>
    public CoordinatorAudit? Audit { get; }

    /// <summary>Where the studies' state lies, or what this machine has copied of it.</summary>
    public string Folder { get; }

    /// <summary>The database in which the state lies; null: it lies in the folder.</summary>
    public PostgresStore? Store { get; }

    /// <summary>How models, updates and shares are kept.</summary>
    public StateVault Vault { get; }

    /// <summary>Hears of defects.</summary>
    public ILogger Log { get; set; } = Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance;

    /// <summary>Where the coordinator's noise comes from, by party and answer; null: a fresh unpredictable stream each time. Only a test gives one that can be repeated.</summary>
    public Func<string, string, NoiseStream>? Noise { get; set; }

    /// <summary>Bytes of the disk that bodies of answers leave free, for everything else that must be written.</summary>
    public long KeptFree { get; set; } = 256L << 20;

    /// <summary>Says in the log that there is no room, where there is none.</summary>
    public FullDisk Disk { get; }

    /// <summary>Studies of the book that this version can't read, with the reason: nothing is done for them, and nobody is told that they are over.</summary>
    public IReadOnlyDictionary<string, Problem> Unreadable => _unreadable;

    /// <summary>Public keys of approved sites.</summary>
    public ISiteKeys Keys { get; }

    public IEnumerable<HostedStudy> Studies => _studies.Values.OrderBy(s => s.Entry.Submitted);

    public HostedStudy? Find(string id) => _studies.GetValueOrDefault(id);

    /// <summary>Whether a site may forget a study: it is over for good, or nobody ever handed it in here.</summary>
    public bool IsClosed(string id) => !_unreadable.ContainsKey(id) && Find(id)?.Entry.State is null or StudyState.Done or StudyState.Cancelled;

    /// <summary>Which studies their sites have room for.</summary>
    public StudyQueue Queue { get; } = new();

    /// <summary>What a site is asked to do.</summary>
    public SiteDesk Desk(string site) => _desks.GetOrAdd(site, name => new SiteDesk(name, Time));

    /// <summary>Where the body of an answer is spooled.</summary>
    public string UploadPath(string site, string study, string key) => Path.Combine(Folder, "uploads", site, study, key);

    /// <summary>Files of a study's rounds that are over, which what arrives is written over; null: there is no such study.</summary>
    public SpareFiles? SparesOf(string study) => Find(study)?.Spares;

    /// <summary>Whether a body of so many bytes fits beside what is kept free; where it does not, what is only kept to be written over goes first.</summary>
    public bool HasRoom(long bytes)
    {
        if (Free() - bytes > KeptFree) return true;
        foreach (var study in _studies.Values) study.Spares.Clear();
        return Free() - bytes > KeptFree;
    }

    /// <summary>Deletes what an ended study no longer needs, and what arrived for it and was not waited for any more.</summary>
    public void Tidy(HostedStudy study)
    {
        try
        {
            study.Tidy();
            var uploads = Path.Combine(Folder, "uploads");
            if (!Directory.Exists(uploads)) return;
            foreach (var site in Directory.EnumerateDirectories(uploads))
            {
                var arrived = Path.Combine(site, study.Entry.Id);
                if (Directory.Exists(arrived)) Directory.Delete(arrived, recursive: true);
            }
        }
        catch (IOException e)
        {
            Hosting.LogLines.NotTidied(Log, e, study.Entry.Id); // done again at the next start
        }
    }

    /// <summary>Takes a study in. A second call with the same id gives the study that the first one made.</summary>
    public HostedStudy Submit(StudySubmission submission, string author, ProblemList problems)
    {
        if (_studies.TryGetValue(submission.Id, out var earlier) && earlier.Entry.Author == author) return earlier;
        var id = submission.Id;
        if (!StudyIds.IsValid(id) || _studies.ContainsKey(id) || _unreadable.ContainsKey(id))
        {
            problems.Add(Texts.Problem("study-id", id, id));
            throw new InvalidDeclarationException(problems);
        }
        Keep(submission);
        if (StudyReader.Read(FileOf(id), problems) is not { } declared || problems.HasErrors)
        {
            Directory.Delete(FolderOf(id), recursive: true);
            throw new InvalidDeclarationException(problems);
        }
        // Sites' policies go by the name, so nobody may ask in another's.
        if (declared.Section.Author is { } named && named != author) problems.Add(Texts.Problem("study-author", declared.Root["author"]?.Place.ToString() ?? id, named, author));
        foreach (var site in declared.Section.Sites)
        {
            if (site.Source is { } source) problems.Add(Texts.Problem("study-carries-sources", source.Place.ToString(), site.Id));
            if (Keys.PublicKeyOf(site.Id) is null) problems.Add(Texts.Problem("site-not-approved", site.Id, site.Id));
        }
        if (declared.Section.Synthetic is { } synthetic) problems.Add(Texts.Problem("study-carries-sources", synthetic.Place.ToString(), "synthetic"));
        if (problems.HasErrors)
        {
            Directory.Delete(FolderOf(id), recursive: true);
            throw new InvalidDeclarationException(problems);
        }
        var entry = _book.Add(new(id, declared.Section.Study, author, Time.GetUtcNow(), StudyState.Joining, submission, null, []));
        var study = _studies.GetOrAdd(id, _ => new(this, _book, entry, declared, FilesOf(id)));
        LogLines.StudyEvent(Log, id, "submitted", author);
        study.Start();
        return study;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await Task.WhenAll(_studies.Values.Select(s => s.StopDrivingAsync()));
        _book.Dispose();
    }

    private long Free() => new DriveInfo(Path.GetFullPath(Folder)).AvailableFreeSpace;

    private string FolderOf(string id) => Path.Combine(Folder, id);

    private StudyFiles FilesOf(string id) => new(FolderOf(id), Store?.FilesOf(id)) { Vault = Vault };

    private void Keep(StudySubmission submission)
    {
        try
        {
            Write(submission);
        }
        catch (IOException)
        {
            // Nothing half-written stays of a study that was not taken in.
            if (Directory.Exists(FolderOf(submission.Id))) Directory.Delete(FolderOf(submission.Id), recursive: true);
            throw;
        }
    }

    private void Write(StudySubmission submission)
    {
        Directory.CreateDirectory(FolderOf(submission.Id));
        var (path, bytes) = (FileOf(submission.Id), Convert.FromBase64String(submission.Yaml));
        if (!File.Exists(path) || !File.ReadAllBytes(path).AsSpan().SequenceEqual(bytes)) File.WriteAllBytes(path, bytes);
    }

    private string FileOf(string id) => Path.Combine(FolderOf(id), StudyReader.FileName);
}

/// <summary>Which texts can name a study: they name folders.</summary>
internal static class StudyIds
{
    public static bool IsValid(string id) =>
        id.Length is > 0 and <= 80 && char.IsAsciiLetterOrDigit(id[0]) && id != "uploads" && !id.StartsWith("studies.sqlite", StringComparison.Ordinal)
        && id.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.');
}
