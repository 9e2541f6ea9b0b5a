using Comity.Serving.Feedback;

namespace Comity.Benchmarks.Serving;

/// <summary>Looks into a market's store past the code that is measured.</summary>
internal static class StoredAnswers
{
    /// <summary>Rows of feedback by answer.</summary>
    public static Dictionary<string, long> CountByAnswer(this StoreAddress store)
    {
        using var connection = store.OpenToRead();
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT answer, COUNT(*) FROM feedback GROUP BY answer";
        using var reader = command.ExecuteReader();
        var counts = new Dictionary<string, long>(StringComparer.Ordinal);
        while (reader.Read()) counts[reader.GetString(0)] = reader.GetInt64(1);
        return counts;
    }

    /// <summary>The key under which an answer's feedback is stored.</summary>
    public static string KeyOf(this StoreAddress store, string id, string folder)
    {
        using var seal = new AnswerSeal(store.OpenAnswerKey(folder));
        return seal.Open(id)!.Key;
    }
}
