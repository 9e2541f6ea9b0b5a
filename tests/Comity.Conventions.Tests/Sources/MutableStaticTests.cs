using System.Reflection;
using System.Runtime.CompilerServices;
using Comity.Conventions.Tests.Rooms;

namespace Comity.Conventions.Tests.Sources;

/// <summary>No state is shared by accident: a static field is a constant or is set once.</summary>
public sealed class MutableStaticTests
{
    /// <summary>Static fields that are meant to change, with the reason.</summary>
    private static readonly Dictionary<string, string> Exemptions = new(StringComparer.Ordinal)
    {
        ["Comity.Tensors.Memory.Scratch.t_ofThread"] = "Packing memory of a thread: holds no state between calls, and an argument would cross every kernel.",
    };

    [Fact]
    public void No_static_field_of_a_room_or_an_app_can_change() =>
        Findings.None(All().Where(f => !Exemptions.ContainsKey(f)));

    [Fact]
    public void Every_exemption_has_a_reason_and_is_still_needed()
    {
        Assert.All(Exemptions.Values, Assert.NotEmpty);
        Assert.Empty(Exemptions.Keys.Except(All()));
    }

    [Fact]
    public void The_rule_finds_state_and_leaves_constants_and_compiler_caches() =>
        Assert.Equal(
            [$"{typeof(WithStatics)}.<Kept>k__BackingField", $"{typeof(WithStatics)}.s_count"],
            MutableStatics([typeof(WithStatics), .. typeof(WithStatics).GetNestedTypes(BindingFlags.NonPublic)]).Order(StringComparer.Ordinal));

    private static IEnumerable<string> All() =>
        RoomTable.Libraries.Concat(["comity", "comity-coordinator"]).SelectMany(name => MutableStatics(Assembly.Load(name).GetTypes()));

    private static IEnumerable<string> MutableStatics(IEnumerable<Type> types) => types
        .Where(t => !IsGenerated(t))
        .SelectMany(t => t.GetFields(BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly))
        .Where(f => !f.IsInitOnly && !f.IsLiteral)
        .Select(f => $"{f.DeclaringType}.{f.Name}");

    private static bool IsGenerated(Type? type) =>
        type is not null && (type.Name.Contains('<', StringComparison.Ordinal) || type.IsDefined(typeof(CompilerGeneratedAttribute), false) || IsGenerated(type.DeclaringType));

    private static class WithStatics
    {
        private const int Largest = 3;
        private static readonly int[] Primes = [2, 3, 5];
        private static int s_count = Largest;

        public static string? Kept { get; set; }

        public static string Fixed { get; } = "fixed";

        public static int Count() => s_count++ + Primes.Count(p => p < Largest);
    }
}
