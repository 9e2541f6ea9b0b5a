namespace Comity.Privacy.Attacks;

/// <summary>Attacks take long to be sure of; CI runs a short form of each. <c>COMITY_ATTACKS=long</c> runs the form that the demands are stated for.</summary>
internal static class LongForm
{
    public static bool Wanted { get; } = Environment.GetEnvironmentVariable("COMITY_ATTACKS") == "long";

    public static int Of(int inShort, int inLong) => Wanted ? inLong : inShort;
}
