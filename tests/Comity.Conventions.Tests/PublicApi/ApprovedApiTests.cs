using System.Reflection;
using Comity.Conventions.Tests.Rooms;
using Comity.Testing;

namespace Comity.Conventions.Tests.PublicApi;

/// <summary>The public surface of each library is a file; its diff is the review.</summary>
public sealed class ApprovedApiTests
{
    private const string HowToAccept =
        "If the change is meant, accept it and commit the file:  COMITY_APPROVE=1 dotnet test tests/Comity.Conventions.Tests";

    public static TheoryData<string> Libraries() => [.. RoomTable.Libraries];

    [Theory]
    [MemberData(nameof(Libraries))]
    public void The_public_api_is_the_approved_one(string library)
    {
        var actual = ApiPrinter.Print(Assembly.Load(library));
        var path = Repository.At($"tests/Comity.Conventions.Tests/Approved/{library}.txt");
        if (Environment.GetEnvironmentVariable("COMITY_APPROVE") == "1")
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.WriteAllText(path, actual);
            return;
        }
        var approved = File.Exists(path) ? File.ReadAllText(path).ReplaceLineEndings("\n") : "";
        if (approved == actual) return;
        Assert.Fail($"The public API of {library} is not the one in {Repository.Relative(path)}:\n\n{LineDiff.Between(approved, actual)}\n{HowToAccept}");
    }

    [Fact]
    public void No_file_approves_a_library_that_is_gone()
    {
        var approved = Repository.Files("tests/Comity.Conventions.Tests/Approved", "*.txt").Select(Path.GetFileNameWithoutExtension);
        Assert.Empty(approved.Except(RoomTable.Libraries));
    }
}
