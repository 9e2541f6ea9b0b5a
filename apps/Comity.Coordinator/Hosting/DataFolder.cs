namespace Comity.Coordinator.Hosting;

/// <summary>The folder of one coordinator's state, held by one process at a time.</summary>
internal sealed class DataFolder : IDisposable
{
    private const long LeastRoom = 1 << 20;
    private readonly FileStream _lock;

    private DataFolder(string path, FileStream held) => (Path, _lock) = (path, held);

    public string Path { get; }

    /// <summary>Makes the folder if needed and takes it.</summary>
    /// <exception cref="DataFolderException">Another process holds it, or it can't be written.</exception>
    public static DataFolder Take(string path)
    {
        try
        {
            var mode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
            if (OperatingSystem.IsWindows()) Directory.CreateDirectory(path);
            else if (!Directory.Exists(path)) Directory.CreateDirectory(path, mode);
            var held = new FileStream(System.IO.Path.Combine(path, "coordinator.lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            return new(path, held);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new DataFolderException(e);
        }
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

    /// <summary>Whether the disk has room for more than what is overwritten: a file of one byte can be written again on a full one.</summary>
    public bool HasRoom() => new DriveInfo(System.IO.Path.GetFullPath(Path)).AvailableFreeSpace >= LeastRoom;

    public void Dispose() => _lock.Dispose();
}

/// <summary>The data folder can't be had.</summary>
internal sealed class DataFolderException(Exception reason) : Exception(reason.Message, reason);
