using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Comity.Cli.Terminal;
using Comity.Declarations;

namespace Comity.Cli.Accounting;

/// <summary>Which of the two was asked for.</summary>
internal enum Solved
{
    /// <summary>ε, from the noise.</summary>
    Epsilon,

    /// <summary>The noise multiplier, from ε.</summary>
    Noise,
}

/// <summary>What planned steps cost, with everything without which the number says nothing.</summary>
/// <param name="Planned">The steps.</param>
/// <param name="Noise">Noise multiplier.</param>
/// <param name="Epsilon">ε.</param>
/// <param name="Solved">Which of the two was computed.</param>
internal sealed record PrivacyAccount(PlannedTraining Planned, double Noise, double Epsilon, Solved Solved)
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public void Print(Session session, bool json, ProblemList warnings)
    {
        ProblemPrinter.Print(session, warnings);
        if (json) session.Out.Line(Json(session, warnings).ToJsonString(Indented));
        else foreach (var line in Lines(session)) session.Out.Line(line);
    }

    private IEnumerable<string> Lines(Session session)
    {
        var culture = session.Language;
        string Given(double value) => Short(value, culture);
        var (noise, epsilon) = (Given(Noise), Given(Epsilon));
        yield return session.Out.Bold(Solved == Solved.Epsilon
            ? session.Text("privacy.epsilon.answer", RoundedUp(Epsilon, culture), Given(Planned.Delta))
            : session.Text("privacy.noise.answer", RoundedUp(Noise, culture), epsilon, Given(Planned.Delta)));
        yield return session.Text("privacy.mechanism", Solved == Solved.Epsilon ? noise : RoundedUp(Noise, culture), Planned.Steps.ToString("N0", culture));
        yield return session.Text("privacy.relation." + Planned.Relation);
        yield return session.Text("privacy.accountant." + Planned.Reckoner.Name, Planned.Accountant);
        yield return Planned.TakesAll ? session.Text("privacy.sampling.none") : session.Text("privacy.sampling.poisson", Given(Planned.Rate));
        yield return session.Text("privacy.only-reckoned");
    }

    private JsonObject Json(Session session, ProblemList warnings) => new()
    {
        ["epsilon"] = Epsilon,
        ["delta"] = Planned.Delta,
        ["noiseMultiplier"] = Noise,
        ["solvedFor"] = Solved == Solved.Epsilon ? "epsilon" : "noiseMultiplier",
        ["rate"] = Planned.Rate,
        ["steps"] = Planned.Steps,
        ["mechanism"] = "gaussian",
        ["sampling"] = Planned.TakesAll ? "none" : "poisson",
        ["relation"] = Planned.Relation,
        ["accountant"] = Planned.Reckoner.Name,
        ["exact"] = Planned.TakesAll,
        ["warnings"] = new JsonArray([.. warnings.Select(w => (JsonNode)new JsonObject
        {
            ["code"] = w.Code,
            ["found"] = w.Found(session.Language),
            ["expected"] = w.Expected(session.Language),
            ["remedy"] = w.Remedy(session.Language),
        })]),
    };

    // Upwards in the sixth digit: a bound that is rounded down is none, and less noise than needed keeps no promise.
    private static string RoundedUp(double value, CultureInfo culture)
    {
        var near = SixDigits(value);
        if (near < value) near = SixDigits(near + Math.Pow(10, Math.Floor(Math.Log10(near)) - 5));
        return Short(near, culture);
    }

    private static double SixDigits(double value) =>
        double.Parse(value.ToString("E5", CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);

    // 0.00001 is hard to count: small and huge numbers show their power of ten.
    private static string Short(double value, CultureInfo culture) =>
        value != 0 && value is < 1e-3 or >= 1e7 ? value.ToString("0.#####e-0", culture) : value.ToString("0.########", culture);
}
