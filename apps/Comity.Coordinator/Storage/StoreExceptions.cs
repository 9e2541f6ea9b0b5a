using System.Net.Sockets;
using Comity.Declarations;
using Comity.Transport.Stores;
using Npgsql;

namespace Comity.Coordinator.Storage;

/// <summary>The database can't be had at the moment, or the process ends before it came back.</summary>
internal sealed class StoreUnavailableException(Exception reason) : Exception("The database can't be reached.", reason);

/// <summary>Another coordinator has taken the database over: what this one writes no longer counts.</summary>
internal sealed class StaleEpochException(long epoch, long present) : Exception($"Epoch {epoch} is over; it is {present}.")
{
    public long Epoch { get; } = epoch;

    public long Present { get; } = present;
}

/// <summary>The database can't be used, and a person must do something about it.</summary>
internal sealed class StoreRefusedException(Problem problem) : Exception(problem.Code)
{
    public Problem Problem { get; } = problem;
}

/// <summary>What went wrong with a database.</summary>
internal static class StoreFailure
{
    /// <summary>Whether it passes by itself, or once a person has mended the server: what was asked is asked again.</summary>
    public static bool Passes(Exception e) => e switch
    {
        // An administrator ends sessions, a server stops, starts, is full, kills a session that slept, or lets nobody in for a while.
        PostgresException p => p.IsTransient || p.SqlState is "25P03" || p.SqlState.StartsWith("57P", StringComparison.Ordinal) || p.SqlState.StartsWith("08", StringComparison.Ordinal)
            || p.SqlState.StartsWith("28", StringComparison.Ordinal) || p.SqlState.StartsWith("53", StringComparison.Ordinal) || p.SqlState is "3D000" or "40001" or "40P01",
        NpgsqlException n => n.IsTransient || n.InnerException is IOException or SocketException or TimeoutException or null,
        _ => false,
    };

    /// <summary>What a person is told whose database can't be opened. The server's own words stand in it; no password does.</summary>
    public static Problem Explain(Exception e, StoreAddress address) => e switch
    {
        PostgresException { SqlState: "3D000" } => Texts.Problem("store-no-database", address.Place, address.Shown),
        PostgresException { SqlState: "42501" } p => Texts.Problem("store-not-allowed", address.Place, address.Shown, p.MessageText, address.Schema),
        PostgresException p when p.SqlState.StartsWith("28", StringComparison.Ordinal) => Texts.Problem("store-no-entry", address.Place, address.Shown, p.MessageText),
        NpgsqlException { InnerException: SocketException or TimeoutException } n => Texts.Problem("store-unreachable", address.Place, address.Shown, n.InnerException!.Message),
        // Npgsql asks for a password before it calls, where the server wants one and none is given.
        NpgsqlException n when n.Message.Contains("password", StringComparison.OrdinalIgnoreCase) => Texts.Problem("store-no-entry", address.Place, address.Shown, n.Message),
        _ => Texts.Problem("store-failed", address.Place, address.Shown, e.Message),
    };
}
