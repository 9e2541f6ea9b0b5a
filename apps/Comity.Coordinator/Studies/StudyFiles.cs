using Comity.Federation.AtRest;
using Comity.Federation.Stores;

namespace Comity.Coordinator.Studies;

/// <summary>Files of one study beside its run: in its folder, which where the state lies in a database holds working copies.</summary>
/// <param name="Folder">The folder.</param>
/// <param name="Bodies">Where they are kept; null: in the folder.</param>
internal sealed record StudyFiles(string Folder, IBodyStore? Bodies)
{
    /// <summary>How models and updates are kept.</summary>
    public StateVault Vault { get; init; } = StateVault.Plain;

    public string At(string name) => Path.Combine(Folder, name);

    /// <summary>A file was written: from here on it is kept.</summary>
    public void Keep(string name) => Bodies?.Keep(name, At(name), "");

    /// <summary>Whether a file is there; fetched if it is not in the folder.</summary>
    public bool Has(string name) => File.Exists(At(name)) || Bodies?.Fetch(name, At(name)) == true;

    /// <summary>A file is no longer needed.</summary>
    public void Delete(string name)
    {
        File.Delete(At(name));
        Bodies?.Delete(name);
    }

    /// <summary>Forgets copies that another coordinator may have replaced since.</summary>
    public void DropCopies()
    {
        if (Bodies is null || !Directory.Exists(Folder)) return;
        foreach (var copy in Directory.EnumerateFiles(Folder).Where(f => Path.GetFileName(f) != Federation.Studies.StudyReader.FileName)) File.Delete(copy);
    }
}
