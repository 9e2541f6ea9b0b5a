using System.Reflection;

namespace Comity.Cli;

/// <summary>The tool's version as it stands in results.</summary>
internal static class ToolVersion
{
    /// <summary>Version without the build's metadata.</summary>
    public static string Text { get; } =
        (typeof(ToolVersion).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "0").Split('+')[0];
}
