namespace Comity.Coordinator.Serving;

/// <summary>The folder of one coordinator's state, held by one process at a time.</summary>
internal sealed class DataFolder : IDisposable
{
    private readonly FileStream _lock;

    private DataFolder(string path, FileStream held) => (Path, _lock) = (path, held);

    public string Path { get; }

    /// <summary>Makes the folder if needed and takes it.</summary>
    /// <exception cref="IOException">Another process holds it, or it can't be written.</exception>
    /// <exception cref="UnauthorizedAccessException">It can't be written.</exception>
    public static DataFolder Take(string path)
    {
        Directory.CreateDirectory(path);
        var held = new FileStream(System.IO.Path.Combine(path, "coordinator.lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        return new(path, held);
    }

    /// <summary>Whether a file can still be written there: disks fill up and mounts go away.</summary>
    public bool IsWritable()
    {
        try
        {
            _lock.SetLength(0);
            _lock.WriteByte((byte)'.');
            _lock.Flush(flushToDisk: false);
            return Directory.Exists(Path);
        }
        catch (IOException)
        {
            return false;
        }
    }

    public void Dispose() => _lock.Dispose();
}
