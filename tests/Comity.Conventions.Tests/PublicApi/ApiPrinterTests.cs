namespace Comity.Conventions.Tests.PublicApi;

public sealed class ApiPrinterTests
{
    [Fact]
    public void A_record_shows_what_others_can_call_and_not_what_the_compiler_adds() => Assert.Equal(
        """
        namespace Comity.Conventions.Tests.PublicApi
          sealed record Sample
            const int Largest = 3
            double Mean { get; init; }
            float[]? Weights { get; }
            new(double Mean, IReadOnlyList<string?> Names)
            IReadOnlyList<string?> Names { get; init; }
            required string Id { get; init; }
            static Sample? TryRead<T>(ReadOnlySpan<char> text, T other, out int used, int limit = 10, string? name = null) where T : class, new()

        """.Split('\n').Order(StringComparer.Ordinal),
        ApiPrinter.Print([typeof(Sample)]).Split('\n').Order(StringComparer.Ordinal));

    [Fact]
    public void An_interface_an_enum_and_a_delegate_read_like_their_source()
    {
        var text = ApiPrinter.Print([typeof(ISample<>), typeof(SampleKind), typeof(SampleHandler)]);
        Assert.Contains("interface ISample<T> : IDisposable where T : class\n", text, StringComparison.Ordinal);
        Assert.Contains("    Task<T?> FindAsync(string id, CancellationToken cancellationToken)\n", text, StringComparison.Ordinal);
        Assert.Contains("enum SampleKind\n    First = 0\n    Second = 5\n", text, StringComparison.Ordinal);
        Assert.Contains("delegate void SampleHandler((int, string) pair, ref float total)\n", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Private_and_internal_members_are_nobodys_business()
    {
        var text = ApiPrinter.Print([typeof(WithSecrets)]);
        Assert.DoesNotContain("Hidden", text, StringComparison.Ordinal);
        Assert.Contains("protected virtual void ForHeirs()", text, StringComparison.Ordinal);
    }

    [Fact]
    public void The_order_is_by_name_so_that_a_moved_line_is_no_change() => Assert.Equal(
        ApiPrinter.Print([typeof(Sample), typeof(SampleKind)]), ApiPrinter.Print([typeof(SampleKind), typeof(Sample)]));

    [Fact]
    public void A_diff_names_the_type_of_each_change()
    {
        var diff = LineDiff.Between("namespace A\n  class B\n    new()\n  class C\n    int X { get; }\n", "namespace A\n  class B\n    new()\n  class C\n    long X { get; }\n");
        Assert.Equal("  namespace A\n    class C\n-     int X { get; }\n+     long X { get; }\n", diff);
    }
}

public sealed record Sample(double Mean, IReadOnlyList<string?> Names)
{
    public const int Largest = 3;

    public required string Id { get; init; }

    public float[]? Weights { get; private set; }

    public static Sample? TryRead<T>(ReadOnlySpan<char> text, T other, out int used, int limit = 10, string? name = null) where T : class, new()
    {
        used = text.Length;
        return null;
    }
}

public interface ISample<T> : IDisposable where T : class
{
    Task<T?> FindAsync(string id, CancellationToken cancellationToken);
}

public enum SampleKind
{
    First,
    Second = 5,
}

public delegate void SampleHandler((int Id, string Name) pair, ref float total);

public abstract class WithSecrets
{
    internal int HiddenA { get; set; }

    private protected int HiddenB { get; set; }

    protected virtual void ForHeirs() => HiddenC();

    private static void HiddenC() { }
}
