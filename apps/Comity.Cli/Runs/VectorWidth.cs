using System.Globalization;
using System.Runtime.Intrinsics;
using Comity.Cli.Terminal;
using Comity.Declarations;

namespace Comity.Cli.Runs;

/// <summary>
/// The vector width, on which the last bits of every sum depend. The runtime settles it at start, so another one is forced by starting the
/// tool again with the runtime's own switches.
/// </summary>
internal static class VectorWidth
{
    private const string Marker = "COMITY_WIDTH";

    /// <summary>Width in bits that this process computes with.</summary>
    public static int Current => Vector512.IsHardwareAccelerated ? 512 : Vector256.IsHardwareAccelerated ? 256 : 128;

    /// <summary>Returns when this process computes with <paramref name="bits"/>; otherwise starts the tool again so that it does.</summary>
    /// <exception cref="StoppedException">This machine has no such width.</exception>
    public static void Force(int bits, Func<string, string?> environment)
    {
        if (Current == bits) return;
        if (bits > Current || environment(Marker) is not null || !Restart.Possible)
            throw new StoppedException(ExitCode.Usage, Texts.Problem("width-unavailable", Place.InFile("--width"), bits, Current));
        Restart.With([.. Switches(bits), (Marker, bits.ToString(CultureInfo.InvariantCulture))]);
        throw new StoppedException(ExitCode.Failed, Texts.Problem("width-unavailable", Place.InFile("--width"), bits, Current));
    }

    private static IEnumerable<(string, string)> Switches(int bits)
    {
        yield return ("DOTNET_EnableAVX512", "0");
        yield return ("DOTNET_EnableAVX512F", "0"); // the switch's name before .NET 10
        if (bits == 128)
        {
            yield return ("DOTNET_EnableAVX2", "0");
            yield return ("DOTNET_EnableAVX", "0");
        }
    }
}
