using Comity.Federation.Sites;
using Comity.Tensors.Parameters;

namespace Comity.Federation.Rounds;

/// <summary>A site's own side of the rounds of one model, for a process that is a site: its machine, its memory, its gate.</summary>
public static class LocalChannel
{
    /// <summary>Opens the site's side of a model's rounds.</summary>
    /// <param name="work">What the site does.</param>
    /// <param name="layout">The model's layout as the site itself knows it; a round with another one is refused.</param>
    /// <param name="memoryFolder">Where it keeps what it remembers from round to round of this model.</param>
    public static ISiteChannel Open(ISiteWork work, ParameterLayout layout, string memoryFolder)
    {
        ArgumentNullException.ThrowIfNull(work);
        ArgumentNullException.ThrowIfNull(layout);
        ArgumentException.ThrowIfNullOrEmpty(memoryFolder);
        // The slots of this process are its caller's; one here keeps a model's rounds apart.
        return new InProcessChannel(work, layout, new SiteMemory(memoryFolder, null), new WorkSlots(1));
    }
}
