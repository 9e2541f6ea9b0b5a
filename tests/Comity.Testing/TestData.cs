using Xunit;

namespace Comity.Testing;

/// <summary>Finds real data sets through <c>COMITY_DATA</c>; a test that needs one is skipped, with the reason, where it is not there.</summary>
public static class TestData
{
    /// <summary>The folder of a data set, or the test is skipped.</summary>
    public static string Folder(string dataSet)
    {
        var root = Environment.GetEnvironmentVariable("COMITY_DATA");
        var folder = string.IsNullOrEmpty(root) ? null : Path.Combine(root, dataSet);
        Assert.SkipUnless(Directory.Exists(folder), $"Needs the data set '{dataSet}': set COMITY_DATA to the folder that holds it (comity data fetch {dataSet} downloads it).");
        return folder!;
    }
}
