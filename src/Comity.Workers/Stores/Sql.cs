using Npgsql;

namespace Comity.Workers.Stores;

/// <summary>Statements whose values are <c>@a</c>, <c>@b</c>, … in their order.</summary>
internal static class Sql
{
    public static NpgsqlCommand Command(NpgsqlConnection connection, string sql, params ReadOnlySpan<object?> values)
    {
        var command = new NpgsqlCommand(sql, connection);
        for (var i = 0; i < values.Length; i++) command.Parameters.AddWithValue($"{(char)('a' + i)}", values[i] ?? DBNull.Value);
        return command;
    }
}
