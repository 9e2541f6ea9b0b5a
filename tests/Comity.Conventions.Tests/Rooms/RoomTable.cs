namespace Comity.Conventions.Tests.Rooms;

/// <summary>Who may reference whom: the table of docs/design.md as data.</summary>
internal static class RoomTable
{
    private static readonly string[] AllRooms =
    [
        "Comity.Data", "Comity.Declarations", "Comity.Federation", "Comity.Insight", "Comity.Learning", "Comity.Privacy",
        "Comity.SecureAggregation", "Comity.Serving", "Comity.Tensors", "Comity.Transport", "Comity.Workers",
    ];

    /// <summary>Project to the projects that it may reference directly.</summary>
    public static IReadOnlyDictionary<string, string[]> Allowed { get; } = new SortedDictionary<string, string[]>(StringComparer.Ordinal)
    {
        ["Comity.Declarations"] = [],
        ["Comity.Tensors"] = [],
        ["Comity.Privacy"] = ["Comity.Declarations"],
        ["Comity.SecureAggregation"] = ["Comity.Declarations"],
        ["Comity.Learning"] = ["Comity.Declarations", "Comity.Tensors", "Comity.Privacy"],
        ["Comity.Data"] = ["Comity.Declarations", "Comity.Tensors"],
        ["Comity.Serving"] = ["Comity.Declarations", "Comity.Tensors", "Comity.Learning", "Comity.Data"],
        ["Comity.Federation"] = ["Comity.Declarations", "Comity.Tensors", "Comity.Privacy", "Comity.SecureAggregation"],
        ["Comity.Transport"] = ["Comity.Declarations", "Comity.Federation"],
        ["Comity.Workers"] = ["Comity.Declarations", "Comity.Federation", "Comity.Transport"],
        ["Comity.Insight"] = ["Comity.Declarations", "Comity.Federation"],
        ["Comity.Coordinator"] = ["Comity.Declarations", "Comity.Federation", "Comity.Transport", "Comity.Insight"],
        ["Comity.Cli"] = AllRooms,
    };

    /// <summary>What the neutral party must not even hold.</summary>
    public static IReadOnlyList<string> BarredFromCoordinator { get; } = ["Comity.Data", "Comity.Learning", "Comity.Serving", "Comity.Workers", "Comity.Cli"];

    public static IReadOnlyList<string> Libraries => AllRooms;
}
