using System.Text.Json;

namespace Comity.Transport.Deployments;

/// <summary>Orders that the coordinator keeps, and a number that rises with each change.</summary>
/// <param name="Change">Number of the latest change; what has not changed since need not be fetched again.</param>
/// <param name="Orders">One for each model.</param>
public sealed record OrderListing(long Change, IReadOnlyList<OrderEntry> Orders);

/// <summary>An order that the coordinator keeps. It can't read who signed it, and nodes verify it themselves.</summary>
/// <param name="Name">Name of the model.</param>
/// <param name="Sha256">SHA-256 (hex) of the signed order.</param>
public sealed record OrderEntry(string Name, string Sha256);

/// <summary>Releases that the coordinator keeps.</summary>
/// <param name="Releases">Their digests (hex).</param>
public sealed record ReleaseListing(IReadOnlyList<string> Releases);

/// <summary>What a serving node last told.</summary>
/// <param name="Node">The node's name, as it was approved.</param>
/// <param name="Received">When.</param>
/// <param name="Report">In the words of the software that serves; opaque here.</param>
public sealed record NodeEntry(string Node, DateTimeOffset Received, JsonElement Report);

/// <summary>What all nodes last told.</summary>
/// <param name="Nodes">By name.</param>
public sealed record NodeListing(IReadOnlyList<NodeEntry> Nodes);
