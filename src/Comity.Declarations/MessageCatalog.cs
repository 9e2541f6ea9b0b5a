using System.Globalization;
using System.Resources;

namespace Comity.Declarations;

/// <summary>A room's texts for people, from its .resx files: English, and Simplified Chinese beside it.</summary>
/// <remarks>The culture is always an argument: nothing reads the thread's.</remarks>
public sealed class MessageCatalog
{
    private readonly ResourceManager _resources;

    /// <param name="resourcesOf">A type in the assembly that holds the texts.</param>
    /// <param name="baseName">Base name of the resources, such as <c>Comity.Data.Resources.Messages</c>.</param>
    public MessageCatalog(Type resourcesOf, string baseName) => _resources = new ResourceManager(baseName, resourcesOf.Assembly);

    /// <summary>The text of a key with its arguments filled in.</summary>
    /// <exception cref="KeyNotFoundException">The catalogue has no such key.</exception>
    public string Text(string key, CultureInfo culture, params object?[] arguments)
    {
        var text = _resources.GetString(key, culture)
            ?? throw new KeyNotFoundException($"The message catalogue {_resources.BaseName} has no text for '{key}'.");
        if (arguments.Length == 0) return text;
        return string.Format(culture, text, Array.ConvertAll(arguments, a => a is LocalText local ? local.In(culture) : a));
    }
}

/// <summary>A word or phrase within a message that is itself put into the reader's language.</summary>
/// <param name="Catalog">The texts it is from.</param>
/// <param name="Key">Its key.</param>
/// <param name="Arguments">What its placeholders stand for.</param>
public sealed record LocalText(MessageCatalog Catalog, string Key, params object?[] Arguments)
{
    /// <summary>The text in a language.</summary>
    public string In(CultureInfo culture) => Catalog.Text(Key, culture, Arguments);
}
