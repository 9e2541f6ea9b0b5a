namespace Comity.Federation.Stores;

/// <summary>A run's state in a database that other machines reach too. The run's folder then holds working copies only, and a run may go on in an empty one.</summary>
/// <param name="Run">What has been done; <see cref="StateDatabase.Part"/> names the run.</param>
/// <param name="Ledger">What was released about whom, of all runs.</param>
/// <param name="Bodies">Vectors and files, by their place in the run's folder.</param>
public sealed record SharedState(StateDatabase Run, StateDatabase Ledger, IBodyStore Bodies);

/// <summary>Files that are kept in a database: models, updates, checkpoints. Each is streamed, never in memory as a whole.</summary>
public interface IBodyStore
{
    /// <summary>Keeps a file's bytes in the place of what was kept under the name; whole when this returns.</summary>
    /// <param name="name">Its name, with <c>/</c> between folders.</param>
    /// <param name="file">Where it lies.</param>
    /// <param name="note">What a reader must know of it.</param>
    void Keep(string name, string file, string note);

    /// <summary>Writes what is kept into a file, whole or not at all.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="file">Where it goes; replaced.</param>
    /// <returns>False: nothing is kept under this name.</returns>
    bool Fetch(string name, string file);

    /// <summary>Names that begin alike, with their notes, in the order in which they were kept.</summary>
    /// <param name="prefix">How they begin.</param>
    IReadOnlyList<KeyValuePair<string, string>> List(string prefix);

    /// <summary>Forgets all whose names begin alike.</summary>
    /// <param name="prefix">How they begin.</param>
    void Delete(string prefix);
}
